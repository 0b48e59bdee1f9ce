"""Pipelines from raw samples that are put together in unusual ways: converted rightly, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.emit import emit_c
from milliwatt.errors import InputError, MilliwattError, UnsupportedModelError
from milliwatt.features import (
    Centre,
    FIRFilter,
    Flatten,
    Magnitude,
    SlidingWindow,
    Spectrum,
    TimeFeatures,
)
from milliwatt.ir.signals import INT16
from milliwatt.raw_samples import cut_as_trained

RNG = np.random.default_rng(7)
KINDS = np.repeat([0, 1], 12)
# Two kinds of windows, of two channels: still, and shaken.
WINDOWS = (RNG.normal(0, 1, (24, 40, 2)) * np.where(KINDS, 4000, 300)[:, None, None]).astype(np.int16)
RECORDINGS = list(WINDOWS)


def _tree(**given: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(random_state=1, **given)


def _fitted(*steps: Any) -> Pipeline:
    recorded = any(isinstance(step, SlidingWindow) for step in steps)
    return make_pipeline(*steps).fit(RECORDINGS if recorded else WINDOWS, KINDS)


def test_parameters_that_change_after_fit_change_nothing() -> None:
    """Until the next fit: what is converted is what answers."""
    pipeline = _fitted(SlidingWindow(40), TimeFeatures(["std", "max"], [0]), _tree())
    before = milliwatt.convert(pipeline)
    names = pipeline[:-1].get_feature_names_out().tolist()
    windows = pipeline[:-1].transform(RECORDINGS)
    pipeline.set_params(
        slidingwindow__length=20, slidingwindow__hop=5, timefeatures__features=["min", "mean"]
    )
    assert (pipeline[:-1].transform(RECORDINGS) == windows).all()
    assert pipeline[:-1].get_feature_names_out().tolist() == names
    assert milliwatt.convert(pipeline).ir == before.ir


def test_rates_behind_stages_on_windows() -> None:
    """A filter that halves the rate of each window."""

    def convert(rate: float) -> milliwatt.Model:
        spectrum = Spectrum(16, bands=[1, 5, 12], rate=rate)
        front = (SlidingWindow(40, rate=50.0), FIRFilter([0.5, 0.5], 2), spectrum)
        return milliwatt.convert(_fitted(*front, Flatten(), _tree()))

    assert convert(25.0).ir.signals is not None
    with pytest.raises(UnsupportedModelError, match=r"'spectrum' .* is for 50 Hz, and gets 25 Hz"):
        convert(50.0)


def test_a_union_that_begins_with_nothing() -> None:
    parts = [
        ("none", "drop"),
        ("all", Pipeline([("p", "passthrough"), ("f", TimeFeatures(["std"]))])),
    ]
    pipeline = _fitted(FeatureUnion(parts), _tree())
    assert (milliwatt.convert(pipeline).predict(WINDOWS) == pipeline.predict(WINDOWS)).all()


def test_a_union_whose_names_are_not_unique() -> None:
    parts = [("a", TimeFeatures(["std"])), ("b", make_pipeline(Centre(), TimeFeatures(["std"])))]
    pipeline = _fitted(FeatureUnion(parts, verbose_feature_names_out=False), _tree())
    model = milliwatt.convert(pipeline)
    assert model.ir.feature_names == ()
    assert (model.predict(WINDOWS) == pipeline.predict(WINDOWS)).all()


def test_a_union_of_which_only_samples_are_read() -> None:
    """Of 16 bits, handed on as the 32 that the features beside them have."""
    marked = WINDOWS.copy()
    marked[:, 3, 1] = np.where(KINDS, 30000, -30000)
    union = FeatureUnion([("still", TimeFeatures(["zero_crossings"])), ("raw", Flatten())])
    pipeline = make_pipeline(union, _tree(max_depth=1, max_features=None)).fit(marked, KINDS)
    model = milliwatt.convert(pipeline, calibration=marked)
    assert model.ir.signals is not None
    assert [branch.features for branch in model.ir.signals.branches] == [()]
    assert (model.predict(marked) == KINDS).all()
    assert model.features(marked).dtype == np.int32


def _mismatched() -> Pipeline:
    """Steps that were fitted apart, the last two on fewer features."""
    features = TimeFeatures(["std", "mean", "max"]).fit(WINDOWS)
    made = features.transform(WINDOWS)[:, :4]
    return make_pipeline(features, StandardScaler().fit(made), _tree(max_depth=1).fit(made, KINDS))


def _of_columns() -> Pipeline:
    columns = ColumnTransformer([("left", TimeFeatures(["std"]), slice(0, 40))])
    return make_pipeline(columns, _tree()).fit(WINDOWS[:, :, 0], KINDS)


def _search() -> GridSearchCV:
    pipeline = make_pipeline(TimeFeatures(["std"]), _tree())
    return GridSearchCV(pipeline, {"decisiontreeclassifier__max_depth": [1, 2]}, cv=2).fit(WINDOWS, KINDS)


def _vote() -> VotingClassifier:
    return VotingClassifier([("a", make_pipeline(TimeFeatures(["std"]), _tree()))]).fit(WINDOWS, KINDS)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a scaler of samples": (
        lambda: make_pipeline(StandardScaler(), TimeFeatures(), _tree()).fit(WINDOWS[:, :, 0], KINDS),
        r"step 'standardscaler' \(StandardScaler\) before steps on samples .*\n  cure: put it behind",
    ),
    "a scaler in a union": (
        lambda: _fitted(
            FeatureUnion([("a", make_pipeline(TimeFeatures(["std"]), StandardScaler()))]), _tree()
        ),
        r"'a': 'standardscaler' \(StandardScaler\) makes no features\n  cure: .* behind the union",
    ),
    "steps that were fitted apart": (
        _mismatched,
        r"'standardscaler' \(StandardScaler\) takes 4 features, and the steps before it make 6",
    ),
    "columns": (_of_columns, r"step 'left' \(TimeFeatures\) takes samples.*\n  cure: .*ColumnTransformer"),
    "a search": (_search, "GridSearchCV is a search .*\n  cure: convert its best_estimator_"),
    "a committee": (_vote, r"step 'timefeatures' \(TimeFeatures\) takes samples.*\n  cure: .*Voting"),
}


@pytest.mark.parametrize(("make", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_converted_is_refused_by_name(make: Callable[[], Any], problem: str) -> None:
    with pytest.raises(UnsupportedModelError, match=problem):
        milliwatt.convert(make())


def test_steps_that_were_never_fitted_are_refused_by_name() -> None:
    for steps in (
        (Magnitude([0, 1]).fit(RECORDINGS), SlidingWindow(20), TimeFeatures()),
        (Magnitude([0, 1]).fit(RECORDINGS), SlidingWindow(20).fit(RECORDINGS), TimeFeatures()),
    ):
        with pytest.raises(MilliwattError, match=r"is not fitted\n  cure: call fit"):
            milliwatt.convert(make_pipeline(*steps, _tree().fit([[0], [1]], [0, 1])))


def test_quantising_without_recordings() -> None:
    pipeline = _fitted(TimeFeatures(["std"]), StandardScaler(), MLPClassifier((3,), max_iter=5, tol=1e9))
    with pytest.raises(
        MilliwattError, match=r"quantize=int8 needs .*\n  cure: convert in Python .*recordings"
    ):
        milliwatt.convert(pipeline, quantize="int8")
    with pytest.raises(MilliwattError, match="quantize"):  # of trees it is no option at all
        milliwatt.convert(_fitted(TimeFeatures(["std"]), _tree()), quantize="int8")


def test_a_model_is_evaluated_by_numpy_too() -> None:
    forest = RandomForestClassifier(3, max_depth=2, random_state=1)
    lengths = [np.concatenate(RECORDINGS[:3]), RECORDINGS[20]]  # of unequal length
    model = milliwatt.convert(_fitted(SlidingWindow(40), TimeFeatures(["std", "jerk"]), forest))
    found = model.evaluate(lengths)
    assert found.shape == (4, 2)
    assert (np.abs(found - model.predict_proba(lengths)) <= model.bounds(lengths) + 1e-7).all()
    with pytest.raises(InputError, match="an empty list\n  cure: give at least one recording"):
        model.predict([])
    with pytest.raises(InputError, match="recording 0"):
        model.predict([[[1, 2], [3]]])


def test_a_recording_for_a_model_of_windows_is_cut() -> None:
    model = milliwatt.convert(_fitted(TimeFeatures(["std"]), _tree()))
    assert model.ir.signals is not None
    assert model.ir.signals.dtype == INT16
    long = np.concatenate([*RECORDINGS, RECORDINGS[0][:39]])
    assert (cut_as_trained(model.ir.signals, long) == WINDOWS).all()
    with pytest.raises(InputError, match="39 frames; the model was trained on windows of 40"):
        cut_as_trained(model.ir.signals, long[:39])


def test_check_takes_a_file_of_many_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from milliwatt import commands, rig

    model = milliwatt.convert(_fitted(TimeFeatures(["std"]), _tree()))
    model.save(tmp_path / "a.mw.json")
    data = tmp_path / "a.csv"
    data.write_text("".join(f"{x},{y}\n" for x, y in np.concatenate(RECORDINGS[:2]).tolist()))
    given: list[Any] = []
    monkeypatch.setattr(rig, "check", lambda model, board, samples, port: given.append(samples))
    commands.check_file(tmp_path / "a.mw.json", board="host", data=data)
    assert (given[0] == WINDOWS[:2]).all()


def test_tables_have_other_names_than_functions() -> None:
    """Thresholds by their rank among those of a feature take a table of features, beside model_features()."""
    windows = RNG.normal(0, 1, (400, 10, 2)).astype(np.float32)
    forest = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=9)
    pipeline = make_pipeline(TimeFeatures(["mean", "max"]), forest).fit(windows, RNG.integers(0, 2, 400))
    model = milliwatt.convert(pipeline, method="compact")
    assert "model_entries[" in "".join(emit_c(model.ir, method="compact").files.values())
    assert (model.predict(windows) == pipeline.predict(windows)).all()


def test_the_agreement_is_that_of_the_device() -> None:
    """Of numbers next to 1 float64 tells more apart than float32: what that changes is said."""
    windows = np.stack([WINDOWS[:, :, 0] // 100, np.full_like(WINDOWS[:, :, 0], 30000)], axis=2)
    second = SelectKBest(lambda X, y: np.array([0.0, 1.0]), k=1)
    steps = (TimeFeatures(["mean"]), Normalizer(), StandardScaler(), second)
    pipeline = make_pipeline(*steps, _tree()).fit(windows, RNG.integers(0, 2, len(windows)))
    model = milliwatt.convert(pipeline, calibration=windows)
    same = model.predict(windows) == pipeline.predict(windows)
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.agree == same.sum() < len(windows)
