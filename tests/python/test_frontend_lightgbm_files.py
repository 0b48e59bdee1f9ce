"""LightGBM's saved models: equal to what is in memory, read without LightGBM, and damaged in every way."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.boosting import near_thresholds, problem, same

import milliwatt
from milliwatt.errors import MilliwattError, ModelFileError, ToolMissingError, UnsupportedModelError
from milliwatt.export import export_file
from milliwatt.frontends import to_ir
from milliwatt.frontends.lightgbm_trees import read_file
from milliwatt.frontends.loading import load_estimator
from milliwatt.options import ModelOptions

lgb = pytest.importorskip("lightgbm")

N = 300
X, GAPS, CODES, BINARY, CLASSES, _ = problem(6, N, 5)
BY_CODE = np.isin(CODES[:, 2], [1, 5, 7, 31, 32, 33, 39]) * 2.0 + (CODES[:, 3] == 2) + 0.1 * X[:, 0]
SMALL = {"n_estimators": 8, "num_leaves": 9, "min_child_samples": 5, "verbose": -1}
FOREST = {**SMALL, "boosting_type": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}
CATEGORY = {**SMALL, "min_data_per_group": 3, "cat_smooth": 1.0, "max_cat_to_onehot": 2}


def agrees(estimator: Any, x: Any = X) -> Any:
    samples = near_thresholds(to_ir(estimator, nan="follow"), x, 300, 1, 0.1)
    return same(estimator, samples, nan="follow")


def load(path: Path) -> Any:
    return load_estimator(path, trust_pickle=False)


def text_of(estimator: Any) -> str:
    return str(getattr(estimator, "booster_", estimator).model_to_string())


def from_text(text: str) -> Any:
    return read_file(text.encode())


MODELS = {
    "two classes": lambda: lgb.LGBMClassifier(**SMALL).fit(GAPS, BINARY),
    "classes": lambda: lgb.LGBMClassifier(**FOREST).fit(X, CLASSES),
    "categories": lambda: lgb.LGBMRegressor(**CATEGORY).fit(CODES, BY_CODE, categorical_feature=[2, 3]),
    "ranker": lambda: lgb.LGBMRanker(**SMALL).fit(X, BINARY, group=[20] * 15),
    "constant": lambda: lgb.LGBMRegressor(**SMALL).fit(X, np.ones(N)),
}


@pytest.mark.parametrize("ending", [".txt", ".model"])
@pytest.mark.parametrize("name", MODELS)
def test_files_equal_what_is_in_memory(name: str, ending: str, tmp_path: Path) -> None:
    estimator = MODELS[name]()
    path = tmp_path / f"my model{ending}"
    estimator.booster_.save_model(path)
    loaded = load(path)
    from_file, from_memory = to_ir(loaded), to_ir(estimator.booster_)
    assert from_file == from_memory
    agrees(loaded, CODES if name == "categories" else X)


def test_line_ends_of_windows() -> None:
    text = text_of(MODELS["categories"]())
    windows = from_text(text.replace("\n", "\r\n"))
    assert to_ir(windows) == to_ir(from_text(text))
    agrees(windows, CODES)


def test_files_need_no_lightgbm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = lgb.LGBMClassifier(**SMALL).fit(X, CLASSES)
    path = tmp_path / "m.txt"
    estimator.booster_.save_model(path)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "lightgbm", None)
        model = milliwatt.convert(load(path))
        with pytest.raises(ToolMissingError, match="lightgbm is needed") as caught:
            milliwatt.convert(load(path), calibration=X)
    assert "pip install lightgbm" in str(caught.value.cure)
    assert model.ir.trees == milliwatt.convert(estimator).ir.trees
    calibrated = milliwatt.convert(load(path), calibration=X)
    assert calibrated.ir.calibration is not None
    assert calibrated.ir.calibration.agreement.fraction == 1.0


# Damaged files

TEXT = text_of(
    lgb.LGBMRegressor(**{**CATEGORY, "n_estimators": 2}).fit(CODES, BY_CODE, categorical_feature=[2, 3])
)


def _with(field: str, value: str, text: str = TEXT) -> str:
    """The text with a field's first occurrence changed: to another value, or to it with ``{}`` filled in."""
    found = re.search(rf"^{field}=(.*)$", text, re.MULTILINE)
    assert found, field
    words = found.group(1).split()
    new = value.format(*words, rest=" ".join(words[1:]), but_last=" ".join(words[:-1]))
    return text[: found.start(1)] + new + text[found.end(1) :]


