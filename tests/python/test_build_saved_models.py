"""What XGBoost and LightGBM saved, declared in a build: converted with numpy alone, trusted as data is."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.boosting import problem
from mwtest.paths import names

import milliwatt
from milliwatt.build import Converter, Generated, generate, parse_models
from milliwatt.build.conversion import SAVED_MODELS
from milliwatt.commands import _model
from milliwatt.errors import MilliwattError
from milliwatt.frontends import saved_models
from milliwatt.options import ModelOptions

xgb = pytest.importorskip("xgboost")
lgb = pytest.importorskip("lightgbm")

X, _, _, BINARY, CLASSES, VALUES = problem(3, 150, 4)
Run = Callable[..., list[Generated]]
XGBOOST, LIGHTGBM = ("m.json", "m.ubj", "m.model", "M.UBJ"), ("m.txt", "M.Model")


def save(path: Path, *, trees: int = 5) -> None:
    """What either library's save_model() makes of a model of three classes."""
    if path.name in LIGHTGBM:
        estimator = lgb.LGBMClassifier(n_estimators=trees, num_leaves=8, verbose=-1).fit(X, CLASSES)
        estimator.booster_.save_model(path)
        return
    plain = path.with_name(f"plain{path.suffix.lower().replace('.model', '.ubj')}")
    xgb.XGBClassifier(n_estimators=trees, max_depth=3).fit(X, CLASSES).save_model(plain)
    plain.rename(path)


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def run(tmp_path: Path, notes: list[str]) -> Run:
    def run(text: str, **settings: Any) -> list[Generated]:
        converter = Converter(tmp_path / "cache", tmp_path, note=notes.append, **settings)
        return generate(parse_models(text, tmp_path, "ini"), tmp_path / "out", converter)

    return run


