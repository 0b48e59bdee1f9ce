"""`milliwatt emit` and `export`: every format of Model.save, told by the ending or asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io
from mwtest.models import Spec, build
from mwtest.paths import names
from sklearn.ensemble import AdaBoostRegressor, RandomForestClassifier
from typer.testing import CliRunner

import milliwatt
from milliwatt import ir
from milliwatt.cli import app
from milliwatt.emit import emit_blob, emit_c, emit_csv
from milliwatt.emit.__main__ import main
from milliwatt.emit.saving import FORMATS, format_of
from milliwatt.errors import MilliwattError
from milliwatt.export import main as export_program
from milliwatt.ir import TreeEnsemble

MODEL = dataclasses.replace(build(Spec(1, "int16", n_rows=4)), name="gesture")
EXPECTED: dict[str, bytes] = {
    "gesture.mw.bin": emit_blob(MODEL),
    "gesture.csv": emit_csv(MODEL).encode(),
    "gesture.mw.json": ir.dumps(MODEL).encode(),
    "gesture.h": emit_c(MODEL).files["gesture.h"].encode(),
    "gesture.c": emit_c(MODEL).files["gesture.c"].encode(),
    "one header": emit_c(MODEL, single=True).files["gesture.h"].encode(),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "some model.mw.json"
    ir.save(MODEL, path)
    return path


@pytest.fixture
def emit(source: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs the command line; what it prints. Raises what it raises."""

    def run(output: str, *arguments: str, source: Path = source) -> str:
        command = ["emit", str(source), "-o", str(tmp_path / output), *arguments]
        done = CliRunner().invoke(app, command)
        if done.exception is not None:
            raise done.exception
        return done.output.replace("\n", " ")

    return run


@pytest.mark.parametrize(
    ("output", "arguments", "written"),
    [
        # By the ending; a directory is called as the ending says too.
        ("x.mw.bin", [], {"x.mw.bin": "gesture.mw.bin"}),
        ("x.BIN", [], {"x.BIN": "gesture.mw.bin"}),
        ("new/x.csv", [], {"new/x.csv": "gesture.csv"}),
        ("x.mw.json", [], {"x.mw.json": "gesture.mw.json"}),
        ("x.json", [], {"x.json": "gesture.mw.json"}),
        ("x.h", [], {"x.h": "one header"}),
        ("x.h", ["--single"], {"x.h": "one header"}),
        ("gesture.c", [], {"gesture.c": "gesture.c", "gesture.h": "gesture.h"}),
        # Into a directory, there already or not.
        ("src", [], {"src/gesture.c": "gesture.c", "src/gesture.h": "gesture.h"}),
        ("v1.2", [], {"v1.2/gesture.c": "gesture.c", "v1.2/gesture.h": "gesture.h"}),
        ("there.bin", [], {"there.bin/gesture.c": "gesture.c", "there.bin/gesture.h": "gesture.h"}),
        ("src", ["--single"], {"src/gesture.h": "one header"}),
        ("there.bin", ["--single"], {"there.bin/gesture.h": "one header"}),
        # Asked for.
        ("src", ["--format", "c"], {"src/gesture.c": "gesture.c", "src/gesture.h": "gesture.h"}),
        ("src", ["--format", "header", "--single"], {"src/gesture.h": "one header"}),
        ("src", ["--format", "bin"], {"src/gesture.mw.bin": "gesture.mw.bin"}),
        ("there.bin", ["--format", "csv"], {"there.bin/gesture.csv": "gesture.csv"}),
        ("there.bin", ["--format", "json"], {"there.bin/gesture.mw.json": "gesture.mw.json"}),
        ("image.dat", ["--format", "bin"], {"image.dat": "gesture.mw.bin"}),
        ("x.csv", ["--format", "bin"], {"x.csv": "gesture.mw.bin"}),
        ("x.hpp", ["--format", "header"], {"x.hpp": "one header"}),
    ],
)
def test_what_is_written(
    emit: Callable[..., str], tmp_path: Path, output: str, arguments: list[str], written: dict[str, str]
) -> None:
    (tmp_path / "there.bin").mkdir()
    told = emit(output, *arguments)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "in"]
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in files}
    assert found == {name: EXPECTED[wanted] for name, wanted in written.items()}
    for name in written:
        assert str(tmp_path / name) in told
    is_c = all(wanted.endswith((".c", ".h", "header")) for wanted in written.values())
    assert ("method " in told) == is_c
    if output == "x.mw.bin":
        assert f"({len(EXPECTED['gesture.mw.bin'])} bytes)" in told


