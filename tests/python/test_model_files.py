"""Model files of both kinds: told apart, read as text, and given options that come too late."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mwtest.emlearn_csv import SMALL

import milliwatt
from milliwatt import ir
from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.ir import is_model_file, read_model
from milliwatt.ir.csv_reader import loads_csv
from milliwatt.options import ModelOptions

KINDS = ("m.csv", "m.mw.json", "m.json")
REMEDY = {"m.csv": "save(format='csv')", "m.mw.json": "milliwatt export", "m.json": "milliwatt export"}


def write(directory: Path, kind: str) -> Path:
    path = directory / kind
    model = loads_csv(SMALL)
    path.write_text(SMALL if kind == "m.csv" else ir.dumps(model), encoding="utf-8")
    return path


# -- which files they are ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.mw.json", b"", True),
        ("A.MW.JSON", b"", True),
        ("a.csv", b"", True),
        ("a.json", b"", False),
        ("a.json", b'{\n"milliwatt": 2,', True),
        ("a.JSON", b'\xef\xbb\xbf { "milliwatt":2}', True),
        ("a.json", b'{"learner": {"milliwatt": 2}}', False),
        ("a.json", b'{"learner": {"feature_names": ["milliwatt"', False),
        ("a.json", b'["milliwatt"]', False),
        ("a.ubj", b'{"milliwatt": 2}', False),
        ("a.json.gz", b'{"milliwatt": 2}', False),
        ("a", b'{"milliwatt": 2}', False),
    ],
)
def test_told_by_the_ending_and_json_by_how_it_begins(
    tmp_path: Path, name: str, content: bytes, wanted: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_model_file(tmp_path / name) == wanted


def test_json_that_cannot_be_read_is_not_known_to_be_ours(tmp_path: Path) -> None:
    assert not is_model_file(tmp_path / "none.json")
    (tmp_path / "dir.json").mkdir()
    assert not is_model_file(tmp_path / "dir.json")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_one(tmp_path: Path, kind: str) -> None:
    assert is_model_file(write(tmp_path, kind))
    assert read_model(tmp_path / kind).trees == loads_csv(SMALL).trees


# -- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_no_text(tmp_path: Path, kind: str) -> None:
    cases: list[tuple[Path, str, str]] = [
        (tmp_path / "none" / kind, "no such file", "check the path in the model's declaration"),
        (tmp_path / "text" / kind, "not a text file", REMEDY[kind]),
        (tmp_path / "dir" / kind, "cannot be read: Is a directory", "check the path and its permissions"),
        (tmp_path / "text" / kind / "x" / kind, "cannot be read: Not a directory", "check the path"),
    ]
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / kind).write_bytes(b"f,1\xff\xfe")
    (tmp_path / "dir" / kind).mkdir(parents=True)
    for path, problem, cure in cases:
        with pytest.raises(ModelFileError) as caught:
            read_model(path)
        assert str(caught.value).startswith(f"{path}: {problem}")
        assert cure in str(caught.value.cure)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_somebody_else(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    path.chmod(0)
    with pytest.raises(ModelFileError, match="cannot be read: Permission denied"):
        read_model(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_order_mark(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    plain = read_model(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert is_model_file(path)
    assert read_model(path) == plain


def test_huge_csv_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with open(tmp_path / "m.csv", "wb") as file:
        file.truncate(1 << 29)
    with pytest.raises(ModelFileError, match="larger than 256 MiB") as caught:
        read_model(tmp_path / "m.csv")
    assert "milliwatt export" in str(caught.value.cure)


# -- options -------------------------------------------------------------------------------------


def test_options_of_a_csv_file(tmp_path: Path) -> None:
    path = write(tmp_path, "m.csv")
    assert not read_model(path, ModelOptions(nan="ignore", dtype="float")).check_nan
    assert read_model(path, ModelOptions(nan="refuse", method="inline", budget="speed")).check_nan
    for options in (ModelOptions(nan="follow"), ModelOptions(calibration="x.csv")):
        with pytest.raises(MilliwattError, match="others need the estimator") as caught:
            read_model(path, options)
        assert caught.value.file == str(path)
        assert "milliwatt export" in (caught.value.cure or "")


@pytest.mark.parametrize("kind", ["m.mw.json", "m.json"])
def test_options_of_a_hand_over_file(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    assert read_model(path, ModelOptions(method="inline", budget="speed")) == loads_csv(SMALL)
    with pytest.raises(MilliwattError, match="settled in this file already") as caught:
        milliwatt.load(path, dtype="int16")
    assert "only method, budget and arena can still be chosen" in str(caught.value.cure)
