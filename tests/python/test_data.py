"""Samples from CSV files: what is read, and where it says what is wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from milliwatt.data import Table, read_table
from milliwatt.errors import MilliwattError


@pytest.fixture
def read(tmp_path: Path) -> object:
    def _read(content: str | bytes, n_features: int = 2) -> Table:
        path = tmp_path / "samples.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, n_features)

    return _read


def _refused(read: object, content: str | bytes, n_features: int = 2) -> MilliwattError:
    with pytest.raises(MilliwattError) as caught:
        read(content, n_features)  # type: ignore[operator]
    assert "samples.csv" in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("content", "names", "labels"),
    [
        ("1,2\n3,4\n", (), ()),
        ("a,b\n1,2\n3,4\n", ("a", "b"), ()),
        ("a,b,label\n1,2,up\n3,4,down\n", ("a", "b"), ("up", "down")),
        ("1,2,up\n3,4,down\n", (), ("up", "down")),
        ("0,1,label\n1,2,10\n3,4,20\n", ("0", "1"), ("10", "20")),
        ("a,b, Label \r\n1,2,x\r\n3,4,y", ("a", "b"), ("x", "y")),
        ("\n1,2\n\n   \n,\n3,4\n\n", (), ()),
        (b"\xef\xbb\xbfa,b\n1,2\n3,4\n", ("a", "b"), ()),
        ('"a\nb",c\n" 1 ", 2 \n3,4\n', ("a\nb", "c"), ()),
        ("1,2,\n3,4,x y\n", (), ("", "x y")),
    ],
)
def test_read(read: object, content: str | bytes, names: tuple[str, ...], labels: tuple[str, ...]) -> None:
    table = read(content)  # type: ignore[operator]
    assert table.features.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert table.names == names
    assert table.labels == labels


def test_missing_values(read: object) -> None:
    table = read("a,b\n1,\n nan ,2\n,NaN\n  ,3\n")  # type: ignore[operator]
    expected = [[False, True], [True, False], [True, True], [True, False]]
    assert np.isnan(table.features).tolist() == expected


def test_numbers_to_the_last_bit(read: object) -> None:
    table = read("1e-45,-0.0\n0.1,1e400\n")  # type: ignore[operator]
    assert table.features[0, 0] == 1e-45
    assert math.copysign(1, table.features[0, 1]) == -1
    assert table.features[1].tolist() == [0.1, math.inf]


def test_only_the_feature_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2,sit\n", encoding="utf-8")
    assert read_table(path, 2).features.tolist() == [[1.0, 2.0]]


def test_header_alone_has_no_rows(read: object) -> None:
    assert read("a,b\n").features.shape == (0, 2)  # type: ignore[operator]


@pytest.mark.parametrize("content", ["", "\n\n", "  \n,,\n"])
def test_no_rows(read: object, content: str) -> None:
    assert "no rows" in _refused(read, content).problem


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ("1,2\n3\n", "samples.csv:2", "1 columns"),
        ("a,b\n\n1,2\n1,2,3\n", "samples.csv:4", "3 columns"),
        ("1,2,3,4\n", "samples.csv:1", "4 columns"),
        ("a;b\n1;2\n", "samples.csv:2", "1 columns"),
        ("1,2\n3,x\n", "samples.csv:2", "column 2 is 'x'"),
        ("1,2\n1_000,2\n", "samples.csv:2", "column 1 is '1_000'"),
        ("1,2\n0x10,2\n", "samples.csv:2", "column 1 is '0x10'"),
        ("1,2x\n3,4\n", "samples.csv:1", "column 2 is '2x'"),
        ("a,b,c\n1,2,3\n", "samples.csv", "column 3 is called 'c'"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(read: object, content: str, where: str, what: str) -> None:
    error = _refused(read, content)
    assert str(error).partition(": ")[0].endswith(where)
    assert what in error.problem
    assert error.cure


@pytest.mark.parametrize("content", [b"\xff\xfe1\x00", b"1,2\n\xc3\n", b'"' + b"x" * 200_000 + b'"\n'])
def test_not_a_readable_file(read: object, content: bytes) -> None:
    assert "not a readable CSV file" in _refused(read, content).problem


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MilliwattError, match="no such file"):
        read_table(tmp_path / "nowhere.csv", 2)
    with pytest.raises(MilliwattError, match="not a readable CSV file"):
        read_table(tmp_path, 2)
