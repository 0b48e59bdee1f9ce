"""A CSV model wherever a ``*.mw.json`` is taken: declared in a build, on the command line, checked."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mwtest.emlearn_csv import FILES, answers
from mwtest.paths import names
from typer.testing import CliRunner

import milliwatt
from milliwatt.build import Converter, Generated, generate, parse_models
from milliwatt.cli import app
from milliwatt.commands import _model
from milliwatt.emit import emit_c
from milliwatt.errors import MilliwattError
from milliwatt.ir.csv_reader import load_csv
from milliwatt.options import ModelOptions

PACKAGE = Path(milliwatt.__file__).resolve().parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    shutil.copy(FILES / "classes_8.csv", tmp_path / "models" / "gesture.csv")
    return tmp_path


def build(project: Path, text: str) -> list[Generated]:
    models = parse_models(text, project, "ini")
    # A Python that is not there: CSV is data, and nothing is started to read it.
    return generate(models, project / "out", Converter(project / "cache", project, python="no/such/python"))


def test_declared_in_a_build(project: Path) -> None:
    (made,) = build(project, "gesture = models/gesture.csv")
    expected = emit_c(load_csv(FILES / "classes_8.csv"), name="gesture").files
    assert {file.name: file.read_text(encoding="utf-8") for file in made.files} == expected
    assert "const int16_t *features" in expected["gesture.h"]
    assert not (project / "cache").exists()
    assert not build(project, "gesture = models/gesture.csv")[0].changed


def test_options_in_a_build(project: Path) -> None:
    (made,) = build(project, "a = models/gesture.csv dtype=float method=inline")
    assert "const float *features" in made.files[0].read_text()
    assert "NAN" in made.files[1].read_text()
    (made,) = build(project, "a = models/gesture.csv dtype=float method=inline nan=ignore")
    assert made.changed
    assert "NAN" not in made.files[1].read_text()


@pytest.mark.parametrize("option", ["nan=follow", "calibration=x.csv"])
def test_options_that_need_the_estimator(project: Path, option: str) -> None:
    with pytest.raises(MilliwattError, match="others need the estimator") as caught:
        build(project, f"a = models/gesture.csv {option}")
    assert str(caught.value).startswith("ini: a: models/gesture.csv: ")


def test_a_fault_names_declaration_file_and_line(project: Path) -> None:
    path = project / "models" / "gesture.csv"
    path.write_bytes(path.read_bytes().replace(b"r,0", b"r,999"))
    with pytest.raises(MilliwattError) as caught:
        build(project, "a = models/gesture.csv")
    line = path.read_text().splitlines().index("r,999") + 1
    assert str(caught.value).startswith(f"ini: a: {path}: line {line}: leads outside the ")


def test_with_nothing_but_python(project: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from milliwatt.emit.__main__ import main; "
    command = [sys.executable, "-I", "-S", "-c", code + "sys.exit(main(sys.argv[1:]))", str(PACKAGE.parent)]
    command += [str(project / "models" / "gesture.csv"), "-o", str(project / "c"), "--dtype", "int32"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(project / "c") == ["gesture.c", "gesture.h"]
    assert "const int32_t *features" in (project / "c" / "gesture.h").read_text()


def test_command_line(project: Path) -> None:
    source, out = project / "models" / "gesture.csv", project / "c"
    done = CliRunner().invoke(app, ["emit", str(source), "-o", str(out), "--dtype", "float"])
    assert done.exit_code == 0, done.output
    assert "gesture.h" in done.output.replace("\n", "")
    assert "const float *features" in (out / "gesture.h").read_text()
    milliwatt.load(source).save(project / "m.mw.json")
    done = CliRunner().invoke(app, ["emit", str(project / "m.mw.json"), "-o", str(out), "--dtype", "float"])
    assert isinstance(done.exception, MilliwattError)
    assert "settled in this file already" in str(done.exception)


@pytest.mark.parametrize("method", ["auto", "inline", "loadable"])
def test_checked_on_a_board(project: Path, method: str) -> None:
    """The model that `milliwatt check` takes; boards themselves are tested in tests/emulated."""
    source = project / "models" / "gesture.csv"
    model = _model(source, ModelOptions(method=method, dtype="float"), trust_pickle=False)
    assert model.ir == dataclasses.replace(load_csv(source, name="gesture", dtype="float"), method=method)
    x = np.random.default_rng(0).integers(-300, 300, (50, 4)).astype(np.float32)
    text = source.read_text(encoding="utf-8")
    assert np.abs(model.predict_proba(x) - answers(text, x)).max() < 1e-6
    assert (model.predict(x) == model.evaluate(x).argmax(axis=1)).all()