DAMAGED = {
    "another version": ("version", "v9", "format 'v9' of LightGBM's files is not known"),
    "no features": ("max_feature_idx", "", "max_feature_idx: missing, or not a count"),
    "negative features": ("max_feature_idx", "-1", "max_feature_idx: missing, or not a count"),
    "no outputs": ("num_tree_per_iteration", "0", "2 trees for 0 outputs"),
    "outputs that do not fit": ("num_tree_per_iteration", "3", "2 trees for 3 outputs"),
    "an objective unknown": ("objective", "unheard", "objective 'unheard' is not supported"),
    "names too few": ("feature_names", "a b", "2 names for 4 features"),
    "sizes too many": ("tree_sizes", "1 2 3", "2 trees, but 3 were saved"),
    "a tree left out": ("Tree", "1", "tree 1 follows after 0 trees"),
    "leaves that are none": ("num_leaves", "many", "Tree=0.num_leaves: missing, or not a count"),
    "no leaves": ("num_leaves", "0", "Tree=0.num_leaves: a tree without leaves"),
    "too many leaves": ("num_leaves", "12", "values instead of"),
    "a huge tree": ("num_leaves", "9" * 9, "values instead of"),
    "a leaf of text": ("leaf_value", "x {rest}", "Tree=0.leaf_value: holds something that is not a number"),
    "a leaf of NaN": ("leaf_value", "nan {rest}", "a leaf's value is not finite"),
    "a leaf of inf": ("leaf_value", "-inf {rest}", "a leaf's value is not finite"),
    "a leaf too few": ("leaf_value", "{rest}", "Tree=0.leaf_value: 8 values instead of 9"),
    "a feature out of range": ("split_feature", "4 {rest}", "outside 0..3"),
    "a negative feature": ("split_feature", "-1 {rest}", "outside 0..3"),
    "a feature of a fraction": (
        "split_feature",
        "1.5 {rest}",
        "split_feature: holds something that is not an",
    ),
    "a feature beyond numbers": ("split_feature", "9" * 30 + " {rest}", "split_feature: holds something"),
    "a threshold of NaN": ("threshold", "nan {rest}", "compares with NaN|does not name a set"),
    "a threshold too few": ("threshold", "{rest}", "Tree=0.threshold: 7 values instead of 8"),
    "a child out of range": ("left_child", "99 {rest}", "not one of the tree's nodes"),
    "a leaf out of range": ("left_child", "-99 {rest}", "not one of the tree's nodes"),
    "its own child": ("left_child", "0 {rest}", "reached in two ways"),
    "two parents": ("right_child", "{but_last} {0}", "reached in two ways|hangs under no other"),
    "a cycle": ("left_child", "{but_last} 0", "reached in two ways"),
    "a leaf that nothing reaches": ("left_child", "-1 {rest}", "reached in two ways|hangs under no other"),
    "a linear tree": ("is_linear", "1", "Tree=0: linear_tree is not supported"),
    "missing as nobody knows": ("decision_type", "12 {rest}", "an unknown kind of missing value"),
    "all on categories": ("decision_type", "1 1 1 1 1 1 1 1", "does not name a set of categories"),
    "sets that go back": ("cat_boundaries", "5 {rest}", "does not fit cat_threshold"),
    "sets too long": ("cat_boundaries", "{but_last} 999", "does not fit cat_threshold"),
    "sets too few": ("cat_boundaries", "{rest}", "cat_boundaries: . values instead of"),
    "words too long": ("cat_threshold", "4294967296 {rest}", "not 32 bits"),
    "a negative word": ("cat_threshold", "-1 {rest}", "not 32 bits"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_field_is_named(name: str, tmp_path: Path) -> None:
    field, value, words = DAMAGED[name]
    path = tmp_path / "m.txt"
    path.write_text(_with(field, value), encoding="utf-8")
    with pytest.raises((ModelFileError, UnsupportedModelError), match=words) as caught:
        export_file(path, name="m", options=ModelOptions())
    assert caught.value.file == str(path)
    assert caught.value.cure


@pytest.mark.parametrize("sigmoid", ["0", "-1", "nan", "inf", "x"])
def test_a_damaged_sigmoid(sigmoid: str) -> None:
    text = text_of(lgb.LGBMClassifier(**SMALL).fit(X, BINARY))
    with pytest.raises(ModelFileError, match="sigmoid is not a number > 0"):
        to_ir(from_text(text.replace("sigmoid:1", f"sigmoid:{sigmoid}")))


def test_a_category_beyond_the_devices_is_refused() -> None:
    found = re.search(r"^cat_boundaries=(.*)$", TEXT, re.MULTILINE)
    assert found
    *first, last = found.group(1).split()
    words = 70_000 // 32 + 1
    text = _with("cat_boundaries", " ".join([*first, str(int(last) + words)]))
    text = text.replace("cat_threshold=" + _field("cat_threshold"), "cat_threshold=" + " ".join(
        _field("cat_threshold").split() + ["0"] * (words - 1) + ["1"]
    ))  # fmt: skip
    with pytest.raises(UnsupportedModelError, match=r"Tree=0: a split on categories names category \d{5}"):
        from_text(text)


def _field(name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", TEXT, re.MULTILINE)
    assert found
    return found.group(1)


def test_files_cut_short() -> None:
    """At every line, and within many: one clear error."""
    end = TEXT.index("end of trees")
    lines = [i for i, char in enumerate(TEXT[:end]) if char == "\n"]
    for length in {*lines, *(i + 1 for i in lines), *range(0, end, 37), end + 5}:
        with pytest.raises(ModelFileError):
            from_text(TEXT[:length])
    from_text(TEXT[: end + len("end of trees")])


def test_not_text() -> None:
    with pytest.raises(ModelFileError, match="not a text file"):
        read_file(b"tree\nversion=v4\n\xff\xfe")


_WORDS = st.sampled_from(
    ["", "0", "-1", "1", "7", "99", "nan", "inf", "1e999", "x", "0.5", "=", "tree", "2 2"]
)


@settings(max_examples=300)
@given(data=st.data())
def test_any_word_may_be_anything(data: st.DataObject) -> None:
    """A text with anything anywhere gives a model that is one, or one clear error."""
    body = TEXT[: TEXT.index("feature_importances")]
    pieces = re.split(r"([ =\n])", body)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(pieces) - 1))
        pieces[place] = data.draw(_WORDS | st.text(max_size=3))
    with contextlib.suppress(MilliwattError):
        milliwatt.convert(from_text("".join(pieces).encode("utf-8", "replace").decode()))
