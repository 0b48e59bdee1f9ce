"""Leaves as the options ask for: what auto takes, what is measured, and where that is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from mwtest.models import FORMS, Spec, build, samples
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

import milliwatt
from milliwatt.cli import app
from milliwatt.errors import MilliwattError
from milliwatt.export import summary
from milliwatt.host import decide, evaluate, scores, trade_leaves
from milliwatt.ir import LeafTrade, Tree, TreeEnsemble, dumps, loads
from milliwatt.options import ModelOptions


@pytest.fixture(scope="module")
def wine() -> tuple[RandomForestClassifier, Any, Any]:
    """A forest with mixed leaves, and rows it has not seen."""
    x, y = load_wine(return_X_y=True)
    return (
        RandomForestClassifier(10, min_samples_leaf=5, random_state=0).fit(x[::2], y[::2]),
        x[1::2],
        y[1::2],
    )


def _trade(model: milliwatt.Model) -> LeafTrade:
    assert model.ir.calibration is not None
    assert model.ir.calibration.leaves is not None
    return model.ir.calibration.leaves


def test_auto_takes_the_narrowest_that_changes_no_class(wine: Any) -> None:
    forest, x, _ = wine
    model = milliwatt.convert(forest, calibration=x)
    trade = _trade(model)
    assert (trade.leaf_bits, trade.classes_changed) == (8, 0)
    assert "narrowest" in trade.reason
    assert all(round(v * 255) / 255 == v for row in model.ir.leaves for v in row)
    assert (model.evaluate(x).argmax(axis=1) == forest.predict_proba(x).argmax(axis=1)).all()
    assert model.ir.origin["leaves"] == "8 bits"


def test_auto_without_calibration_data_leaves_them_exact(wine: Any) -> None:
    forest, x, _ = wine
    plain = milliwatt.convert(forest)
    assert plain.ir.leaves == milliwatt.convert(forest, leaf_bits="exact").ir.leaves
    assert "leaves" not in plain.ir.origin
    exact = milliwatt.convert(forest, leaf_bits="exact", calibration=x)
    assert exact.ir.leaves == plain.ir.leaves
    assert exact.ir.calibration is not None
    assert exact.ir.calibration.leaves is None


def _close(gap: float) -> TreeEnsemble:
    """Two trees whose mean is ahead for class 1 by a given gap where x <= 0."""
    rows = ((0.5 - gap, 0.5 + gap), (0.9, 0.1), (0.5, 0.5))
    return TreeEnsemble("classifier", 1, (Tree(0, (0,), (0.0,), (-1,), (-2,)), Tree(root=-3)), rows, (0, 1))


@pytest.mark.parametrize(
    ("gap", "bits", "reason"),
    [
        (0.01 * np.sqrt(2), 8, "narrowest"),
        (0.0003 * np.sqrt(2), 16, "8 bits would change 1"),
        (0.000001 * np.sqrt(2), None, "8 bits would change 1, 16 bits would change 1"),
    ],
)
def test_auto_goes_wider_where_a_class_would_change(gap: float, bits: int | None, reason: str) -> None:
    exact = _close(gap)
    x = np.array([[-1.0], [1.0]], dtype=np.float32)
    model, trade = trade_leaves(exact, ModelOptions(), x)
    assert trade is not None
    assert trade.leaf_bits == bits
    assert reason in trade.reason
    assert trade.classes_changed == 0
    assert trade.auc_before == trade.auc_after == 1.0
    assert (decide(model, scores(model, x)) == decide(exact, scores(exact, x))).all()
    if bits is None:
        assert model == exact


def test_equal_integers_are_the_first_class_however_floats_add_up() -> None:
    """Rows whose integers add up to a tie, and whose float64 quotients do not."""
    rng = np.random.default_rng(0)
    total = np.zeros(3)
    while total[1] <= total[0]:
        first = rng.integers(90, 120, 3)
        second = rng.permutation(first)
        rows = np.column_stack([first, second, first]) / 255
        rows[:, 2] = 1 - rows[:, 0] - rows[:, 1]
        total = rows[0] + rows[1] + rows[2]
    trees = tuple(Tree(root=~row) for row in range(3))
    narrow = TreeEnsemble("classifier", 1, trees, tuple(map(tuple, rows.tolist())), (0, 1, 2))
    x = np.zeros((1, 1), dtype=np.float32)
    assert decide(narrow, scores(narrow, x)).tolist() == [1]
    same, trade = trade_leaves(narrow, ModelOptions(leaf_bits=8), x)
    assert trade is not None
    assert np.allclose(same.leaves, narrow.leaves, atol=1e-12)
    assert trade.classes_changed == 1, "the device answers class 0"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", [{"leaf_bits": 3}, {"leaf_clusters": 2}, {}])
def test_models_that_add_up_scores(form: str, asked: dict[str, int]) -> None:
    exact = build(Spec(5, form=form, n_trees=6, n_splits=20, n_rows=40))
    x = samples(exact, 300, 1)
    model, trade = trade_leaves(exact, ModelOptions(**asked), x)  # type: ignore[arg-type]
    if not asked:
        assert (model, trade) == (exact, None), "auto leaves them exact"
        return
    assert trade is not None
    if not exact.is_classifier:
        assert trade == LeafTrade(asked.get("leaf_bits", 8), asked.get("leaf_clusters", 0), "asked for")
        return
    before, after = (decide(m, scores(m, x)) for m in (exact, model))
    assert trade.classes_changed == int((before != after).sum())
    assert trade.classes_changed < 150
    if len(set(before.tolist())) > 1:
        assert trade.auc_before is not None
        assert trade.auc_after is not None
        assert trade.auc_after <= trade.auc_before or exact.n_outputs > 1


def test_leaves_that_are_narrow_already_are_not_touched() -> None:
    x = np.zeros((1, 1), dtype=np.float32)
    sixteenths = TreeEnsemble("classifier", 1, (Tree(root=-1),), ((5 / 16, 11 / 16),), (0, 1))
    assert trade_leaves(sixteenths, ModelOptions(), x) == (sixteenths, None)
    pure = dataclasses.replace(sixteenths, leaves=((1.0, 0.0),))
    assert trade_leaves(pure, ModelOptions(), x) == (pure, None)
    # Exact in 9 bits: 8 are tried, 16 would gain nothing.
    nine = dataclasses.replace(sixteenths, leaves=((255 / 511, 256 / 511),))
    _, trade = trade_leaves(nine, ModelOptions(), x)
    assert trade is not None
    assert trade.leaf_bits in (8, None)
    assert trade.classes_changed == 0


def test_auto_leaves_regressors_and_sums_exact(wine: Any) -> None:
    _, x, _ = wine
    forest = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0])
    model = milliwatt.convert(forest, calibration=x, dtype="float")
    assert model.ir.leaf_error == ()
    assert model.ir.calibration is not None
    assert model.ir.calibration.leaves is None


@pytest.mark.parametrize("asked", [{"leaf_bits": 0}, {"leaf_bits": 3}, {"leaf_clusters": 2}])
def test_what_is_measured(wine: Any, asked: dict[str, int]) -> None:
    forest, x, _ = wine
    exact = forest.predict_proba(x)
    model = milliwatt.convert(forest, calibration=x, **asked)
    trade = _trade(model)
    narrow = evaluate(model.ir, x)
    assert trade.leaf_bits == asked.get("leaf_bits", 8)
    assert trade.leaf_clusters == asked.get("leaf_clusters", 0)
    changed = int((np.round(narrow, 9).argmax(axis=1) != exact.argmax(axis=1)).sum())
    assert trade.classes_changed == changed
    assert not trade.labelled
    truth = exact.argmax(axis=1)
    assert trade.auc_before == pytest.approx(roc_auc_score(truth, exact, multi_class="ovr"))
    assert trade.auc_after == pytest.approx(roc_auc_score(truth, np.round(narrow, 12), multi_class="ovr"))
    assert model.ir.calibration is not None
    agreement = model.ir.calibration.agreement
    assert agreement.rows - agreement.agree - agreement.ties <= changed <= agreement.rows - agreement.agree
    assert loads(dumps(model.ir)) == model.ir


def _csv(path: Path, x: Any, labels: Any) -> Path:
    lines = [",".join([*map(repr, row.tolist()), str(label)]) for row, label in zip(x, labels, strict=True)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("names", [None, ("red", "white", "rosé"), (1.0, 2.0, 3.0), (True, False)])
def test_labels_of_a_file(tmp_path: Path, names: Any) -> None:
    x, y = (
        load_wine(return_X_y=True)
        if names is None or len(names) == 3
        else load_breast_cancer(return_X_y=True)
    )
    # NumPy's own scalars print differently.
    labels = y if names is None else np.array(names, dtype=object)[y]
    learn = labels if names is None or isinstance(names[0], str) else labels.astype(type(names[0]))
    forest = RandomForestClassifier(5, min_samples_leaf=10, max_depth=2, random_state=0).fit(
        x[::2], learn[::2]
    )
    path = _csv(tmp_path / "c.csv", x[1::2], labels[1::2])
    trade = _trade(milliwatt.convert(forest, calibration=path, leaf_bits=0))
    assert trade.labelled
    given = forest.predict_proba(x[1::2])
    given = given[:, 1] if given.shape[1] == 2 else given
    assert trade.auc_before == pytest.approx(roc_auc_score(learn[1::2], given, multi_class="ovr"))
    assert trade.auc_before < 1.0, "labels are not what the forest says"


def test_foreign_labels_are_left_out_of_account(wine: Any, tmp_path: Path) -> None:
    forest, x, y = wine
    path = _csv(tmp_path / "c.csv", x, ["other", *y[1:]])
    trade = _trade(milliwatt.convert(forest, calibration=path, leaf_bits=2))
    assert not trade.labelled
    assert trade.auc_before is not None
    path = _csv(tmp_path / "d.csv", x, ["nan"] * len(x))
    assert not _trade(milliwatt.convert(forest, calibration=path, leaf_bits=2)).labelled


def test_one_class_has_no_area(wine: Any) -> None:
    forest, x, _ = wine
    model = milliwatt.convert(forest, calibration=x[:1], leaf_bits=2)
    assert _trade(model).auc_before is None
    assert "AUC" not in "\n".join(summary(model))
    assert loads(dumps(model.ir)) == model.ir


def test_a_regressor_says_how_far_answers_move(wine: Any) -> None:
    _, x, _ = wine
    forest = RandomForestRegressor(7, min_samples_leaf=2, random_state=0).fit(x, x[:, :2])
    model = milliwatt.convert(forest, calibration=x, leaf_bits=4, dtype="float")
    exact = milliwatt.convert(forest, dtype="float")
    assert (model.bound > exact.bound).all()
    error = np.abs(model.evaluate(x) - forest.predict(x))
    assert (error <= model.bound).all()
    assert error.max() > exact.bound.max()
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.fraction == 1.0
    assert _trade(model) == LeafTrade(4, 0, "asked for")
    (line,) = (line for line in summary(model) if line.startswith("leaves"))
    assert (
        line == f"leaves: 4 bits (asked for), which moves an answer by at most {max(model.ir.leaf_error):.3g}"
    )


def test_the_summary_says_what_was_traded(wine: Any, tmp_path: Path) -> None:
    forest, x, y = wine
    given = milliwatt.convert(forest, calibration=_csv(tmp_path / "c.csv", x, y), leaf_bits=0)
    text = "\n".join(summary(given))
    trade = _trade(given)
    assert f"leaves: hard votes (asked for); another class on {trade.classes_changed} of 89" in text
    assert trade.auc_before is not None
    assert trade.auc_after is not None
    change = trade.auc_after - trade.auc_before
    assert f"macro AUC against the labels given {trade.auc_after:.4f} ({change:+.4f})" in text
    clustered = milliwatt.convert(forest, leaf_clusters=4)
    assert (
        "leaves: 8 bits, clustered to 4 rows a class; with calibration data, what that changes is measured"
        in summary(clustered)
    )
    automatic = milliwatt.convert(forest, calibration=x)
    area = _trade(automatic).auc_after
    assert f"against the classes of exact leaves {area:.4f} (+0.0000)" in "\n".join(summary(automatic))
    assert "leaves" not in "\n".join(summary(milliwatt.convert(forest)))


def test_the_command_line_takes_them(wine: Any, tmp_path: Path) -> None:
    forest, x, y = wine
    source, out = tmp_path / "m.joblib", tmp_path / "m.mw.json"
    joblib.dump(forest, source)
    data = _csv(tmp_path / "c.csv", x, y)
    asked = ["export", str(source), "-o", str(out), "--calibration", str(data)]
    done = CliRunner().invoke(app, [*asked, "--leaf-bits", "2", "--name", "a"])
    assert done.exit_code == 0, done.output
    assert "leaves: 2 bits (asked for)" in done.output
    assert milliwatt.load(out).ir == milliwatt.convert(forest, name="a", calibration=data, leaf_bits=2).ir
    done = CliRunner().invoke(app, [*asked, "--leaf-clusters", "3"])
    assert "leaves: 8 bits, clustered to 3 rows a class (asked for)" in done.output
    done = CliRunner().invoke(app, [*asked, "--leaf-bits", "eight"])
    assert isinstance(done.exception, MilliwattError)
    assert done.exception.option == "leaf_bits"


def test_scaled_integer_features_are_measured_as_the_device_sees_them() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    forest = ExtraTreesClassifier(5, min_samples_leaf=5, random_state=0).fit(x, y)
    model = milliwatt.convert(forest, calibration=x, dtype="int8", leaf_bits=8)
    assert model.ir.scale
    assert _trade(model).classes_changed <= 3


def test_hard_votes_of_what_has_none(wine: Any) -> None:
    _, x, _ = wine
    forest = RandomForestRegressor(2, random_state=0).fit(x, x[:, 0])
    with pytest.raises(MilliwattError, match="leaf_bits: hard votes need"):
        milliwatt.convert(forest, leaf_bits=0)


def test_a_clustered_digits_forest_is_smaller_and_nearly_as_good() -> None:
    x, y = load_digits(return_X_y=True)
    forest = RandomForestClassifier(10, min_samples_leaf=4, random_state=0).fit(x[:1000], y[:1000])
    clustered = milliwatt.convert(forest, leaf_clusters=4)
    assert len(clustered.ir.leaves) <= 40
    before = roc_auc_score(y[1000:], forest.predict_proba(x[1000:]), multi_class="ovr")
    after = roc_auc_score(y[1000:], evaluate(clustered.ir, x[1000:]).round(12), multi_class="ovr")
    assert after > before - 0.01
