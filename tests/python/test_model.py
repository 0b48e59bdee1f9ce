"""``convert`` and ``Model``: options, decisions, and what they say."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.models import Spec, build
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

import milliwatt
from milliwatt.emit import choose_method, emit_c
from milliwatt.errors import MilliwattError
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.options import ModelOptions

INTEGERS = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
Y = [0, 1, 0, 1]


def _tree(x: Any = INTEGERS, **settings: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(random_state=0, **settings).fit(x, Y)


@pytest.mark.parametrize(
    ("x", "calibration", "dtype", "why"),
    [
        (INTEGERS, None, "int16", "all thresholds show"),
        (INTEGERS + 0.1, None, "float", "exact for any"),
        (INTEGERS * 20_000, None, "float", "exact for any"),
        (INTEGERS, INTEGERS, "int16", "integers from 0 to 7"),
        (INTEGERS, INTEGERS * 30_000, "int32", "integers from 0 to 210000"),
        (INTEGERS, INTEGERS * 2.0**40, "float", "beyond 32 bits"),
        (INTEGERS, INTEGERS + 0.5, "float", "not all integers"),
    ],
)
def test_the_type_that_is_chosen(x: Any, calibration: Any, dtype: str, why: str) -> None:
    model = milliwatt.convert(_tree(x), calibration=calibration)
    assert model.ir.dtype == dtype
    assert model.decision is not None
    assert why in model.decision.reason


def test_thresholds_drawn_at_random_show_nothing() -> None:
    tree = ExtraTreeClassifier(random_state=0).fit(INTEGERS, Y)
    assert milliwatt.convert(tree).ir.dtype == "float"
    model = milliwatt.convert(tree, dtype="int8")
    assert (model.predict(INTEGERS) == tree.predict(INTEGERS)).all()


@pytest.mark.parametrize(
    ("option", "value"), [("method", "fast"), ("dtype", "int64"), ("nan", "no"), ("name", "a b")]
)
def test_options_are_checked(option: str, value: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        milliwatt.convert(_tree(), **{option: value})
    assert caught.value.option == option


def test_calibration_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("a,b,label\n0,1,x\n6,7,y\n", encoding="utf-8")
    model = milliwatt.convert(_tree(), calibration=path)
    assert model.ir.calibration is not None
    assert (model.ir.calibration.low, model.ir.calibration.high) == ((0, 1), (6, 7))
    assert model.ir.calibration.agreement.rows == 2
    assert milliwatt.convert(_tree(), calibration=str(path)).ir == model.ir


@pytest.mark.parametrize(
    ("text", "part"), [("a,b\n", "no samples"), ("1,2,3,4\n", "4 columns"), ("1,nan\n", "NaN")]
)
def test_calibration_files_that_cannot_be(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MilliwattError) as caught:
        milliwatt.convert(_tree(), calibration=path)
    assert part in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("bad", [np.zeros((3, 5)), np.zeros(2), np.zeros((0, 2)), [["x", "y"]]])
def test_calibration_arrays_that_cannot_be(bad: Any) -> None:
    with pytest.raises(MilliwattError) as caught:
        milliwatt.convert(_tree(), calibration=bad)
    assert caught.value.option == "calibration"


def test_calibrating_a_model_with_feature_names_warns_of_nothing() -> None:
    tree = _tree()
    tree.feature_names_in_ = np.array(["a", "b"], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = milliwatt.convert(tree, calibration=INTEGERS)
    assert model.ir.feature_names == ("a", "b")
    other = DecisionTreeClassifier().fit(INTEGERS * [0, 0.3], Y)
    other.feature_names_in_ = tree.feature_names_in_
    with pytest.raises(MilliwattError, match=r"feature 1 \(b\) was not an integer"):
        milliwatt.convert(other, dtype="int8")


def test_what_a_model_says_of_itself() -> None:
    model = milliwatt.convert(_tree(), name="gesture", method="loadable")
    assert repr(model) == (
        "<milliwatt.Model gesture: classifier, 1 trees, 3 splits, 2 int16 features, loadable>"
    )
    assert model.classes_.tolist() == [0, 1]
    regressor = milliwatt.convert(DecisionTreeRegressor().fit(INTEGERS, [0.1, 0.2, 0.3, 0.4]))
    with pytest.raises(MilliwattError, match="a regressor has no probabilities"):
        regressor.predict_proba(INTEGERS)
    assert regressor.bound.shape == (1,)
    assert 0 < regressor.bound[0] < 1e-7


def _chain(n_splits: int, **changes: Any) -> TreeEnsemble:
    links = (*range(1, n_splits), -1)
    tree = Tree(0, (0,) * n_splits, tuple(range(n_splits))[::-1], links, (-2,) * n_splits)
    model = TreeEnsemble("regressor", 1, (tree,), ((0.0,), (1.0,)), dtype="int32")
    return dataclasses.replace(model, **changes)


@pytest.mark.parametrize(
    ("model", "method", "wanted"),
    [
        (_chain(10), "auto", "inline"),
        (_chain(1000), "auto", "loadable"),
        (_chain(1000), "inline", "inline"),
        (_chain(10), "loadable", "loadable"),
        (_chain(10), "compact", "compact"),
        (_chain(1000, method="inline"), "auto", "inline"),
        (_chain(1000, method="inline"), "loadable", "loadable"),
        (_chain(1000, n_features=65_535), "auto", "loadable"),
        (_chain(262_144), "auto", "inline"),
    ],
)
def test_the_method_that_is_chosen(model: TreeEnsemble, method: str, wanted: str) -> None:
    choice = choose_method(model, method)
    assert choice.method == wanted
    assert choice.reason


@pytest.mark.parametrize(
    ("budget", "wanted"),
    [
        ("speed", "inline"),
        ("flash", "compact"),
        ("flash=64k", "inline"),
        ("flash=15000", "inline"),
        ("flash=14999", "loadable"),
        ("flash=8k", "loadable"),
        ("flash=4k", "compact"),
    ],
)
def test_the_budget_decides(budget: str, wanted: str) -> None:
    choice = choose_method(dataclasses.replace(_chain(1000), budget=budget))
    assert choice.method == wanted
    assert "bytes" in choice.reason
    assert choose_method(_chain(1000), budget=budget).method == wanted
    assert choose_method(_chain(1000), "inline", budget).method == "inline", "asked for outright"


def test_a_budget_that_cannot_be_kept() -> None:
    with pytest.raises(MilliwattError, match="as method=compact, more than 1024 bytes") as caught:
        choose_method(_chain(1000), budget="flash=1k")
    assert "leaf_bits" in str(caught.value)


@pytest.mark.parametrize(
    "budget", ["small", "flash=", "flash=0", "flash=8m", "speed=3", "flash = 8k", "flash=-1"]
)
def test_a_budget_that_is_none(budget: str) -> None:
    with pytest.raises(MilliwattError, match="is not possible") as caught:
        ModelOptions(budget=budget)
    assert "flash=8k" in str(caught.value)


def test_many_leaf_rows_are_counted() -> None:
    rows = tuple((float(i),) for i in range(262_145))
    trees = tuple(Tree(root=~i) for i in (0, 262_144))
    model = TreeEnsemble("regressor", 1, trees, rows)
    assert "#define MW_T_FOLDED 0" in emit_c(model, method="loadable").files["model.c"]


def test_a_loaded_model_has_no_decision(tmp_path: Path) -> None:
    model = milliwatt.Model(build(Spec(1)))
    model.save(tmp_path / "m.mw.json")
    assert milliwatt.load(str(tmp_path / "m.mw.json")).decision is None


def test_the_package_shows_what_it_has() -> None:
    assert Path(milliwatt.includedir, "milliwatt", "trees.h").is_file()
    assert set(milliwatt.__all__) >= {"convert", "load", "Model", "includedir"}
    with pytest.raises(AttributeError, match="no attribute 'converts'"):
        milliwatt.converts  # noqa: B018


def test_converting_leaves_the_estimator_alone() -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(INTEGERS, Y)
    before = forest.predict_proba(INTEGERS)
    milliwatt.convert(forest, calibration=INTEGERS).predict(INTEGERS)
    assert (forest.predict_proba(INTEGERS) == before).all()