@pytest.fixture(scope="module")
def numpy_only(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has numpy, and neither scikit-learn nor any library of boosted trees."""
    if os.name != "posix":
        pytest.skip("links numpy into an environment of its own")
    directory = tmp_path_factory.mktemp("numpy only")
    venv.create(directory, with_pip=False, symlinks=True)
    (site,) = directory.glob("lib/python*/site-packages")
    package = Path(np.__file__).parent
    for path in (package, package.with_name("numpy.libs")):
        if path.is_dir():
            (site / path.name).symlink_to(path)
    return str(directory / "bin" / "python")


def text_of(made: Generated) -> list[str]:
    return [file.read_text(encoding="utf-8") for file in made.files]


# -- what is generated ---------------------------------------------------------------------------


@pytest.mark.parametrize("file", [*XGBOOST, *LIGHTGBM])
def test_converted_once_with_numpy_alone(
    run: Run, tmp_path: Path, notes: list[str], numpy_only: str, file: str
) -> None:
    save(tmp_path / file)
    (made,) = run(f"gesture = {file} method=inline", python=numpy_only)
    loaded = saved_models.load_saved_model(tmp_path / file)
    expected = milliwatt.convert(loaded, name="gesture", method="inline").save(tmp_path / "as" / "gesture.c")
    assert text_of(made) == [path.read_text(encoding="utf-8") for path in expected]
    assert notes == [f"milliwatt: converting {file} with {numpy_only}"]
    assert made.summary == f"gesture.h from {file} (inline: asked for)"

    # Nothing changed; then another method or name, from the cache, without any Python.
    assert not run(f"gesture = {file} method=inline", python="no/such/python")[0].changed
    assert run(f"gesture = {file} method=loadable", python="no/such/python")[0].changed
    assert run(f"wave = {file} method=inline", python="no/such/python")[0].changed
    assert len(notes) == 1


def test_that_python_has_numpy_and_none_of_the_libraries(numpy_only: str) -> None:
    code = (
        "import importlib.util, numpy;"
        "print([m for m in ('sklearn', 'xgboost', 'lightgbm', 'scipy') if importlib.util.find_spec(m)])"
    )
    done = subprocess.run([numpy_only, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_answers_are_the_librarys(run: Run, tmp_path: Path) -> None:
    xgb.XGBClassifier(n_estimators=4, max_depth=3).fit(X, BINARY).save_model(tmp_path / "m.ubj")
    run("a = m.ubj")
    (cached,) = (tmp_path / "cache").iterdir()
    answers = milliwatt.load(cached).predict(X)
    booster = xgb.Booster(model_file=tmp_path / "m.ubj")
    assert (answers == (booster.predict(xgb.DMatrix(X)) > 0.5)).all()


@pytest.mark.parametrize("file", ["m.ubj", "m.txt"])
def test_a_model_that_was_saved_again_is_converted_again(
    run: Run, tmp_path: Path, notes: list[str], file: str
) -> None:
    save(tmp_path / file)
    (first,) = run(f"a = {file}")
    before = text_of(first)
    os.utime(tmp_path / file, (1, 1))  # contents count, not dates
    assert not run(f"a = {file}")[0].changed
    save(tmp_path / file, trees=7)
    (again,) = run(f"a = {file}")
    assert again.changed
    assert text_of(again) != before
    assert len(notes) == 2


def test_one_content_under_two_endings_is_two_conversions(run: Run, tmp_path: Path, notes: list[str]) -> None:
    """The ending is part of the key, as it decides who reads the file."""
    save(tmp_path / "m.ubj")
    (tmp_path / "n.model").write_bytes((tmp_path / "m.ubj").read_bytes())
    a, b = run("a = m.ubj method=inline\nb = n.model method=inline")
    assert len(notes) == 2
    renamed = text_of(a)[1].replace("a_", "b_").replace("A_", "B_").replace('"a.h"', '"b.h"')
    assert renamed.replace("* a: ", "* b: ") == text_of(b)[1]


def test_options_and_calibration_reach_the_conversion(run: Run, tmp_path: Path, numpy_only: str) -> None:
    save(tmp_path / "m.ubj")
    run("a = m.ubj dtype=float leaf_bits=8", python=numpy_only)
    assert "const float *" in (tmp_path / "out" / "a.h").read_text()
    loaded = saved_models.load_saved_model(tmp_path / "m.ubj")
    expected = milliwatt.convert(loaded, name="a", dtype="float", leaf_bits=8).save(tmp_path / "as" / "a.c")
    assert (tmp_path / "out" / "a.c").read_text() == expected[1].read_text()
    np.savetxt(tmp_path / "c.csv", X, delimiter=",")
    run("a = m.ubj calibration=c.csv")  # this Python has XGBoost
    assert "150 of 150 answers are the estimator's" in (tmp_path / "out" / "a.h").read_text()


# -- *.json: XGBoost's or ours -------------------------------------------------------------------


def test_our_own_json_under_a_plain_ending_needs_no_python(
    run: Run, tmp_path: Path, notes: list[str]
) -> None:
    save(tmp_path / "m.ubj")
    model = milliwatt.convert(saved_models.load_saved_model(tmp_path / "m.ubj"))
    for file in ("m.json", "m.mw.json", "M.JSON"):
        model.save(tmp_path / file)
        (made,) = run(f"a = {file}", python="no/such/python")
        assert text_of(made)[1] == model.save(tmp_path / "as" / "a.c", name="a")[1].read_text()
        with pytest.raises(MilliwattError, match="settled in this file already"):
            run(f"a = {file} dtype=int8")
    assert notes == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["milliwatt", '"milliwatt":', "m"])
def test_features_called_as_we_are_do_not_make_it_ours(run: Run, tmp_path: Path, name: str) -> None:
    data = xgb.DMatrix(X, VALUES, feature_names=[name, "b", "c", "d"])
    xgb.train({"max_depth": 2}, data, 2).save_model(tmp_path / "m.json")
    assert b"milliwatt" in (tmp_path / "m.json").read_bytes()[:100] or name == "m"
    (made,) = run("a = m.json")
    assert f"0: {name}" in made.files[0].read_text()


def test_checks_take_the_same_files(tmp_path: Path) -> None:
    """The model that `milliwatt check` takes."""
    for file in ("m.json", "m.txt"):
        save(tmp_path / file)
        model = _model(tmp_path / file, ModelOptions(), trust_pickle=False)
        assert model.ir.n_features == 4
        model.save(tmp_path / "ours.json")
        assert _model(tmp_path / "ours.json", ModelOptions(), trust_pickle=False).ir == model.ir


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content", "message", "cure"),
    [
        ("m.txt", b"my notes\n", "neither a saved model of XGBoost (JSON, UBJSON) nor", "save_model("),
        ("m.json", b"[1]", "neither a saved model of XGBoost", "save_model("),
        ("m.json", b'{"layers": []}', "not a saved model of XGBoost", "save_model()"),
        ("m.json", b'{"learner": ', "not valid JSON", "save the model again"),
        ("m.ubj", b"{L\0\0", "not valid UBJSON", "save the model again"),
        ("m.txt", b"tree\nversion=v4\n", "cut short", "save the model again"),
        ("m.model", b"binf\0\0\0", "neither a saved model of XGBoost", "save_model("),
    ],
)
def test_damaged_and_other_files(
    run: Run, tmp_path: Path, numpy_only: str, file: str, content: bytes, message: str, cure: str
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(MilliwattError) as caught:
        run(f"a = {file}", python=numpy_only)
    assert str(caught.value).startswith(f"ini: a: {tmp_path / file}: ")
    assert message in str(caught.value)
    assert cure in str(caught.value.cure)
    assert "Traceback" not in str(caught.value)
    assert not names(tmp_path / "cache")


@pytest.mark.parametrize("ending", SAVED_MODELS)
def test_no_such_file(run: Run, ending: str) -> None:
    with pytest.raises(MilliwattError, match=f"none{ending}: no such file"):
        run(f"a = none{ending}")


def test_unknown_endings_list_these_too(run: Run) -> None:
    with pytest.raises(MilliwattError, match=r"unknown kind of model file '\.tflite'") as caught:
        run("a = m.tflite")
    assert "XGBoost or LightGBM saved: *.json, *.ubj, *.txt, *.model" in str(caught.value.cure)


def test_a_build_python_without_numpy(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "m.txt")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        MilliwattError, match=r"m\.txt: custom_milliwatt_python: needs numpy, which"
    ) as caught:
        run("a = m.txt")
    assert f"{sys.executable} -m pip install numpy;" in str(caught.value.cure)
    assert "scikit" not in str(caught.value)


def test_another_python_without_numpy(run: Run, tmp_path: Path) -> None:
    save(tmp_path / "m.txt")
    venv.create(tmp_path / "bare", with_pip=False, symlinks=os.name == "posix")
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with pytest.raises(MilliwattError, match=r"No module named 'numpy'") as caught:
        run("a = m.txt", python=str(python))
    assert str(caught.value.cure) == f"{python} -m pip install numpy"


@pytest.mark.parametrize(("file", "library"), [("m.ubj", "xgboost"), ("m.txt", "lightgbm")])
def test_calibration_compares_with_the_library(
    run: Run, tmp_path: Path, numpy_only: str, file: str, library: str
) -> None:
    save(tmp_path / file)
    np.savetxt(tmp_path / "c.csv", X, delimiter=",")
    with pytest.raises(MilliwattError, match=f"the Python package {library} is needed") as caught:
        run(f"a = {file} calibration=c.csv", python=numpy_only)
    assert f"pip install {library}" in str(caught.value.cure)
    assert "or convert without calibration data" in str(caught.value.cure)


def test_the_known_endings_are_the_frontends() -> None:
    assert SAVED_MODELS == saved_models.SAVED_MODELS