def test_a_blob_of_csv_and_the_hand_over_file_of_csv(emit: Callable[..., str], tmp_path: Path) -> None:
    csv = tmp_path / "in" / "wave.csv"
    csv.write_text(emit_csv(MODEL), encoding="utf-8")
    model = ir.read_model(csv)
    emit("wave.mw.bin", source=csv)
    assert (tmp_path / "wave.mw.bin").read_bytes() == emit_blob(model)
    emit("wave.mw.json", "--dtype", "float", "--name", "tide", source=csv)
    again = ir.load(tmp_path / "wave.mw.json")
    assert (again.dtype, again.name) == ("float", "tide")
    assert again == dataclasses.replace(milliwatt.load(csv, dtype="float").ir, name="tide")


def test_names_methods_and_budgets(emit: Callable[..., str], tmp_path: Path, source: Path) -> None:
    emit("out", "--name", "tide", "--method", "loadable", "--format", "c")
    assert names(tmp_path / "out") == ["tide.c", "tide.h"]
    assert "tide_nodes[]" in (tmp_path / "out" / "tide.c").read_text()
    emit("out", "--name", "tide", "--format", "bin")
    assert "tide.mw.bin" in names(tmp_path / "out")
    # What the file settles on gives way to what is asked for now.
    fixed = tmp_path / "in" / "fixed.mw.json"
    ir.save(dataclasses.replace(MODEL, method="loadable"), fixed)
    assert "method loadable: asked for" in emit("a", source=fixed)
    assert "method inline: the fastest, as the budget asks" in emit("a", "--budget", "speed", source=fixed)
    assert "method inline: asked for" in emit("a", "--method", "inline", source=fixed)
    emit("b.mw.json", "--budget", "flash=8k", source=fixed)
    again = ir.load(tmp_path / "b.mw.json")
    assert (again.method, again.budget) == ("auto", "flash=8k")
    emit("b.mw.json", "--method", "inline")
    assert ir.load(tmp_path / "b.mw.json") == dataclasses.replace(MODEL, method="inline")


@pytest.mark.parametrize(
    ("output", "arguments", "message", "cure"),
    [
        ("x.mw.bin", ["--method", "inline"], "method: decides how C is generated, and x.mw.bin holds", "out"),
        ("x.csv", ["--budget", "speed"], "budget: decides how C is generated, and x.csv holds none", "out"),
        ("x.mw.bin", ["--format", "elf"], "format: 'elf' is not possible", "auto, c, header, json, csv, bin"),
        ("x", ["--format", "elf"], "format: 'elf' is not possible", "auto, c, header, json, csv, bin"),
        ("x.mw.bin", ["--single"], "x.mw.bin: single: one header is asked for", "end in .h"),
        ("x.c", ["--single"], "x.c: single: one header is asked for", "end in .h"),
        ("x", ["--single", "--format", "bin"], "single: one header is asked for, and format=bin", "one of"),
        ("x.mw.bin", ["--method", "fast"], "method: 'fast' is not possible", "inline"),
        ("x", ["--budget", "8k"], "budget: '8k' is not possible", "flash=8k"),
        ("x.mw.bin", ["--name", "while"], "name: ", ""),
    ],
)
def test_mistakes_write_nothing(
    emit: Callable[..., str], tmp_path: Path, output: str, arguments: list[str], message: str, cure: str
) -> None:
    with pytest.raises(MilliwattError) as caught:
        emit(output, *arguments)
    assert message in str(caught.value)
    assert cure in (caught.value.cure or "")
    assert names(tmp_path) == ["in"]


def _scaled() -> TreeEnsemble:
    return dataclasses.replace(build(Spec(1, "int8", n_features=2)), scale=(1.0, 2.0))


