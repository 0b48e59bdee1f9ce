"""Damaged CSV models: every fault is told with its line and what to do; nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from mwtest.emlearn_csv import SMALL

from milliwatt.errors import ModelFileError
from milliwatt.ir import read_model
from milliwatt.ir.csv_reader import loads_csv


def many(classes: int) -> str:
    return f"f,1\nc,{classes}\nlb,0\n" + "".join(f"l,{i}\n" for i in range(classes)) + "r,-1\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("f,2", "x0,x1,label", 1, "is no row of a model"),
        ("f,2", "f,2\nz,3", 2, "is no row of a model"),
        ("f,2", "f,0", 1, "'0' features; 1 to 65535"),
        ("f,2", "f,65536", 1, "features; 1 to 65535"),
        ("f,2", "f,-2", 1, "features; 1 to"),
        ("f,2", "f,２", 1, "features; 1 to"),
        ("f,2", "f,2\nf,2", 2, "a second f row"),
        ("f,2\n", "", 3, "l row before f and c"),
        ("c,3\n", "", 3, "l row before f and c"),
        ("c,3", "c,3.0", 2, "classes; 0 to"),
        ("lb,0", "lb,1", 3, "1 leaf bits; 0, 2 to 8, and 32"),
        ("lb,0", "lb,16", 3, "16 leaf bits"),
        ("lb,0\nl,0", "l,0\nlb,0", 4, "lb row after rows that need it"),
        ("l,2", "l,3", 5, "'3' is not a class from 0 to 2"),
        ("l,2", "l,-1", 5, "'-1' is not a class"),
        ("l,2", "l,2.0", 5, "'2.0' is not a class"),
        ("l,2", "l,[0 0 255]", 5, "a list, but lb says"),
        ("l,2", "l,[0 0", 5, "does not end"),
        ("r,0", "r,x", 6, "'x' is not the root"),
        ("r,0", "r,2", 6, "leads outside the 2 n and 2 l rows"),
        ("r,0", "r,-3", 6, "leads outside"),
        ("r,0", "r,0\nr,1", 8, "the n row in line 9 is reached a second time"),
        ("r,0", "r,1", 7, "the n row in line 8 is reached a second time"),
        ("n,1,7.5", "n,2,7.5", 7, "feature 2, but the model has 2, counted from 0"),
        ("n,1,7.5", "n,-1,7.5", 7, "is not a split"),
        ("n,1,7.5", "n,1,nan", 7, "the threshold is not a number"),
        ("n,1,7.5", "n,1,7_5", 7, "is not a split"),
        ("n,1,7.5", "n,1,0x7", 7, "is not a split"),
        ("n,1,7.5", "n,1,7.5,0", 7, "is not a split"),
        ("n,1,7.5", f"n,1,{'7' * 500}", 7, "is not a split"),
        ("n,1,7.5,1,-2", "n,1,7.5,0,-2", 7, "a child of 0 is the split itself"),
        ("n,1,7.5,1,-2", "n,1,7.5,2,-2", 7, "leads outside"),
        ("n,1,7.5,1,-2", "n,1,7.5,1,1", 7, "reached a second time"),
        ("n,1,7.5,1,-2", "n,1,7.5,-1,-2", 8, "neither a root nor another split"),
        ("n,0,3,-1,-2", "n,0,3,-1,-3", 8, "leads outside"),
        ("n,0,3,-1,-2\n", "", 7, "leads outside"),
        ("n,0,3,-1,-2", "n,0,3,-1", 8, "is not a split"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_and_cure(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert old in SMALL
    path = tmp_path / "m.csv"
    path.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelFileError, match=problem) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: line {line}: ")
    assert caught.value.cure


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no f row"),
        ("f,1\n", "no c row"),
        ("f,1\nc,2\nl,0\n", "no r row"),
        ("f,1\nc,2\nr,-1\n", "no l row"),
        ("f,1\nc,0\nlb,8\nl,[1]\nr,-1\n", "leaf bits 8 in a regressor"),
        (many(5000), "5000 leaves of 5000 classes are too many"),
    ],
)
def test_a_fault_of_the_whole_file(text: str, problem: str) -> None:
    with pytest.raises(ModelFileError, match=problem) as caught:
        loads_csv(text)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("head", "leaf", "problem"),
    [
        ("c,3\nlb,8", "[1 2]", "2 values for 3 classes"),
        ("c,3\nlb,8", "7", "1 values for 3 classes"),
        ("c,3\nlb,8", "[1 2 256]", "'256' is not a whole number from 0 to 255"),
        ("c,3\nlb,8", "[1 2 -3]", "'-3' is not a whole number"),
        ("c,3\nlb,8", "[1 2 3] 4", "is not a list like"),
        ("c,3\nlb,8", "[[1 2 3]", "is not a list like"),
        ("c,1100\nlb,8", "[ 0  0  0 ... 32  0  0]", "numpy printed ..."),
        ("c,3\nlb,32", "1", "one value for 3 classes, but lb is 32"),
        ("c,2\nlb,32", "[0.5 1.5]", "not between 0 and 1"),
        ("c,2\nlb,32", "[0.5]", "1 values for 2 classes"),
        ("c,0\nlb,32", "nan", "'nan' is not a number"),
        ("c,0\nlb,32", "inf", "'inf' is not a number"),
        ("c,0\nlb,32", "1e39", "float32 cannot hold"),
        ("c,0\nlb,32", "1e999", "float32 cannot hold"),
        ("c,0\nlb,32", "[]", "0 values; 1 to 65535"),
        ("c,0\nlb,32", "", "'' is not a number"),
    ],
)
def test_a_damaged_leaf(head: str, leaf: str, problem: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        loads_csv(f"f,1\n{head}\nl,{leaf}\nr,-1\n")
    assert problem in caught.value.problem
    assert caught.value.option == "line 4"
    assert caught.value.cure


def test_leaves_of_different_width() -> None:
    with pytest.raises(ModelFileError, match="line 5: 2 values; the first leaf has 1"):
        loads_csv("f,1\nc,0\nlb,32\nl,1\nl,[1 2]\nr,-1\n")


def test_children_as_places_instead_of_jumps_are_refused() -> None:
    """How emlearn wrote them before 2024: what is meant cannot be told, so it must not be guessed."""
    absolute = "f,1\nc,2\nl,0\nl,1\nr,0\nn,0,5,1,4\nn,0,3,2,3\nn,0,1,-1,-2\nn,0,4,-1,-2\nn,0,9,-2,-1\n"
    assert loads_csv(absolute.replace("n,0,3,2,3", "n,0,3,1,2")).n_splits == 5
    with pytest.raises(ModelFileError, match=r"reached a second time|neither"):
        loads_csv(absolute)
