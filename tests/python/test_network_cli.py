"""``milliwatt export`` and ``emit`` with networks: what they print, write and refuse."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from mwtest.paths import names
from sklearn.datasets import load_diabetes, load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

import milliwatt
from milliwatt import ir
from milliwatt.cli import app
from milliwatt.errors import MilliwattError
from milliwatt.model import load

pytestmark = pytest.mark.filterwarnings("ignore:.*onverge", "ignore:lbfgs")
DIGITS, DIGIT = load_digits(return_X_y=True)


def run(*arguments: object) -> str:
    """What the command line prints; its error is raised."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an MLP, a tree, and calibration data."""
    directory = tmp_path_factory.mktemp("my files")
    network = MLPClassifier((12,), max_iter=30, random_state=0).fit(DIGITS[:800], DIGIT[:800])
    skops.io.dump(network, directory / "digits.skops")
    joblib.dump(DecisionTreeClassifier(max_depth=3).fit(DIGITS, DIGIT), directory / "tree.joblib")
    rows = np.column_stack([DIGITS[:200], DIGIT[:200]])
    header = ",".join([*(f"p{i}" for i in range(64)), "label"])
    np.savetxt(directory / "samples.csv", rows, delimiter=",", fmt="%d", header=header, comments="")
    milliwatt.convert(network, name="digits", calibration=DIGITS[:200], quantize="int8").save(
        directory / "digits.mw.json"
    )
    return directory


def test_export_says_what_quantisation_did(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.mw.json"
    told = run(
        "export",
        files / "digits.skops",
        "-o",
        out,
        "--calibration",
        files / "samples.csv",
        "--quantize",
        "int8",
    )
    lines = told.splitlines()
    assert lines[0] == "d: classifier, network of 2 layers with 910 weights, 64 features"
    assert lines[1] == "features are uint8: calibration features are integers from 0 to 16"
    assert re.fullmatch(
        r"layers of 8 bits: [\d,]+ bytes of weights, 888 multiplications, arena of \d+ bytes \(static\)",
        lines[2],
    )
    assert re.fullmatch(
        r"agreement on 200 calibration samples: floats 100\.00 %, int8 [\d.]+ %;"
        r" another class on \d+ of them",
        lines[3],
    )
    assert re.fullmatch(r"accuracy on them: [\d.]+ % \([+-][\d.]+ points\)", lines[4])
    assert lines[5] == f"written: {out}"
    model = load(out)
    trade = model.ir.calibration.quantize if model.ir.calibration else None
    assert trade is not None
    assert f"another class on {trade.classes_changed} of" in lines[3]
    assert trade.accuracy_after is not None
    assert f"{100 * trade.accuracy_after:.2f} %" in lines[4]


def test_export_of_floats(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.mw.json"
    told = run(
        "export",
        files / "digits.skops",
        "-o",
        out,
        "--arena",
        "caller",
        "--calibration",
        files / "samples.csv",
    )
    assert "layers of floats: 3,640 bytes of weights" in told
    assert "bytes (caller)" in told
    assert "agreement on 200 calibration samples: 100.00 %\n" in told
    assert isinstance(model := ir.load(out), ir.Network)
    assert model.arena == "caller"


def test_export_of_values(tmp_path: Path) -> None:
    x, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=200, solver="lbfgs", random_state=0).fit(x * 10, y)
    skops.io.dump(model, tmp_path / "sugar.skops")
    np.savetxt(tmp_path / "x.csv", np.column_stack([x * 10, y]), delimiter=",")
    where = ("--calibration", tmp_path / "x.csv", "-o", tmp_path / "sugar.mw.json")
    told = run("export", tmp_path / "sugar.skops", *where, "--quantize", "int16")
    assert re.search(r"int16 moves an answer by at most [\d.]+ on 442 calibration samples; root mean", told)
    assert "largest error" in run("export", tmp_path / "sugar.skops", *where)


def test_a_layer_that_hurts_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 4)), np.arange(80) % 2
    network = MLPClassifier((6,), max_iter=5, solver="lbfgs", random_state=0).fit(x, y)
    network.coefs_[0][0, 0] = 1e5  # leaves the others of this output no integers
    network.coefs_[1][0, 0] = 1e-5
    joblib.dump(network, tmp_path / "odd.joblib")
    np.savetxt(tmp_path / "x.csv", x, delimiter=",")
    arguments = ("export", tmp_path / "odd.joblib", "-o", tmp_path / "odd.mw.json", "--quantize", "int8")
    told = run(*arguments, "--calibration", tmp_path / "x.csv")
    assert re.search(r"layer \d dense.* is far off: -?\d+ dB by itself; quantize=int16 may help", told)


