"""Models from CSV: emlearn's files and ours give the answers of the format's rule."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.emlearn_csv import FILES, SMALL, answers
from mwtest.models import FORMS, Spec, build, samples, specs

import milliwatt
from milliwatt.emit import emit_csv
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.host import evaluate
from milliwatt.ir import Tree, TreeEnsemble, read_model
from milliwatt.ir.csv_reader import load_csv, loads_csv

TINY = 2.0**-149
# What the format has words for: forests whose leaves are averaged.
PLAIN = {"missing": False, "form": "mean", "categories": False}
EMLEARN = sorted(FILES.glob("*.csv"))


def one_split(threshold: str, dtype: str) -> TreeEnsemble:
    return loads_csv(f"f,1\nc,0\nlb,32\nl,1.0\nl,2.0\nr,0\nn,0,{threshold},-1,-2\n", dtype=dtype)


# -- emlearn's own files -------------------------------------------------------------------------


@pytest.mark.parametrize("path", EMLEARN, ids=lambda path: path.stem)
def test_emlearns_files_answer_as_emlearns_c_did(path: Path) -> None:
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    x = np.array(record["samples"], dtype=np.float32)
    model = load_csv(path, dtype="float")
    expected = np.array(record["answers"]).reshape(len(x), -1)
    assert np.allclose(evaluate(model, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["auto", "int16", "float"])
@pytest.mark.parametrize("path", EMLEARN, ids=lambda path: path.stem)
def test_emlearns_files_answer_by_the_rule(path: Path, dtype: str) -> None:
    text = path.read_text(encoding="utf-8")
    model = loads_csv(text, dtype=dtype)
    x = samples(model, 100, 1)
    x = x[np.isfinite(x.astype(float)).all(axis=1)]
    assert len(x) > 50
    assert np.allclose(evaluate(model, x), answers(text, x), rtol=0, atol=1e-12)


def test_there_are_files_of_every_kind() -> None:
    kinds = {line for path in EMLEARN for line in path.read_text().splitlines() if line.startswith("lb,")}
    assert kinds == {"lb,0", "lb,2", "lb,4", "lb,8", "lb,32"}
    assert b"\r\n" in (FILES / "classes_0.csv").read_bytes(), "not as emlearn wrote it"
    assert "\n   0" in (FILES / "40_classes.csv").read_text(), "no leaf is broken over lines"


def test_a_leaf_that_is_broken_over_lines_and_bytes_are_shares() -> None:
    model = loads_csv("f,1\r\nc,3\r\nlb,8\r\nl,[255   0\n   0]\r\nl,[ 54   1\n 200]\r\nr,-2")
    assert model.leaves == ((1.0, 0.0, 0.0), (54 / 255, 1 / 255, 200 / 255))
    assert model.trees == (Tree(root=-2),)


def test_files_before_leaf_bits_were_written() -> None:
    assert loads_csv(SMALL.replace("lb,0\n", "")) == loads_csv(SMALL)
    assert loads_csv("f,1\nc,0\nl,2.5\nr,-1\n").leaves == ((2.5,),)


# -- ours ----------------------------------------------------------------------------------------


@given(specs())
def test_what_we_write_comes_back(spec: Spec) -> None:
    model = build(dataclasses.replace(spec, **PLAIN))
    finite = all(t < math.inf for tree in model.trees for t in tree.threshold)
    if not finite:
        with pytest.raises(MilliwattError, match="infinite threshold"):
            emit_csv(model)
        return
    text = emit_csv(model)
    again = loads_csv(text, dtype=model.dtype)
    x = samples(model, 80, spec.seed)
    assert (evaluate(again, x) == evaluate(model, x)).all()
    assert (again.task, again.dtype, again.classes) == (model.task, model.dtype, model.classes)
    assert again.n_splits == model.n_splits


@given(specs())
def test_what_we_write_answers_by_the_formats_rule(spec: Spec) -> None:
    model = build(dataclasses.replace(spec, n_splits=min(spec.n_splits, 20), **PLAIN))
    if all(t < math.inf for tree in model.trees for t in tree.threshold):
        x = samples(model, 20, spec.seed)
        assert np.allclose(answers(emit_csv(model), x), evaluate(model, x), rtol=1e-12, atol=1e-12)


@given(specs(), st.sampled_from(sorted(FORMS)))
def test_other_ensembles_than_forests_are_refused(spec: Spec, form: str) -> None:
    with pytest.raises(UnsupportedModelError, match="the CSV format cannot express"):
        emit_csv(build(dataclasses.replace(spec, form=form, n_splits=min(spec.n_splits, 5))))


def test_splits_in_any_order_are_written_parents_first() -> None:
    tree = Tree(2, (0, 0, 0), (5, 3, 4), (-1, -2, 1), (-2, -1, 0))
    model = TreeEnsemble("regressor", 1, (tree,), ((1.0,), (2.0,)), dtype="int16")
    assert emit_csv(model).splitlines()[-3:] == ["n,0,5,1,2", "n,0,4,-2,-1", "n,0,6,-1,-2"]
    x = np.arange(8, dtype=np.int16)[:, np.newaxis]
    assert (evaluate(loads_csv(emit_csv(model)), x) == evaluate(model, x)).all()


# -- thresholds and types ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "threshold"),
    [
        ("0.5", 0.5 - 2.0**-25),
        ("0.0", -TINY),
        ("-0.0", -TINY),
        ("1e-45", 0.0),
        ("1e-60", 0.0),
        ("-1e-60", -TINY),
        ("0.1", 0.09999999403953552),  # float32(0.1) lies above 0.1
        ("0.3", 0.29999998211860657),
        ("0.7", 0.699999988079071),  # float32(0.7) lies below 0.7, and goes left
        ("16777217", 16777216.0),
        ("inf", 3.4028234663852886e38),
        ("1e39", 3.4028234663852886e38),
        ("1e999", 3.4028234663852886e38),
        ("-1e39", -math.inf),
        ("-3.4028234663852886e38", -math.inf),
    ],
)
def test_a_float_threshold_becomes_the_next_value_below(printed: str, threshold: float) -> None:
    model = one_split(printed, "float")
    assert model.trees[0].threshold == (threshold,)
    assert math.copysign(1, model.trees[0].threshold[0] or 1) == math.copysign(1, threshold or 1)


@pytest.mark.parametrize(
    ("printed", "dtype", "threshold"),
    [
        ("7.5", "int16", 7),
        ("7", "int16", 6),
        ("7.000001", "int16", 7),
        ("-7.5", "int16", -8),
        ("-7.0", "int16", -8),
        ("0.0", "int8", -1),
        ("32768", "int16", 32767),
        ("1e30", "int16", 32767),
        ("inf", "uint8", 255),
        ("2147483648", "int32", 2147483647),
        ("-32767", "int16", -32768),
    ],
)
def test_an_integer_threshold(printed: str, dtype: str, threshold: int) -> None:
    model = one_split(printed, dtype)
    assert model.trees[0].threshold == (threshold,)
    assert type(model.trees[0].threshold[0]) is int


@pytest.mark.parametrize(
    ("printed", "dtype"),
    [
        ("0", "uint8"),
        ("-0.5", "uint8"),
        ("-32768", "int16"),
        ("-1e9", "int16"),
        ("-inf", "float"),
        ("-inf", "int8"),
    ],
)
def test_a_split_that_sends_nothing_left_is_left_out(printed: str, dtype: str) -> None:
    model = one_split(printed, dtype)
    assert model.trees == (Tree(root=-2),)
    text = (
        f"f,1\nc,0\nlb,32\nl,1\nl,2\nr,0\nn,0,{printed},1,2\nn,0,9,-1,-2\nn,0,{printed},-1,1\nn,0,100,-2,-1\n"
    )
    assert loads_csv(text, dtype=dtype).trees[0].left == (-2,)


@given(st.floats(width=32, allow_nan=False), st.floats(allow_nan=False))
def test_the_float_test_is_exact_for_any_numbers(x: float, threshold: float) -> None:
    left = evaluate(one_split(repr(threshold), "float"), np.array([[x]], dtype=np.float32))[0, 0] == 1.0
    assert left == (x < threshold)


@pytest.mark.parametrize(
    ("thresholds", "dtype"),
    [
        (["1", "7.5", "-3.0"], "int16"),
        (["32768", "-32767"], "int16"),
        (["32768.5"], "float"),
        (["-32768"], "float"),
        (["7.25"], "float"),
        (["inf"], "float"),
        (["1e5"], "float"),
        ([], "float"),
    ],
)
def test_the_automatic_feature_type(thresholds: list[str], dtype: str) -> None:
    roots = "".join(f"r,{i}\n" for i in range(len(thresholds))) or "r,-1\n"
    splits = "".join(f"n,0,{t},-1,-2\n" for t in thresholds)
    assert loads_csv(f"f,1\nc,2\nlb,0\nl,0\nl,1\n{roots}{splits}").dtype == dtype


def test_a_wrong_feature_type() -> None:
    with pytest.raises(MilliwattError, match="dtype: 'int64' is not possible"):
        loads_csv(SMALL, dtype="int64")


def test_a_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\r\n").encode() + b"\n \n")
    assert read_model(path) == dataclasses.replace(loads_csv(SMALL), name="m")


# -- as a model file -----------------------------------------------------------------------------


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "my-model.v2.csv"
    path.write_text(SMALL, encoding="utf-8")
    model = milliwatt.load(path)
    assert (model.ir.name, model.ir.dtype, model.ir.check_nan) == ("my_model", "int16", True)
    assert model.predict([[2, 7], [3, 7], [2, 8]]).tolist() == [0, 2, 2]
    assert milliwatt.load(path, dtype="float").predict([[2.99, 7.49]]).tolist() == [0]
    path.rename(tmp_path / "int.CSV")
    assert milliwatt.load(tmp_path / "int.CSV").ir.name == "model"


def test_fuzz_target_finds_nothing(repository: Path) -> None:
    """A short run of tests/fuzz/fuzz_csv.py's own mutations."""
    import runpy

    fuzz = runpy.run_path(str(repository / "tests" / "fuzz" / "fuzz_csv.py"))
    assert fuzz["mutate_and_run"](2000, seed=1) > 20


def test_leaf_rows_are_shared(tmp_path: Path) -> None:
    model = build(Spec(1, leaves="pure", n_outputs=2, dtype="int16"))
    text = emit_csv(model).replace("l,0\nl,1\n", "l,0\nl,1\nl,0\n")
    assert loads_csv(text).leaves == model.leaves
