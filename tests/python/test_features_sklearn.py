"""Transformers among scikit-learn's own: copies, pickles, searches, unions, columns, data frames."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from milliwatt import features
from milliwatt.features import (
    MFCC,
    Centre,
    FIRFilter,
    Flatten,
    Goertzel,
    IIRFilter,
    Magnitude,
    MelSpectrogram,
    PreEmphasis,
    RemoveDC,
    SelectChannels,
    SlidingWindow,
    Spectrum,
    TimeFeatures,
    ToFloat,
    window_groups,
    window_labels,
)
from milliwatt.ir.signals import TimeFeature

SOS = [[0.2, 0.4, 0.2, 1.0, -0.3, 0.1]]
RNG = np.random.default_rng(2)


def motion(kind: int, frames: int = 240) -> NDArray[np.int16]:
    t = np.arange(frames) / 50
    phase = RNG.uniform(0, 2 * np.pi)
    swing = 6000 * np.sin(2 * np.pi * (2 + 3 * kind) * t + phase)[:, None] * [1, 0.5, -0.5]
    return (swing + RNG.normal(size=(frames, 3)) * 500).astype(np.int16)


KINDS = [0] * 4 + [1] * 4 + [2] * 4
RECORDINGS = [motion(kind) for kind in KINDS]
WINDOWS = SlidingWindow(60).fit_transform(RECORDINGS)
LABELS = np.repeat(KINDS, 4)
ALL: list[tuple[Callable[[], Any], Any]] = [
    (lambda: IIRFilter(SOS, start="rest", rate=50), RECORDINGS),
    (lambda: IIRFilter(np.array(SOS)), WINDOWS),
    (lambda: FIRFilter([0.5, 0.5], decimation=2), RECORDINGS),
    (lambda: PreEmphasis(0.5), WINDOWS),
    (lambda: RemoveDC(4), RECORDINGS),
    (lambda: Centre(), WINDOWS),
    (lambda: Magnitude([0, 1], keep=True), WINDOWS),
    (lambda: SelectChannels([1, 0]), RECORDINGS),
    (lambda: ToFloat(0.5), WINDOWS),
    (lambda: Spectrum(32, bands=[1, 4, 9], shape=["peak"]), WINDOWS),
    (lambda: MelSpectrogram(50, n_fft=32, n_mels=6), RECORDINGS),
    (lambda: MFCC(50, 3, n_fft=32, n_mels=6), WINDOWS),
    (lambda: Goertzel([5, 10], 50), WINDOWS),
    (lambda: SlidingWindow(60, 30), RECORDINGS),
    (lambda: TimeFeatures(["mean", ("percentile", 75)], channels=[2, 1]), WINDOWS),
    (lambda: Flatten(), WINDOWS),
]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) and all(map(np.array_equal, a, b))
    return bool(np.array_equal(a, b))


def test_every_transformer_is_tried() -> None:
    tried = {type(make()).__name__ for make, _ in ALL}
    assert tried == {name for name in features.__all__ if not name.startswith("window")}


@pytest.mark.parametrize(("make", "X"), ALL)
def test_copies_and_pickles_do_the_same(make: Callable[[], Any], X: Any) -> None:
    made = make()
    before = {name: repr(value) for name, value in made.get_params().items()}
    with pytest.raises(NotFittedError):
        check_is_fitted(made)
    want = made.fit(X).transform(X)
    check_is_fitted(made)
    # Parameters are kept as they were given.
    assert {name: repr(value) for name, value in made.get_params().items()} == before
    fresh = clone(made)
    assert not hasattr(fresh, "dtype_")
    assert same(fresh.fit(X).transform(X), want)
    assert same(make().fit_transform(X, np.zeros(len(X))), want)
    assert same(pickle.loads(pickle.dumps(made)).transform(X), want)
    assert repr(made) == repr(pickle.loads(pickle.dumps(made)))
    if hasattr(made, "to_stage"):
        assert made.to_stage("int16", 3) == fresh.to_stage("int16", 3)


@pytest.mark.parametrize(("make", "X"), ALL)
def test_names_are_as_many_as_columns(make: Callable[[], Any], X: Any) -> None:
    made = make().fit(X)
    got = made.transform(X)
    names = made.get_feature_names_out()
    assert names.dtype == object
    assert len(set(names)) == len(names) == (got[0] if isinstance(got, list) else got).shape[-1]


def front(*more: Any) -> Pipeline:
    return make_pipeline(*more, SlidingWindow(60))


def test_a_grid_over_windows() -> None:
    pipeline = Pipeline(
        [
            ("filter", IIRFilter(SOS)),
            ("features", TimeFeatures(["std"])),
            ("scale", StandardScaler()),
            ("model", RandomForestClassifier(3, random_state=0)),
        ]
    )
    grid = {"features__features": [["mean"], ["std", "mean_crossings"]], "filter__start": ["rest", "settled"]}
    groups = window_groups(front().fit(RECORDINGS), RECORDINGS)
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(3))
    search.fit(WINDOWS, LABELS, groups=groups)
    assert search.best_params_["features__features"] == ["std", "mean_crossings"]
    assert search.best_score_ > 0.9
    assert (
        cross_val_score(search.best_estimator_, WINDOWS, LABELS, groups=groups, cv=GroupKFold(3)).min() > 0.9
    )


def test_choices_out_of_numpy_arrays() -> None:
    """A grid over an array hands on numpy's own texts, which no file holds."""
    window, feature = np.array(["hamming", "mean"])
    spectrum = Spectrum(16, window=window, shape=np.array(["peak"])).fit(WINDOWS)
    assert {type(spectrum.stage_.window), *map(type, spectrum.stage_.shape)} == {str}
    assert type(TimeFeatures([feature]).fit(WINDOWS).branch_.features[0].name) is str


