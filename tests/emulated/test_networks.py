"""Networks on emulated boards: integers answer bit for bit as on this PC, floats within the stated bound."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.emulated import ALL, need
from sklearn.datasets import load_diabetes, load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

import milliwatt
from milliwatt import ir
from milliwatt.errors import InputError, MilliwattError
from milliwatt.host.quantization import quantize_network
from milliwatt.ir.network import Array, Conv, Dense, MaxPool, Network, Reshape
from milliwatt.model import Model
from milliwatt.rig import RigError, check, load_board

pytestmark = [
    pytest.mark.xdist_group("networks"),
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("work"),
    pytest.mark.filterwarnings("ignore:.*onverge", "ignore:lbfgs"),
]

DIGITS, DIGIT = load_digits(return_X_y=True)
TEST = DIGITS[1200:1250]
AVR = "simavr_atmega328p"
ALIGNMENT = 16  # sections begin at multiples of it, on some boards: what is beside the arena moves


@pytest.fixture(scope="module")
def mlp() -> MLPClassifier:
    return MLPClassifier((32,), max_iter=60, random_state=0).fit(DIGITS[:1200], DIGIT[:1200])


@pytest.fixture(scope="module")
def mlp_int8(mlp: MLPClassifier) -> Model:
    return milliwatt.convert(mlp, name="digits", calibration=DIGITS[:300], quantize="int8")


def _weights(rng: np.random.Generator, *shape: int) -> Array:
    values = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
    return Array(shape, "float32", values.astype("<f4").tobytes())


@pytest.fixture(scope="module")
def cnn() -> Network:
    """Two convolutions, a pool and a dense layer, of random weights, for images of 8 by 8."""
    rng = np.random.default_rng(0)
    layers = (
        Conv(
            _weights(rng, 3, 3, 1, 6), _weights(rng, 6), (0,), (8, 8, 6), (1, 1), (1, 1), (1, 1, 1, 1), "relu"
        ),
        MaxPool((1,), (4, 4, 6), (2, 2), (2, 2)),
        Conv(_weights(rng, 3, 3, 6, 8), _weights(rng, 8), (2,), (2, 2, 8), activation="relu"),
        Reshape((3,), (32,)),
        Dense(_weights(rng, 32, 10), _weights(rng, 10), inputs=(4,)),
    )
    return ir.validate(  # type: ignore[return-value]
        Network("classifier", 64, layers, "softmax", tuple(range(10)), (8, 8, 1), name="image")
    )


@pytest.fixture(scope="module")
def cnn_int8(cnn: Network) -> Model:
    typed = dataclasses.replace(cnn, dtype="uint8", quantize="int8")
    return Model(quantize_network(typed, DIGITS[:300])[0])


def _same(report: Any, samples: int) -> None:
    assert report.perfect, report.disagreements
    assert (report.samples, report.same_as_host) == (samples, samples)


# -- integers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", ALL)
def test_an_mlp_of_bytes(board: str, mlp: MLPClassifier, mlp_int8: Model) -> None:
    report = check(mlp_int8, need(board), TEST, scores=True)
    _same(report, 50)
    assert (report.method, report.dtype) == ("network, int8", "uint8")
    if board != "host":
        assert abs(report.ram_bytes - mlp_int8.arena_size) <= ALIGNMENT
        assert report.flash_bytes < 7000
        assert report.stack_bytes < 300


@pytest.mark.parametrize("board", ALL)
def test_a_cnn_of_bytes(board: str, cnn_int8: Model) -> None:
    report = check(cnn_int8, need(board), TEST[:20], scores=True)
    _same(report, 20)
    if board != "host":
        assert abs(report.ram_bytes - cnn_int8.arena_size) <= ALIGNMENT


def test_an_mlp_of_bytes_within_two_kilobytes(mlp: MLPClassifier, mlp_int8: Model) -> None:
    report = check(mlp_int8, need(AVR), TEST, expected=mlp.predict_proba(TEST))
    assert report.same_as_host == 50
    assert report.agree + report.ties >= 49
    board = load_board(AVR)
    assert board.ram_bytes == 2048
    assert report.ram_total + report.stack_bytes < board.ram_bytes
    assert len(np.unique(mlp_int8.predict(TEST))) == 10


def test_probabilities(mlp_int8: Model) -> None:
    _same(check(mlp_int8, need("qemu_cortex_m4f"), TEST, probabilities=True), 50)


@pytest.mark.parametrize("board", ["qemu_cortex_m3", AVR])
def test_16_bits_and_real_features(board: str) -> None:
    x, y = load_diabetes(return_X_y=True)
    x = x * 10
    model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=200, solver="lbfgs", random_state=0).fit(x, y)
    converted = milliwatt.convert(model, name="sugar", calibration=x, quantize="int16")
    report = check(converted, need(board), x[:40], expected=model.predict(x[:40]))
    _same(report, 40)
    assert report.reference == "estimator"
    assert report.max_error is not None
    assert 0 < report.max_error < 0.05 * np.ptp(y)


@pytest.mark.parametrize("board", ["host", "qemu_cortex_m0", AVR])
def test_labels_each_for_itself_in_the_callers_arena(board: str) -> None:
    y = np.stack([DIGIT % 2 == 0, DIGIT > 4, DIGIT < 2], axis=1).astype(int)[:800]
    estimator = MLPClassifier((12,), max_iter=30, random_state=0).fit(DIGITS[:800], y)
    model = milliwatt.convert(
        estimator, name="marks", calibration=DIGITS[:200], quantize="int8", arena="caller"
    )
    report = check(model, need(board), TEST)
    _same(report, 50)
    if board != "host":
        assert abs(report.ram_bytes - model.arena_size) <= ALIGNMENT  # the check's own array
    known = check(
        model, need(board), TEST, expected=model.host.predict_proba(model.host.device_features(TEST))
    )
    assert (known.agree, known.reference) == (50, "estimator")


# -- floats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", ["host", "qemu_cortex_m0", "qemu_riscv32"])
def test_an_mlp_of_floats(board: str, mlp: MLPClassifier) -> None:
    model = milliwatt.convert(mlp, name="digits")
    report = check(model, need(board), TEST, probabilities=True, expected=mlp.predict_proba(TEST))
    _same(report, 50)
    assert report.max_error is not None
    assert report.max_error < 1e-5


def test_a_cnn_of_floats(cnn: Network) -> None:
    report = check(Model(cnn), need("qemu_cortex_m4f"), TEST[:20])
    _same(report, 20)
    assert report.method == "network, float"


# -- what is refused -----------------------------------------------------------------------------


def test_scores_are_this_pcs_business(mlp: MLPClassifier, mlp_int8: Model) -> None:
    with pytest.raises(MilliwattError, match="scores are compared with this PC's only"):
        check(mlp_int8, "host", TEST, scores=True, expected=mlp.predict_proba(TEST))
    with pytest.raises(InputError, match="expected answers of shape"):
        check(mlp_int8, "host", TEST, expected=mlp.predict_proba(TEST)[:, :3])
    with pytest.raises(MilliwattError, match="is a form of trees"):
        check(mlp_int8, "host", TEST, method="compact")


def test_a_network_that_is_too_large() -> None:
    rng = np.random.default_rng(0)
    layers = (
        Dense(_weights(rng, 64, 110), _weights(rng, 110), "relu"),
        Dense(_weights(rng, 110, 2), _weights(rng, 2), inputs=(1,)),
    )
    model = Model(Network("regressor", 64, layers, name="vast"))
    with pytest.raises(RigError, match="does not fit") as caught:
        check(model, need(AVR), TEST)
    assert "quantize=int8, a smaller network" in str(caught.value.cure)


# -- the command line ----------------------------------------------------------------------------


def test_check_from_the_command_line(mlp_int8: Model, tmp_path: Path) -> None:
    mlp_int8.save(tmp_path / "digits.mw.json")
    np.savetxt(tmp_path / "x.csv", TEST[:10], delimiter=",", fmt="%d")
    command = [
        "check",
        tmp_path / "digits.mw.json",
        "--board",
        need("qemu_cortex_m3"),
        "--data",
        tmp_path / "x.csv",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "milliwatt", *map(str, command), "--arena", "caller"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "network, int8" in done.stdout
    assert "100.00 %" in done.stdout
