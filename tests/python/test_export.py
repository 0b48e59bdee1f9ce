"""From an estimator's file to a model: trusted and untrusted formats, damaged files, missing packages."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import milliwatt
from milliwatt.errors import MilliwattError, ToolMissingError, UnsupportedModelError
from milliwatt.export import export_file, main, summary
from milliwatt.frontends import loading
from milliwatt.options import ModelOptions

AUTO = ModelOptions()


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    return RandomForestClassifier(4, random_state=0).fit(x, np.where(x[:, 0] > 0, "up", "down"))


def _save(forest: RandomForestClassifier, path: Path) -> Path:
    if path.suffix == ".skops":
        skops.io.dump(forest, path)
    elif path.suffix == ".joblib":
        joblib.dump(forest, path)
    else:
        path.write_bytes(pickle.dumps(forest))
    return path


@pytest.mark.parametrize("ending", [".skops", ".joblib", ".pkl", ".pickle", ".JOBLIB"])
def test_every_format_gives_the_same_model(
    forest: RandomForestClassifier, tmp_path: Path, ending: str
) -> None:
    path = _save(forest, tmp_path / f"my model{ending}")
    model = export_file(path, name="model", options=AUTO, trust_pickle=True)
    assert model.ir == milliwatt.convert(forest).ir


@pytest.mark.parametrize("ending", [".joblib", ".pkl", ".pickle"])
def test_formats_that_run_code_are_not_loaded_unless_trusted(tmp_path: Path, ending: str) -> None:
    marker = tmp_path / "ran"
    path = tmp_path / f"bomb{ending}"
    path.write_bytes(b"cos\nmkdir\n(V" + str(marker).encode() + b"\ntR.")
    with pytest.raises(MilliwattError) as caught:
        export_file(path, name="model", options=AUTO)
    assert caught.value.option == "trust_pickle"
    assert "runs any code" in str(caught.value)
    assert "custom_milliwatt_trust_pickle" in str(caught.value)
    assert not marker.exists()


def test_skops_with_foreign_types_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.skops"
    skops.io.dump({"run": subprocess.Popen}, path)
    with pytest.raises(MilliwattError, match=r"does not trust.*Popen"):
        export_file(path, name="model", options=AUTO, trust_pickle=True)


@pytest.mark.parametrize("ending", [".skops", ".joblib", ".pkl"])
@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_damaged_files(forest: RandomForestClassifier, tmp_path: Path, ending: str, keep: float) -> None:
    path = _save(forest, tmp_path / f"half{ending}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(MilliwattError) as caught:
        export_file(path, name="model", options=AUTO, trust_pickle=True)
    assert caught.value.file == str(path)
    assert "cannot be loaded" in caught.value.problem
    assert caught.value.cure


def test_an_error_of_the_conversion_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "list.pkl"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(UnsupportedModelError, match=r"list\.pkl: builtins\.list is not supported"):
        export_file(path, name="model", options=AUTO, trust_pickle=True)


@pytest.mark.parametrize("name", ["model.tflite", "model", "model.json.gz"])
def test_unknown_endings_list_the_known_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(MilliwattError, match=r"unknown kind of model file.*\n.*\*\.skops.*\*\.pkl"):
        export_file(tmp_path / name, name="model", options=AUTO)


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("none.skops", "none.pkl"):
        with pytest.raises(MilliwattError, match="no such file"):
            export_file(tmp_path / name, name="model", options=AUTO, trust_pickle=True)


@pytest.mark.parametrize(("package", "ending"), [("skops", ".skops"), ("joblib", ".joblib")])
def test_a_missing_package_is_named(
    forest: RandomForestClassifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    ending: str,
) -> None:
    path = _save(forest, tmp_path / f"m{ending}")
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.io", None)
    with pytest.raises(ToolMissingError, match=f"pip install {package}"):
        export_file(path, name="model", options=AUTO, trust_pickle=True)


def test_a_pickle_of_a_library_that_is_not_here(tmp_path: Path) -> None:
    path = tmp_path / "foreign.pkl"
    path.write_bytes(b"cno_such_library.models\nModel\n.")
    with pytest.raises(ToolMissingError, match="pip install no_such_library"):
        export_file(path, name="model", options=AUTO, trust_pickle=True)


def test_another_version_of_the_library_is_noted(
    forest: RandomForestClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InconsistentVersionWarning(UserWarning):
        pass

    def load(path: Path) -> RandomForestClassifier:
        warnings.warn("made with version 0.1\nmore", InconsistentVersionWarning, stacklevel=1)
        return forest

    monkeypatch.setattr(loading, "_load_skops", load)
    notes: list[str] = []
    path = _save(forest, tmp_path / "old.skops")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_file(path, name="model", options=AUTO, note=notes.append)
    assert notes == [f"{path}: made with version 0.1"]


def test_program_writes_the_model(
    forest: RandomForestClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _save(forest, tmp_path / "m.skops")
    data = tmp_path / "c.csv"
    data.write_text("0.5,0,0\n-0.5,0,0\n", encoding="utf-8")
    out = tmp_path / "new" / "gesture.mw.json"
    arguments = ["--name", "gesture", "--method", "loadable", "--dtype", "float", "--calibration", str(data)]
    assert main([str(path), "-o", str(out), *arguments]) == 0
    model = milliwatt.load(out)
    assert (model.ir.name, model.ir.method, model.ir.dtype) == ("gesture", "loadable", "float")
    assert model.ir.calibration is not None
    assert "agreement on 2 calibration samples: 100.00 %" in capsys.readouterr().out


def test_program_takes_leaf_options(
    forest: RandomForestClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = _save(forest, tmp_path / "m.skops"), tmp_path / "m.mw.json"
    fixed = [str(path), "-o", str(out), "--name", "m"]
    assert main([*fixed, "--leaf-bits", "4"]) == 0
    assert milliwatt.load(out).ir == milliwatt.convert(forest, name="m", leaf_bits=4).ir
    assert main([*fixed, "--leaf-clusters", "2", "--leaf-bits", "16"]) == 0
    assert "leaves: 16 bits, clustered to 2 rows a class; with cal" in capsys.readouterr().out
    assert main([*fixed, "--leaf-clusters", "no"]) == 1
    assert "leaf_clusters: 'no' is not possible" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*fixed, "--leaf-bits", "17"])


def test_program_fails_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.mw.json"
    assert main([str(tmp_path / "x.skops"), "-o", str(out), "--name", "x"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("milliwatt: ")
    assert not out.exists()


def test_program_does_not_trust_by_itself(forest: RandomForestClassifier, tmp_path: Path) -> None:
    path = _save(forest, tmp_path / "m.joblib")
    out = tmp_path / "m.mw.json"
    assert main([str(path), "-o", str(out), "--name", "m"]) == 1
    assert main([str(path), "-o", str(out), "--name", "m", "--trust-pickle"]) == 0
    assert out.exists()


def test_summary_of_what_was_decided() -> None:
    x = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    tree = milliwatt.convert(DecisionTreeClassifier().fit(x, [0, 1, 0, 1]), name="g", calibration=x)
    text = "\n".join(summary(tree))
    assert "g: classifier, 1 trees, 3 splits, 2 features" in text
    assert "features are int16: calibration features are integers from 0 to 7" in text
    assert "method inline" in text
    regressor = milliwatt.convert(DecisionTreeRegressor().fit(x, [0.1, 1, 0, 1]), calibration=x)
    assert "largest error" in "\n".join(summary(regressor))