def test_recordings_go_through_a_pipeline_to_a_model() -> None:
    pipeline = make_pipeline(IIRFilter(SOS), SlidingWindow(60, 30), TimeFeatures(), RandomForestClassifier(5))
    labels = window_labels(
        front(IIRFilter(SOS)).set_params(slidingwindow__hop=30).fit(RECORDINGS), RECORDINGS, KINDS
    )
    pipeline.fit(RECORDINGS, labels)
    assert pipeline.predict(RECORDINGS).shape == labels.shape
    assert pipeline.score(RECORDINGS, labels) > 0.9
    names = pipeline[:-1].get_feature_names_out()
    assert names.tolist()[:3] == ["mean_x", "mean_y", "mean_z"]


def test_unions_and_selections() -> None:
    union = FeatureUnion(
        [
            ("axes", TimeFeatures(["mean", "std"])),
            ("length", make_pipeline(Magnitude(), TimeFeatures(["max"]))),
            ("bands", make_pipeline(Centre(), Spectrum(32, length=30, bands=[1, 3, 9]), Flatten())),
        ]
    )
    made = make_pipeline(union, SelectKBest(k=4)).fit(WINDOWS, LABELS)
    assert made.transform(WINDOWS).shape == (48, 4)
    whole = union.transform(WINDOWS)
    parts = [part.transform(WINDOWS) for _, part in union.transformer_list]
    assert (whole == np.hstack(parts)).all()
    assert union.get_feature_names_out().tolist()[:7] == [
        *(f"axes__{name}_{axis}" for name in ("mean", "std") for axis in "xyz"),
        "length__max_magnitude",
    ]


def test_columns_of_an_array() -> None:
    """Windows of two channels, one behind the other in the columns."""
    flat = WINDOWS[:, :, :2].transpose(0, 2, 1).reshape(len(WINDOWS), 120)
    columns = ColumnTransformer(
        [
            ("left", TimeFeatures(["mean", "std"]), slice(0, 60)),
            ("right", make_pipeline(Spectrum(32, length=30, bands=[1, 3]), Flatten()), slice(60, 120)),
        ]
    )
    got = columns.fit_transform(flat)
    assert (got[:, :2] == TimeFeatures(["mean", "std"]).fit_transform(WINDOWS[:, :, 0])).all()
    assert got.shape == (48, 4)
    names = ["left__mean_x", "left__std_x", "right__band0_0", "right__band0_1"]
    assert columns.get_feature_names_out().tolist() == names
    table = columns.set_output(transform="pandas").fit_transform(flat)
    assert table.columns.tolist() == names
    assert (table.to_numpy() == got).all()


def test_data_frames_come_of_features_alone() -> None:
    pipeline = make_pipeline(IIRFilter(SOS), SlidingWindow(60), TimeFeatures(["mean"]))
    plain = pipeline.fit_transform(RECORDINGS)
    for table in (
        clone(pipeline).set_output(transform="pandas").fit_transform(RECORDINGS),
        _within_a_context(pipeline),
    ):
        assert table.columns.tolist() == ["mean_x", "mean_y", "mean_z"]
        assert (table.to_numpy() == plain).all()


def _within_a_context(pipeline: Pipeline) -> Any:
    with config_context(transform_output="pandas"):
        return clone(pipeline).fit_transform(RECORDINGS)


def test_a_model_file_gets_what_was_fitted() -> None:
    made = TimeFeatures(["rms", ("percentile", 12.5), "correlation"], channels=[0, 2]).fit(WINDOWS)
    assert made.to_features("int16", 3) == (
        TimeFeature("rms", (0,)),
        TimeFeature("rms", (2,)),
        TimeFeature("percentile", (0,), 125.0),
        TimeFeature("percentile", (2,), 125.0),
        TimeFeature("correlation", (0, 2)),
    )
    assert Flatten().fit(WINDOWS).to_features("int16", 3) == ()
    window = SlidingWindow(60).fit(RECORDINGS)
    assert (window.length, window.hop_) == (60, 60)


def test_milliwatt_alone_does_without_scikit_learn() -> None:
    code = "import sys, milliwatt; sys.exit(any(name.startswith('sklearn') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys; sys.modules['sklearn'] = None; import milliwatt.features"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ToolMissingError: milliwatt.features: these are transformers of scikit-learn" in done.stderr
    assert "cure: pip install milliwatt[sklearn]" in done.stderr