REFUSED: dict[str, tuple[Callable[[], TreeEnsemble], str]] = {
    "blob of scales": (_scaled, "mw.bin"),
    "blob of medians": (lambda: build(Spec(1, form="median")), "mw.bin"),
    "blob of names": (lambda: dataclasses.replace(MODEL, classes=("a\0", "b", "c")), "mw.bin"),
    "csv of scales": (_scaled, "csv"),
    "csv of links": (lambda: build(Spec(1, form="binary")), "csv"),
    "csv of missing": (lambda: build(Spec(1, missing=True)), "csv"),
}
WHAT = {
    "blob of scales": "a *.mw.bin cannot hold feature scales",
    "blob of medians": "a *.mw.bin cannot hold medians",
    "blob of names": "a *.mw.bin cannot hold class names with a zero byte",
    "csv of scales": "the CSV format cannot express feature scales",
    "csv of links": "the CSV format cannot express trees that are added up",
    "csv of missing": "the CSV format cannot express missing values",
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_format_cannot_hold_is_said_of_the_model(
    emit: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    make, ending = REFUSED[case]
    odd = tmp_path / "in" / "odd.mw.json"
    ir.save(make(), odd)
    with pytest.raises(MilliwattError) as caught:
        emit(f"x.{ending}", source=odd)
    assert str(caught.value).startswith(f"{odd}: format: {WHAT[case]}")
    assert "format='json' or 'c'" in (caught.value.cure or "")
    assert names(tmp_path) == ["in"]
    assert main([str(odd), "-o", str(tmp_path / f"x.{ending}")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"milliwatt: {odd}: format: {WHAT[case]}")
    assert said.err.count("\n") == 2, "one message and its cure"
    assert names(tmp_path) == ["in"]


def test_an_old_file_stays_where_the_new_one_is_refused(emit: Callable[..., str], tmp_path: Path) -> None:
    emit("x.mw.bin")
    odd = tmp_path / "in" / "odd.mw.json"
    ir.save(_scaled(), odd)
    with pytest.raises(MilliwattError):
        emit("x.mw.bin", source=odd)
    assert (tmp_path / "x.mw.bin").read_bytes() == EXPECTED["gesture.mw.bin"]


@pytest.mark.parametrize("format", FORMATS[1:])
def test_the_program_does_as_the_command_line(source: Path, tmp_path: Path, format: str) -> None:
    assert main([str(source), "-o", str(tmp_path / "out"), "--format", format]) == 0
    (tmp_path / "cli").mkdir()
    done = CliRunner().invoke(app, ["emit", str(source), "-o", str(tmp_path / "cli"), "--format", format])
    assert done.exit_code == 0
    assert names(tmp_path / "out") == names(tmp_path / "cli")
    for name in names(tmp_path / "out"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "cli" / name).read_bytes()


def test_every_format_has_an_ending() -> None:
    endings = {".c": "c", ".h": "header", ".mw.json": "json", ".json": "json", ".csv": "csv", ".bin": "bin"}
    assert {format_of(Path(f"x{ending}")) for ending in endings} == set(FORMATS[1:])
    for ending, format in endings.items():
        assert format_of(Path(f"a.b{ending}")) == format
        assert format_of(Path(f"a.b{ending.upper()}")) == format


# -- export --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    x = np.random.default_rng(0).normal(size=(80, 3))
    return RandomForestClassifier(3, random_state=0).fit(x, x[:, 0] > 0)


@pytest.mark.parametrize("file", ["g.mw.json", "g.mw.bin", "g.csv", "g.h", "g.c"])
def test_export_by_the_ending(forest: RandomForestClassifier, tmp_path: Path, file: str) -> None:
    skops.io.dump(forest, tmp_path / "m.skops")
    done = CliRunner().invoke(app, ["export", str(tmp_path / "m.skops"), "-o", str(tmp_path / "cli" / file)])
    assert done.exit_code == 0, done.output
    arguments = [str(tmp_path / "m.skops"), "-o", str(tmp_path / "program" / file), "--name", "g"]
    assert export_program(arguments) == 0
    written = milliwatt.convert(forest, name="g").save(tmp_path / "api" / file)
    for path in written:
        assert f"cli/{path.name}" in done.output.replace("\n", "")
        for directory in ("cli", "program"):
            assert (tmp_path / directory / path.name).read_bytes() == path.read_bytes()


def test_export_with_format_and_budget(forest: RandomForestClassifier, tmp_path: Path) -> None:
    skops.io.dump(forest, tmp_path / "m.skops")
    command = ["export", str(tmp_path / "m.skops"), "-o", str(tmp_path / "g.image"), "--budget", "flash"]
    assert CliRunner().invoke(app, [*command, "--format", "json"]).exit_code == 0
    assert ir.load(tmp_path / "g.image") == milliwatt.convert(forest, name="g", budget="flash").ir
    assert CliRunner().invoke(app, [*command, "--format", "bin"]).exit_code == 0
    assert (tmp_path / "g.image").read_bytes() == emit_blob(milliwatt.convert(forest).ir)


def test_export_asks_for_the_format_before_it_loads_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = tmp_path / "m.pkl"  # neither loaded nor converted
    bomb.write_bytes(b"cos\nmkdir\n(V" + str(tmp_path / "ran").encode() + b"\ntR.")
    done = CliRunner().invoke(app, ["export", str(bomb), "-o", str(tmp_path / "g.model")])
    assert isinstance(done.exception, MilliwattError)
    assert "the ending does not say which format" in str(done.exception)
    assert export_program([str(bomb), "-o", str(tmp_path / "g"), "--name", "g", "--trust-pickle"]) == 1
    assert "the ending does not say which format" in capsys.readouterr().err
    assert names(tmp_path) == ["m.pkl"]


def test_export_names_the_estimators_file_where_a_blob_refuses_it(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    boosted = AdaBoostRegressor(n_estimators=3, random_state=0).fit(x, x[:, 0])
    skops.io.dump(boosted, tmp_path / "m.skops")
    command = ["export", str(tmp_path / "m.skops"), "-o", str(tmp_path / "g.mw.bin")]
    done = CliRunner().invoke(app, command)
    assert str(done.exception).startswith(f"{tmp_path / 'm.skops'}: format: a *.mw.bin cannot hold medians")
    assert names(tmp_path) == ["m.skops"]