def test_layers_as_a_table(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.mw.json"
    plain = run("export", files / "digits.skops", "-o", out, "--layers")
    assert re.search(r"^layer +weights, bytes +multiplications +arena, bytes$", plain, re.MULTILINE)
    assert re.search(r"^layers\[0\]: dense of 64, 12 +3,120 +768 +48$", plain, re.MULTILINE)
    told = run("emit", files / "digits.mw.json", "-o", tmp_path / "c", "--layers")
    assert re.search(r"arena, bytes +noise, dB +own, dB +clipped$", told, re.MULTILINE)
    assert re.search(
        r"^layers\[1\]: dense of 12, 10 +\d+ +120 +\d+ +\d+\.\d +\d+\.\d +0\.00 %$", told, re.MULTILINE
    )
    assert "20 dB a tenth" in told
    assert "20 dB a tenth" not in plain


def test_emit(files: Path, tmp_path: Path) -> None:
    source = files / "digits.mw.json"
    told = run("emit", source, "-o", tmp_path / "c")
    assert "method network: " in told
    assert names(tmp_path / "c") == ["digits.c", "digits.h"]
    assert "void *arena" not in (tmp_path / "c" / "digits.h").read_text()
    run("emit", source, "-o", tmp_path / "c", "--arena", "caller")
    assert "void *arena" in (tmp_path / "c" / "digits.h").read_text()
    run("emit", source, "-o", tmp_path / "own.mw.json", "--arena", "caller", "--name", "own")
    run("emit", tmp_path / "own.mw.json", "-o", tmp_path / "one", "--single")
    assert names(tmp_path / "one") == ["own.h"]
    assert "void *arena" in (tmp_path / "one" / "own.h").read_text()
    run("emit", tmp_path / "own.mw.json", "-o", tmp_path / "one", "--arena", "static", "--single")
    assert "void *arena" not in (tmp_path / "one" / "own.h").read_text()


@pytest.mark.parametrize(
    ("arguments", "message", "cure"),
    [
        (
            ["export", "digits.skops", "--quantize", "int8"],
            "digits.skops: quantize: quantize=int8 needs",
            "CSV",
        ),
        (
            ["export", "digits.skops", "--quantize", "int4"],
            "quantize: 'int4' is not possible",
            "none, int8, int16",
        ),
        (
            ["export", "digits.skops", "--leaf-bits", "8"],
            "digits.skops: leaf_bits: leaf_bits=8 is for trees",
            "int8",
        ),
        (["export", "digits.skops", "--classes", "a,b"], "MLPClassifier knows its classes", "leave it out"),
        (["export", "tree.joblib", "--layers"], "has no layers: it is no network", "leave it out"),
        (["export", "tree.joblib", "--arena", "static"], "arena=static is for neural networks", "no buffers"),
        (["emit", "digits.mw.json", "--method", "inline"], "method=inline is for trees", "leave it out"),
        (["emit", "digits.mw.json", "--arena", "heap"], "arena: 'heap' is not possible", "static, caller"),
        (
            ["emit", "digits.mw.json", "--dtype", "int8"],
            "settled in this file already",
            "method, budget and arena",
        ),
    ],
)
def test_mistakes_write_nothing(
    files: Path, tmp_path: Path, arguments: list[str], message: str, cure: str
) -> None:
    command, source, *others = arguments
    with pytest.raises(MilliwattError) as caught:
        run(command, files / source, "-o", tmp_path / "out.mw.json", *others)
    assert message in str(caught.value)
    assert cure in (caught.value.cure or "")
    assert names(tmp_path) == []


# -- what other libraries save -------------------------------------------------------------------


def _keras(path: Path) -> Any:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.save(path)
    return model


def _torch() -> Any:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 10)
    )


def _pt2(path: Path) -> Any:
    module = _torch().eval()
    torch = pytest.importorskip("torch")
    program = torch.export.export(module, (torch.zeros((2, 64)),))
    torch.export.save(program, path)
    return program


def _onnx(path: Path) -> Any:
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.normal(size=(64, 10)).astype(np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", 1, ["n", 64])],
        [helper.make_tensor_value_info("y", 1, ["n", 10])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return model


SAVED: dict[str, Callable[[Path], Any]] = {"n.keras": _keras, "n.h5": _keras, "n.pt2": _pt2, "n.onnx": _onnx}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", SAVED)
def test_what_other_libraries_save(file: str, files: Path, tmp_path: Path) -> None:
    original = SAVED[file](tmp_path / file)
    options = (
        "--calibration",
        files / "samples.csv",
        "--quantize",
        "int8",
        "--classes",
        "0,1,2,3,4,5,6,7,8,9",
    )
    told = run("export", tmp_path / file, "-o", tmp_path / "m.mw.json", *options)
    assert "floats 100.00 %, int8" in told
    model = load(tmp_path / "m.mw.json")
    assert model.ir.task == "classifier"
    assert list(model.classes_) == list(range(10))
    own = milliwatt.convert(original, classes=range(10), name="m", calibration=files / "samples.csv")  # type: ignore[arg-type]
    assert (model.predict(DIGITS[:300]) == own.predict(DIGITS[:300])).mean() > 0.9


# -- nothing but Python --------------------------------------------------------------------------

_BLOCKER = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numpy", "sklearn", "typer", "rich", "keras", "torch", "onnx", "h5py"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
sys.path.insert(0, sys.argv.pop(1))
from milliwatt.emit.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("arena", ["auto", "caller"])
def test_c_from_the_hand_over_file_without_any_package(files: Path, tmp_path: Path, arena: str) -> None:
    package = Path(ir.__file__).resolve().parents[2]
    source = files / "digits.mw.json"
    command = [sys.executable, "-I", "-S", "-c", _BLOCKER, package, source, "-o", tmp_path, "--arena", arena]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert names(tmp_path) == ["digits.c", "digits.h"]
    wanted = tmp_path / "wanted"
    load(source).save(wanted / "digits.c") if arena == "auto" else run(
        "emit", source, "-o", wanted, "--arena", arena
    )
    for name in ("digits.c", "digits.h"):
        assert (tmp_path / name).read_text() == (wanted / name).read_text()
