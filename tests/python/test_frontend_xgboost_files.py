"""XGBoost's saved models: equal to what is in memory, read without XGBoost, and damaged in every way."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
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
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.xgboost_file import parse
from milliwatt.frontends.xgboost_trees import read_file
from milliwatt.options import ModelOptions

xgb = pytest.importorskip("xgboost")

N = 200
X, GAPS, CODES, BINARY, CLASSES, VALUES = problem(5, N, 4)
CATEGORY = {"feature_types": ["q", "q", "c", "c"], "enable_categorical": True}
SMALL = {"n_estimators": 8, "max_depth": 4}


def load(path: Path) -> Any:
    return load_estimator(path, trust_pickle=False)


def probe(estimator: Any, x: Any = X) -> Any:
    return near_thresholds(to_ir(estimator), x, 300, 1, 0.1)


MODELS = {
    "two classes": lambda: xgb.XGBClassifier(**SMALL).fit(GAPS, BINARY),
    "classes": lambda: xgb.XGBClassifier(**SMALL).fit(X, CLASSES),
    "categories": lambda: xgb.XGBRegressor(**SMALL, **CATEGORY).fit(CODES, VALUES),
    "dart": lambda: xgb.XGBRegressor(**SMALL, booster="dart", rate_drop=0.5).fit(X, VALUES),
    "vectors": lambda: xgb.XGBRegressor(**SMALL, multi_strategy="multi_output_tree").fit(
        X, np.stack([VALUES, X[:, 1]], axis=1)
    ),
    "ranker": lambda: xgb.XGBRanker(**SMALL).fit(X, BINARY, qid=np.arange(N) // 20),
    "empty": lambda: xgb.train({}, xgb.DMatrix(X, VALUES), 0),
    "names": lambda: xgb.train({}, xgb.DMatrix(X, VALUES, feature_names=list("wxyz")), 3),
}


@pytest.mark.parametrize("ending", [".json", ".ubj", ".UBJ"])
@pytest.mark.parametrize("name", MODELS)
def test_files_equal_what_is_in_memory(name: str, ending: str, tmp_path: Path) -> None:
    estimator = MODELS[name]()
    path = tmp_path / f"my model{ending.lower()}"
    estimator.save_model(path)
    path = path.rename(path.with_suffix(ending))
    loaded = load(path)
    from_file, from_memory = to_ir(loaded), to_ir(estimator)
    assert from_file.origin["library"] == f"XGBoost {xgb.__version__}"
    assert dataclasses.replace(from_file, origin={}) == dataclasses.replace(from_memory, origin={})
    same(loaded, probe(loaded, CODES if name == "categories" else X))


def test_pickles_of_the_wrapper(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    estimator = MODELS["classes"]()
    joblib.dump(estimator, tmp_path / "m.joblib")
    assert to_ir(load_estimator(tmp_path / "m.joblib", trust_pickle=True)) == to_ir(estimator)


def test_files_need_no_xgboost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = xgb.XGBClassifier(**SMALL).fit(X, CLASSES)
    for ending in ("json", "ubj"):
        path = tmp_path / f"m.{ending}"
        estimator.save_model(path)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "xgboost", None)
            model = milliwatt.convert(load(path))
            with pytest.raises(ToolMissingError, match="xgboost is needed") as caught:
                milliwatt.convert(load(path), calibration=X)
        assert "pip install xgboost" in str(caught.value.cure)
        assert model.ir.trees == milliwatt.convert(estimator).ir.trees


def test_files_are_calibrated_with_the_library(tmp_path: Path) -> None:
    xgb.XGBClassifier(**SMALL).fit(X, CLASSES).save_model(tmp_path / "m.json")
    model = milliwatt.convert(load(tmp_path / "m.json"), calibration=X)
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.fraction == 1.0


def test_a_converted_model_is_not_taken_for_xgboosts(tmp_path: Path) -> None:
    model = milliwatt.convert(xgb.XGBClassifier(**SMALL).fit(X, CLASSES))
    model.save(tmp_path / "m.mw.json")
    model.save(tmp_path / "m.json")
    for name in ("m.mw.json", "m.json"):
        with pytest.raises(MilliwattError, match="converted already") as caught:
            load(tmp_path / name)
        assert caught.value.file == str(tmp_path / name)
        assert "milliwatt.load" in str(caught.value.cure)


@pytest.mark.parametrize("content", [b"", b"[1]", b"binf\0\0", b"tre", b"\x93NUMPY", b"\n\n"])
@pytest.mark.parametrize("ending", [".json", ".ubj", ".txt", ".model"])
def test_other_files_are_refused(content: bytes, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"m{ending}"
    path.write_bytes(content)
    with pytest.raises(MilliwattError, match="neither a saved model of XGBoost") as caught:
        load(path)
    assert "save_model" in str(caught.value.cure)


def test_no_file_and_a_directory(tmp_path: Path) -> None:
    (tmp_path / "d.json").mkdir()
    for name in ("none.json", "d.json"):
        with pytest.raises(MilliwattError, match="no such file"):
            load(tmp_path / name)


# Damaged files


def _document(**settings: Any) -> Any:
    x = np.where(np.isnan(GAPS), np.nan, CODES)
    y = BINARY ^ np.isin(CODES[:, 2], np.arange(0, 40, 3))
    estimator = xgb.XGBClassifier(n_estimators=3, max_depth=3, **CATEGORY, **settings).fit(x, y)
    return json.loads(bytes(estimator.get_booster().save_raw("json")))


DOCUMENT = _document()
DART = _document(booster="dart")


def _set(path: str, value: Any, document: Any = DOCUMENT) -> Any:
    """A copy of a document with one field changed; ``...`` as value removes it."""
    changed = copy.deepcopy(document)
    *way, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    place = changed
    for key in way:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


BOOSTER = "learner/gradient_booster"
MODEL = "learner/gradient_booster/model"
TREE = f"{MODEL}/trees/0"
_SPLITS = [
    i
    for i, left in enumerate(DOCUMENT["learner"]["gradient_booster"]["model"]["trees"][0]["left_children"])
    if left != -1
]
assert len(_SPLITS) > 2
assert DOCUMENT["learner"]["gradient_booster"]["model"]["trees"][0]["categories"]

DAMAGED = {
    "no learner": ("learner", ..., "not a saved model of XGBoost"),
    "a learner that is a list": ("learner", [], "learner: missing, or not an object"),
    "no objective": ("learner/objective", ..., "learner.objective: missing"),
    "an objective without name": (
        "learner/objective/name",
        3,
        "learner.objective.name: missing, or not a text",
    ),
    "no features": ("learner/learner_model_param/num_feature", "0", "nothing was trained"),
    "a count that is none": (
        "learner/learner_model_param/num_feature",
        "four",
        "num_feature: missing, or not",
    ),
    "a negative count": ("learner/learner_model_param/num_class", "-3", "num_class: missing, or not a count"),
    "a huge count": ("learner/learner_model_param/num_class", "9" * 18, "num_class: missing, or not a count"),
    "a base that is text": ("learner/learner_model_param/base_score", "half", "neither a number nor a list"),
    "a base of two": ("learner/learner_model_param/base_score", "[1E-1,2E-1]", "2 values for 1 outputs"),
    "a base of null": ("learner/learner_model_param/base_score", "null", "neither a number nor a list"),
    "a nested base": ("learner/learner_model_param/base_score", "[[1]]", "neither a number nor a list"),
    "a base of NaN": ("learner/learner_model_param/base_score", "[NaN]", "not finite"),
    "a version of text": ("version", "3.2.0", "version: missing, or not a list"),
    "names of numbers": ("learner/feature_names", [1, 2, 3, 4], "feature_names: not a list of texts"),
    "attributes that are none": ("learner/attributes", 3, "learner.attributes: missing, or not an object"),
    "a best iteration that is none": (
        "learner/attributes/best_iteration",
        "-1",
        "best_iteration: missing, or",
    ),
    "an estimator without type": ("learner/attributes/scikit_learn", "{}", "does not say which estimator"),
    "an estimator unknown": ("learner/attributes/scikit_learn", '{"type": "SVC"}', "unknown estimator 'SVC'"),
    "no booster's name": (f"{BOOSTER}/name", None, "gradient_booster.name: missing, or not a text"),
    "another booster": (f"{BOOSTER}/name", "gbforest", "booster 'gbforest' is not supported"),
    "no model": (MODEL, ..., "learner.gradient_booster.model: missing"),
    "no trees": (f"{MODEL}/trees", ..., "model.trees: missing, or not a list"),
    "a tree that is none": (TREE, 7, r"trees\[0\]: missing, or not an object"),
    "too few outputs": (f"{MODEL}/tree_info", [0, 0], "tree_info: 2 values instead of 3"),
    "an output out of range": (f"{MODEL}/tree_info", [0, 0, 1], "outside 0..0"),
    "a negative output": (f"{MODEL}/tree_info", [0, 0, -1], "outside 0..0"),
    "rounds of other trees": (f"{MODEL}/iteration_indptr", [0, 1, 2], "does not divide 3 trees"),
    "rounds going back": (f"{MODEL}/iteration_indptr", [0, 2, 1, 3], "does not divide 3 trees"),
    "a tree without nodes": (f"{TREE}/left_children", [], "right_children"),
    "a child of text": (f"{TREE}/left_children/0", "1", "left_children: holds something of another type"),
    "a child of a fraction": (
        f"{TREE}/left_children/0",
        1.5,
        "left_children: holds something of another type",
    ),
    "a child beyond all numbers": (f"{TREE}/left_children/0", 2**80, "holds something of another type"),
    "a child in a list": (f"{TREE}/left_children/0", [1], "left_children"),
    "a child out of range": (f"{TREE}/left_children/0", 1000, "not one of the tree's nodes"),
    "a child below the leaves": (f"{TREE}/left_children/0", -2, "not one of the tree's nodes"),
    "no right child": (f"{TREE}/right_children/0", -1, "not one of the tree's nodes"),
    "its own child": (f"{TREE}/left_children/0", 0, "reached in two ways"),
    "a cycle": (f"{TREE}/left_children/{_SPLITS[-1]}", 0, "reached in two ways"),
    "two parents": (f"{TREE}/left_children/0", 2, "reached in two ways"),
    "a missing column": (f"{TREE}/default_left", ..., "default_left: missing, or not a list"),
    "a short column": (f"{TREE}/split_conditions", [1.0], "split_conditions: 1 values instead of"),
    "a feature out of range": (f"{TREE}/split_indices/0", 4, "outside 0..3"),
    "a negative feature": (f"{TREE}/split_indices/0", -1, "outside 0..3"),
    "a threshold of null": (
        f"{TREE}/split_conditions/0",
        None,
        "split_conditions: holds something of another",
    ),
    "a leaf of NaN": (f"{TREE}/split_conditions", "leaves nan", "a leaf's value is not finite"),
    "a leaf of inf": (f"{TREE}/split_conditions", "leaves inf", "a leaf's value is not finite"),
    "a threshold of NaN": (f"{TREE}/split_conditions", "splits nan", "compares with NaN"),
    "all on categories": (f"{TREE}/split_type", "all", "has none"),
    "categories of nothing": (f"{TREE}/categories_nodes", "far", "does not fit the nodes"),
    "categories too many": (f"{TREE}/categories_sizes", "far", "does not fit the nodes"),
    "a negative category": (f"{TREE}/categories", "negative", "category -1"),
    "another width of leaves": (
        f"{TREE}/tree_param/size_leaf_vector",
        "2",
        "0 values|width|row for every leaf",
    ),
}


def _damaged(path: str, value: Any) -> Any:
    tree = copy.deepcopy(DOCUMENT["learner"]["gradient_booster"]["model"]["trees"][0])
    name = path.rsplit("/", 1)[-1]
    if isinstance(value, str) and value.startswith(("leaves ", "splits ")):
        column = tree["split_conditions"]
        for node, left in enumerate(tree["left_children"]):
            if (left == -1) == value.startswith("leaves"):
                column[node] = float(value.split()[1])
        value = column
    elif value == "all":
        value = [1] * len(tree["left_children"])
    elif value in ("far", "negative"):
        value = [10_000 if value == "far" else -1 for _ in tree[name]]
    return _set(path, value)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_field_is_named(name: str, tmp_path: Path) -> None:
    path, value, words = DAMAGED[name]
    file = tmp_path / "m.json"
    file.write_text(json.dumps(_damaged(path, value)), encoding="utf-8")
    with pytest.raises((ModelFileError, UnsupportedModelError), match=words) as caught:
        export_file(file, name="m", options=ModelOptions())
    assert caught.value.file == str(file)
    assert caught.value.cure


@pytest.mark.parametrize("weights", [[1.0], None, ["a", "b", "c"], [float("nan")] * 3])
def test_damaged_weights_of_dart(weights: Any) -> None:
    changed = _set("learner/gradient_booster/weight_drop", weights, DART)
    with pytest.raises(ModelFileError, match="weight_drop"):
        read_file(json.dumps(changed).encode())


@pytest.mark.parametrize(
    "text", ["{", '{"learner": ', "{" * 100_000, '{"a": 1}', '{"learner": {}} x', '{"\ud800']
)
def test_damaged_json(text: str) -> None:
    with pytest.raises(ModelFileError):
        read_file(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_files_cut_short(ending: str) -> None:
    """At every length, or at many: one clear error, or (a missing last brace apart) no model."""
    booster = xgb.Booster(model_file=bytearray(json.dumps(DOCUMENT).encode()))
    raw = bytes(booster.save_raw(ending))
    for length in [*range(2, 200), *range(200, len(raw), 97), len(raw) - 1]:
        with pytest.raises(ModelFileError):
            read_file(raw[:length])
    read_file(raw)


_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=300)
@given(data=st.data())
def test_any_field_may_be_anything(data: st.DataObject) -> None:
    """A document with anything anywhere gives a model that is one, or one clear error."""
    document = copy.deepcopy(data.draw(st.sampled_from([DOCUMENT, DART])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            inner = place[key]
            if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 5)) == 0:
                place[key] = data.draw(_junk | st.integers(-3, 50))
                break
            place = inner
    with contextlib.suppress(MilliwattError):
        milliwatt.convert(read_file(json.dumps(document).encode()))


@settings(max_examples=300)
@given(data=st.data())
def test_any_bytes_may_be_anything(data: st.DataObject) -> None:
    booster = xgb.Booster(model_file=bytearray(json.dumps(DOCUMENT).encode()))
    raw = bytearray(booster.save_raw("ubj"))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(2, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MilliwattError):
        milliwatt.convert(read_file(bytes(raw)))


def test_json_and_ubjson_hold_the_same() -> None:
    booster = xgb.Booster(model_file=bytearray(json.dumps(DART).encode()))

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return plain(value.tolist())
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return str(np.float32(value)) if isinstance(value, float) else value  # NaN too equals itself

    text, binary = (plain(parse(bytes(booster.save_raw(form)))) for form in ("json", "ubj"))
    assert text == binary
