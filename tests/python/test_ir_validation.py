"""A hand-over file that is damaged, or made by hand, gives one clear error and nothing else."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mwtest.models import Spec, build

from milliwatt import ir
from milliwatt.emit import emit_c
from milliwatt.errors import ModelFileError
from milliwatt.ir.validate import check_name
from milliwatt.options import METHODS

# Three splits: 0 -> (1, 2), 1 -> two leaves, 2 -> two leaves.
VALID: dict[str, Any] = {
    "milliwatt": 1,
    "kind": "trees",
    "name": "model",
    "task": "classifier",
    "dtype": "float",
    "method": "auto",
    "check_nan": True,
    "n_features": 2,
    "feature_names": ["a", "b"],
    "scale": [],
    "classes": ["x", "y"],
    "origin": {"class": "Tree"},
    "calibration": {"rows": 3, "agree": 2, "ties": 1, "max_error": 0.0, "low": [0, 0], "high": [1, 1]},
    "leaves": [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]],
    "trees": [
        {
            "root": 0,
            "feature": [0, 1, 0],
            "threshold": [0.5, 1.5, -2.0],
            "left": [1, -1, -2],
            "right": [2, -2, -3],
        }
    ],
}  # fmt: skip
TREE = VALID["trees"][0]
TRADE: dict[str, Any] = {
    "leaf_bits": 8, "leaf_clusters": 0, "reason": "asked for", "classes_changed": 3, "auc_before": 0.75,
    "auc_after": 0.5, "labelled": True,
}  # fmt: skip


def _with(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(VALID), **changes}


def _tree(**changes: Any) -> dict[str, Any]:
    return _with(trees=[{**copy.deepcopy(TREE), **changes}])


def _traded(**changes: Any) -> dict[str, Any]:
    return _with(calibration={**VALID["calibration"], "leaves": {**TRADE, **changes}})


def _without(key: str) -> dict[str, Any]:
    return {k: v for k, v in VALID.items() if k != key}


def _integer(*threshold: Any) -> dict[str, Any]:
    return {**_tree(threshold=list(threshold)), "dtype": "int8"}


def test_the_valid_file_is_valid() -> None:
    model = ir.loads(json.dumps(VALID))
    assert model.n_splits == 3
    assert ir.loads(ir.dumps(model)) == model
    assert ir.loads(json.dumps(_integer(1, -128, 127))).dtype == "int8"


INF = [0.5, "inf", "-inf"]
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    # name: (content, field, part of the message)
    "not ours": (_without("milliwatt"), "", "not a Milliwatt model file"),
    "newer schema": (
        _with(milliwatt=4), "milliwatt", "schema version 4; this Milliwatt reads versions 1 to 3",
    ),
    "odd schema": (_with(milliwatt="1"), "milliwatt", "schema version '1'"),
    "other kind": (_with(kind="net"), "kind", "unknown kind of model 'net'"),
    "no name": (_without("name"), "name", "missing"),
    "keyword name": (_with(name="while"), "name", "cannot be a model's name"),
    "our prefix": (_with(name="mw_x"), "name", "library's own prefix"),
    "bad task": (_with(task="guess"), "task", "unknown task 'guess'"),
    "bad dtype": (_with(dtype="int64"), "dtype", "unknown feature type 'int64'"),
    "bad method": (_with(method="fast"), "method", "unknown method 'fast'"),
    "check_nan a number": (_with(check_nan=1), "check_nan", "not a bool"),
    "n_features a bool": (_with(n_features=True), "n_features", "not a int"),
    "n_features a float": (_with(n_features=2.0), "n_features", "not a int"),
    "no features": (_with(n_features=0), "n_features", "0 features"),
    "too many features": (_with(n_features=70_000, feature_names=[]), "n_features", "70000 features"),
    "names short": (_with(feature_names=["a"]), "feature_names", "1 names for 2 features"),
    "names not text": (_with(feature_names=["a", 1]), "feature_names", "wrong type"),
    "scale on float": (_with(scale=[1.0, 1.0]), "scale", "integer feature type"),
    "scale short": ({**_integer(1, 2, 3), "scale": [1.0]}, "scale", "one factor a feature"),
    "scale zero": ({**_integer(1, 2, 3), "scale": [1.0, 0.0]}, "scale", "positive"),
    "scale infinite": ({**_integer(1, 2, 3), "scale": [1.0, "inf"]}, "scale", "positive"),
    "scale no float32": ({**_integer(1, 2, 3), "scale": [1.0, 0.1]}, "scale", "float32"),
    "no classes": (_with(classes=[]), "classes", "at least one class"),
    "class twice": (_with(classes=["x", "x"]), "classes", "twice"),
    "class a list": (_with(classes=["x", []]), "classes", "wrong type"),
    "class infinite": (_with(classes=[1.0, float("1e999")]), "classes", "not finite"),
    "regressor with classes": (_with(task="regressor"), "classes", "a regressor has no classes"),
    "origin not text": (_with(origin={"class": 1}), "origin", "wrong type"),
    "origin a list": (_with(origin=[]), "origin", "not a dict"),
    "no leaves": (_with(leaves=[]), "leaves", "no leaf values"),
    "empty row": (_with(leaves=[[]]), "leaves", "no leaf values"),
    "row too long": (_with(leaves=[[1.0, 0.0], [1.0, 0.0, 0.0]]), "leaves", "3 values instead of 2"),
    "row not numbers": (_with(leaves=[["a", "b"]]), "leaves[0]", "wrong type"),
    "row a number": (_with(leaves=[3]), "leaves[0]", "wrong type"),
    "row of bools": (_with(leaves=[[True, False]]), "leaves[0]", "wrong type"),
    "row infinite": (_with(leaves=[["inf", 0.0]]), "leaves", "not finite"),
    "proportion negative": (_with(leaves=[[-0.5, 1.0]]), "leaves", "not a row of proportions"),
    "proportion above one": (_with(leaves=[[0.5, 1.5]]), "leaves", "not a row of proportions"),
    "value beyond float": (
        _with(task="regressor", classes=[], leaves=[[1e39]]), "leaves", "float32 cannot hold",
    ),
    "no trees": (_with(trees=[]), "trees", "0 trees"),
    "tree a list": (_with(trees=[[]]), "trees[0]", "not an object"),
    "no root": (_with(trees=[{}]), "trees[0]", "wrong type"),
    "column a number": (_tree(left=3), "trees[0]", "not a list"),
    "columns differ": (_tree(left=[1, -1]), "trees[0]", "differ in length"),
    "feature too high": (_tree(feature=[0, 2, 0]), "trees[0]", "feature outside 0..1"),
    "feature negative": (_tree(feature=[0, -1, 0]), "trees[0]", "feature outside 0..1"),
    "feature a float": (_tree(feature=[0, 1.0, 0]), "trees[0]", "wrong type"),
    "feature a bool": (_tree(feature=[0, True, 0]), "trees[0]", "wrong type"),
    "threshold a text": (_tree(threshold=[0.5, "x", 1.0]), "trees[0]", "wrong type"),
    "threshold null": (_tree(threshold=[0.5, None, 1.0]), "trees[0]", "wrong type"),
    "threshold text nan": (_tree(threshold=[0.5, "nan", 1.0]), "trees[0]", "wrong type"),
    "threshold no float32": (_tree(threshold=[0.5, 0.1, 1.0]), "trees[0]", "not a float32 value"),
    "threshold beyond float32": (_tree(threshold=[0.5, 1e39, 1.0]), "trees[0]", "not a float32 value"),
    "threshold a huge int": (_tree(threshold=[0.5, 10**400, 1.0]), "trees[0]", "wrong type"),
    "integer threshold a float": (_integer(1, 2.0, 3), "trees[0]", "not an int8 value"),
    "integer threshold too high": (_integer(1, 128, 3), "trees[0]", "not an int8 value"),
    "integer threshold too low": (_integer(1, -129, 3), "trees[0]", "not an int8 value"),
    "integer threshold infinite": (_integer(1, "inf", 3), "trees[0]", "not an int8 value"),
    "child too high": (_tree(left=[3, -1, -2]), "trees[0]", "outside the 3 splits and 3 leaf rows"),
    "leaf row too high": (_tree(left=[1, -4, -2]), "trees[0]", "outside the 3 splits and 3 leaf rows"),
    "root too high": (_tree(root=3), "trees[0]", "outside the 3 splits"),
    "two parents": (_tree(right=[1, -2, -3]), "trees[0]", "split 1 has two parents"),
    "orphan": (_tree(right=[-1, -2, -3]), "trees[0]", "not the child of any other"),
    "own parent": (_tree(left=[0, -1, -2]), "trees[0]", "split 0 has two parents"),
    "cycle": (_tree(root=-1, left=[1, 2, 0], right=[-1, -2, -3]), "trees[0]", "cycle"),
    "cycle beside the tree": (_tree(left=[-1, 2, 1], right=[-1, -1, -1]), "trees[0]", "cycle"),
    "flags short": (_tree(missing_left=[1, 0]), "trees[0]", "2 flags for 3 splits"),
    "flag a text": (_tree(missing_left=[1, 0, "1"]), "trees[0]", "wrong type"),
    "flag a two": (_tree(missing_left=[1, 0, 2]), "trees[0]", "wrong type"),
    "flags in one tree only": (
        _with(trees=[{**TREE, "missing_left": [1, 1, 1]}, TREE]), "trees[1]", "0 flags for 3 splits",
    ),
    "missing integers": (
        {**_tree(missing_left=[1, 1, 1], threshold=[1, 2, 3]), "dtype": "int8"}, "dtype", "float features",
    ),
    "calibration a number": (_with(calibration=3), "calibration", "not an object"),
    "calibration short": (_with(calibration={"rows": 3}), "agree", "missing"),
    "more agree than rows": (
        _with(calibration={**VALID["calibration"], "agree": 4}), "calibration", "impossible",
    ),
    "negative rows": (_with(calibration={**VALID["calibration"], "ties": -1}), "calibration", "impossible"),
    "infinite error": (
        _with(calibration={**VALID["calibration"], "max_error": float("1e999")}), "calibration", "impossible",
    ),
    "ranges short": (
        _with(calibration={**VALID["calibration"], "low": [1]}), "calibration", "1 ranges for 2",
    ),
    "trade a number": (_with(calibration={**VALID["calibration"], "leaves": 8}), "leaves", "not an object"),
    "trade empty": (_with(calibration={**VALID["calibration"], "leaves": {}}), "leaf_clusters", "missing"),
    "bits a text": (_traded(leaf_bits="8"), "leaf_bits", "not a int"),
    "bits true": (_traded(leaf_bits=True), "leaf_bits", "not a int"),
    "labelled a number": (_traded(labelled=1), "labelled", "not a bool"),
    "area a text": (_traded(auc_after="0.5"), "auc_after", "wrong type"),
    "too many bits": (_traded(leaf_bits=17), "calibration", "traded in the leaves is impossible"),
    "fewer than no bits": (_traded(leaf_bits=-1), "calibration", "impossible"),
    "fewer than no clusters": (_traded(leaf_clusters=-1), "calibration", "impossible"),
    "more changed than rows": (_traded(classes_changed=4), "calibration", "impossible"),
    "fewer than none changed": (_traded(classes_changed=-1), "calibration", "impossible"),
    "area above 1": (_traded(auc_after=1.5), "calibration", "impossible"),
    "area infinite": (_traded(auc_after=float("1e999")), "calibration", "impossible"),
    "half the areas": (_traded(auc_after=None), "calibration", "impossible"),
    "leaf error of one class": (_with(leaf_error=[0.5]), "leaf_error", "1 numbers for 2 answers"),
    "leaf error a text": (_with(leaf_error=["a"]), "leaf_error", "wrong type"),
    "leaf error negative": (
        _with(task="regressor", classes=[], leaf_error=[-1.0, 0.0]), "leaf_error", "not a number >= 0",
    ),
    "leaf error infinite": (
        _with(task="regressor", classes=[], leaf_error=[float("1e999"), 0]), "leaf_error", "a number >= 0",
    ),
    "leaf error short": (_with(task="regressor", classes=[], leaf_error=[1.0]), "leaf_error", "1 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_every_fault_names_file_field_and_cure(name: str, tmp_path: Path) -> None:
    content, field, part = BROKEN[name]
    path = tmp_path / "gesture.mw.json"
    path.write_text(json.dumps(content).replace("Infinity", "1e999"), encoding="utf-8")
    with pytest.raises(ModelFileError) as caught:
        ir.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {field}")
    assert caught.value.option == (field or None)
    assert part in caught.value.problem
    assert "\n  cure: " in message


TEXTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not valid JSON"),
    "truncated": (json.dumps(VALID).encode()[:-40], "not valid JSON"),
    "a list": (b"[1]", "not a Milliwatt model file"),
    "a text": (b'"milliwatt"', "not a Milliwatt model file"),
    "not UTF-8": (json.dumps(VALID).encode("utf-16"), "not a text file"),
    "latin-1": (b'{"milliwatt": 1, "name": "\xe4"}', "not a text file"),
    "binary": (bytes(range(256)), "not a text file"),
    "NaN": (json.dumps(_tree(threshold=[0.5, float("nan"), 1.0])).encode(), "number NaN is not JSON"),
    "Infinity": (json.dumps(_with(leaves=[[float("inf"), 0]])).encode(), "number Infinity is not JSON"),
    "-Infinity": (b'{"milliwatt": 1, "x": -Infinity}', "number -Infinity is not JSON"),
    "nested lists": (b'{"milliwatt": 1, "x": ' + b"[" * 200_000, "not valid JSON"),
    "nested objects": (b'{"x":' * 200_000, "not valid JSON"),
    "long integer": (b'{"milliwatt": 1, "n_features": ' + b"9" * 100_000 + b"}", "not valid JSON"),
    "two documents": (json.dumps(VALID).encode() * 2, "not valid JSON"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_not_json_is_named(name: str, tmp_path: Path) -> None:
    content, part = TEXTS[name]
    path = tmp_path / "m.mw.json"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        ir.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert part in caught.value.problem
    assert caught.value.cure


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        ir.load(tmp_path / "none.mw.json")
    with pytest.raises(ModelFileError, match="cannot be read"):
        ir.load(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["", "1st", "a-b", "ä", "a b", "a\n", "x" * 64, "class", "While", "string", "stdio", "math", "MW_a"],
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        check_name(name)
    assert caught.value.option == "name"
    assert caught.value.cure


@pytest.mark.parametrize("name", ["gesture", "Gesture_2", "x", "x" * 63, "strings", "mwx", "classifier"])
def test_names_that_can_be(name: str) -> None:
    assert check_name(name) == name


def _survives(text: str) -> None:
    """Either an error of ours, or a model that can be emitted and written again."""
    try:
        model = ir.loads(text)
    except ModelFileError:
        return
    assert ir.loads(ir.dumps(model)) == model
    for method in METHODS:
        emit_c(model, method=method)


odd_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
        st.sampled_from([2**31, -(2**31) - 1, 2**64, 10**400, 1e39, -0.0, 1e-46]),
        st.sampled_from(["inf", "-inf", "nan", "\ud800"]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested data, as keys and indices from the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for key, inner in items for p in _places(inner, (*path, key)))]


def _change(data: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> None:
    for key in place[:-1]:
        data = data[key]
    change(data, place[-1])


SOURCES = [
    VALID,
    json.loads(ir.dumps(build(Spec(1, missing=True, n_splits=5)))),
    json.loads(ir.dumps(build(Spec(2, dtype="int16", n_splits=5)))),
    json.loads(ir.dumps(build(Spec(3, task="regressor", n_splits=3, n_outputs=2)))),
]


@given(
    st.sampled_from(SOURCES), st.randoms(use_true_random=False), st.lists(odd_values, min_size=1, max_size=3)
)
@settings(max_examples=400)
def test_any_field_replaced(source: dict[str, Any], chance: random.Random, values: list[Any]) -> None:
    data = copy.deepcopy(source)
    for value in values:
        place = chance.choice(_places(data)[1:])
        _change(data, place, lambda holder, key, value=value: holder.__setitem__(key, value))
        if len(_places(data)) < 2:
            break
    _survives(json.dumps(data).replace("Infinity", "1e999"))


@given(st.sampled_from(SOURCES), st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=200)
def test_any_field_removed_or_number_nudged(
    source: dict[str, Any], chance: random.Random, times: int
) -> None:
    data = copy.deepcopy(source)
    for _ in range(times):
        place = chance.choice(_places(data)[1:])
        if chance.random() < 0.4:
            _change(data, place, lambda holder, key: holder.pop(key))
        else:
            step = chance.choice([-1, 1, 3, -7])
            _change(data, place, lambda holder, key, step=step: _nudge(holder, key, step))
    _survives(json.dumps(data))


def _nudge(holder: Any, key: Any, step: int) -> None:
    if type(holder[key]) in (int, float):
        holder[key] += step


@given(
    st.sampled_from(SOURCES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1, max_size=4),
)
@example(VALID, [(0.0, b"")])
@settings(max_examples=200)
def test_any_bytes_replaced(
    tmp_path_factory: pytest.TempPathFactory, source: dict[str, Any], changes: list[tuple[float, bytes]]
) -> None:
    raw = bytearray(json.dumps(source).encode())
    for where, new in changes:
        at = int(where * len(raw))
        raw[at : at + len(new)] = new
    path = tmp_path_factory.getbasetemp() / "fuzzed.mw.json"
    path.write_bytes(raw)
    try:
        _survives(ir.dumps(ir.load(path)))
    except ModelFileError:
        return


def test_what_was_traded_is_read() -> None:
    calibration = ir.loads(json.dumps(_traded())).calibration
    assert calibration is not None
    assert calibration.leaves == ir.LeafTrade(8, 0, "asked for", 3, 0.75, 0.5, labelled=True)
    exact = ir.loads(json.dumps(_traded(leaf_bits=None, auc_before=None, auc_after=None))).calibration
    assert exact is not None
    assert exact.leaves == ir.LeafTrade(None, 0, "asked for", 3, None, None, labelled=True)


def test_files_from_before_leaves_were_traded_are_read() -> None:
    model = ir.loads(json.dumps(VALID))
    assert model.leaf_error == ()
    assert model.calibration is not None
    assert model.calibration.leaves is None
    moved = ir.loads(json.dumps(_with(task="regressor", classes=[], leaf_error=[0.5, 0])))
    assert moved.leaf_error == (0.5, 0)
