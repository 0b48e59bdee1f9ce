"""The cases of tests/python/test_exactness.py on emulated boards: the device answers as scikit-learn does."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest import calls, models
from mwtest.emulated import ROOT, need
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.model import Model
from milliwatt.rig import check, load_board
from milliwatt.rig.connection import emulated
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.project import built
from milliwatt.rig.session import Session

pytestmark = [
    pytest.mark.xdist_group("cases"),
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("work"),
]


def _integers(low: int, high: int, n_features: int, rows: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(low, high + 1, (rows, n_features))


Case = tuple[Any, NDArray[Any], dict[str, Any]]


def _small_integers() -> Case:
    x = _integers(0, 5, 4, 400)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 8).astype(int) + (x[:, 3] > 2)
    return DecisionTreeClassifier(random_state=0).fit(x, y), x, {"dtype": "uint8"}


def _on_thresholds() -> Case:
    x = _integers(-10, 10, 3, 300) * 2
    forest = RandomForestClassifier(3, max_depth=6, random_state=0).fit(x, (x.sum(axis=1) // 8) % 3)
    return forest, _integers(-21, 21, 3, 150), {"dtype": "float"}


def _micro_features() -> Case:
    x = (np.random.default_rng(2).normal(size=(300, 4)) * 1e-6).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(int) + (x[:, 2] > 0)
    return DecisionTreeClassifier(random_state=0).fit(x, y), x, {}


def _number_labels() -> Case:
    x = _integers(-1000, 1000, 4, 300)
    y = np.array([10, 20, 30])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0)]
    return RandomForestClassifier(5, random_state=0).fit(x, y), x, {}


def _word_labels() -> Case:
    x = _integers(-1000, 1000, 4, 300)
    y = np.array(["sit", "größe", 'q"\\'])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0)]
    return RandomForestClassifier(5, random_state=0).fit(x, y), x, {}


def _soft_votes() -> Case:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(600, 5)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=600) > 1.6).astype(int)
    forest = RandomForestClassifier(7, max_depth=4, class_weight="balanced", random_state=0).fit(x, y)
    return forest, rng.normal(size=(150, 5)).astype(np.float32), {}


def _classes(count: int) -> Case:
    x = _integers(-2000, 2000, 6, count * 3)
    y = np.arange(len(x)) % count
    forest = RandomForestClassifier(4, min_samples_leaf=2, random_state=0).fit(x, y)
    return forest, x[:150], {}


def _200_features() -> Case:
    x = _integers(-100, 100, 200, 150)
    forest = RandomForestClassifier(10, random_state=0).fit(x, (x[:, -1] + x[:, -2]) // 50)
    return forest, x[:100], {}


def _deep() -> Case:
    x = np.arange(1201)[:, None]
    tree = DecisionTreeClassifier(random_state=0).fit(x, np.arange(1201) % 2)
    assert tree.get_depth() == 1200
    return tree, np.concatenate([x[::18], x[-10:]]), {}


def _missing() -> Case:
    rng = np.random.default_rng(3)
    x = np.where(rng.random((300, 4)) < 0.2, np.nan, rng.normal(size=(300, 4))).astype(np.float32)
    y = (np.nan_to_num(x[:, 0]) > 0).astype(int) + np.isnan(x[:, 1])
    forest = RandomForestClassifier(4, max_depth=5, random_state=0).fit(x, y)
    probe = x[:150].copy()
    probe[:4] = np.nan
    probe[4:8] = -np.float32(np.nan)
    return forest, probe, {}


def _regression() -> Case:
    x = _integers(-300, 300, 5, 300)
    y = np.stack([x[:, 0] * 3.7, np.sin(x[:, 1]) * 1e-5, x[:, 2] ** 2 * 1e4], axis=1)
    return RandomForestRegressor(4, max_depth=5, random_state=0).fit(x, y), x[:150], {}


def _wide_integers() -> Case:
    x = np.arange(2**25 - 300, 2**25 + 300, 3)[:, None]
    return DecisionTreeClassifier(random_state=0).fit(x, (x[:, 0] // 16) % 2), x, {"dtype": "int32"}


ROWS = 80
CASES = {
    "small integers": _small_integers,
    "on thresholds": _on_thresholds,
    "features around 1e-6": _micro_features,
    "labels 10 20 30": _number_labels,
    "labels in words": _word_labels,
    "soft votes": _soft_votes,
    "31 classes": lambda: _classes(31),
    "128 classes": lambda: _classes(128),
    "300 classes": lambda: _classes(300),
    "200 features": _200_features,
    "1200 deep": _deep,
    "missing values": _missing,
    "regression": _regression,
    "wide integers": _wide_integers,
}
M4F, M0, RISCV, AVR = "qemu_cortex_m4f", "qemu_cortex_m0", "qemu_riscv32", "simavr_atmega328p"
# On boards that share the M4F's C: what differs there, in instructions, in the size of int, in memory.
ELSEWHERE = [
    (M0, "inline", "features around 1e-6"),
    (M0, "loadable", "soft votes"),
    (M0, "inline", "1200 deep"),
    (M0, "loadable", "missing values"),
    (AVR, "loadable", "small integers"),
    (AVR, "inline", "on thresholds"),
    (AVR, "loadable", "features around 1e-6"),
    (AVR, "inline", "31 classes"),
    (AVR, "loadable", "1200 deep"),
    (AVR, "inline", "missing values"),
    (AVR, "loadable", "200 features"),
    # compact: fields of every width, out of words and bytes, positions of 16 and of 32 bits.
    (M4F, "compact", "soft votes"),
    (M4F, "compact", "regression"),
    (M4F, "compact", "300 classes"),
    (M0, "compact", "features around 1e-6"),
    (M0, "compact", "1200 deep"),
    (M0, "compact", "31 classes"),
    (RISCV, "compact", "missing values"),
    (AVR, "compact", "on thresholds"),
    (AVR, "compact", "soft votes"),
    (AVR, "compact", "regression"),
    (AVR, "compact", "missing values"),
    (AVR, "compact", "31 classes"),
]


@cache
def _converted(name: str) -> tuple[Any, Model, NDArray[Any]]:
    estimator, samples, options = CASES[name]()
    return estimator, milliwatt.convert(estimator, name="known", **options), samples[:ROWS]


@pytest.mark.parametrize(
    ("board", "method", "name"),
    [(M4F, method, name) for name in CASES for method in ("inline", "loadable")] + ELSEWHERE,
)
def test_the_device_answers_as_the_estimator(board: str, method: str, name: str) -> None:
    estimator, model, samples = _converted(name)
    expected = estimator.predict_proba(samples) if model.ir.is_classifier else estimator.predict(samples)
    probabilities = name in ("soft votes", "31 classes", "missing values")
    report = check(model, need(board), samples, method=method, expected=expected, probabilities=probabilities)
    assert report.perfect, report.disagreements
    assert (report.method, report.samples) == (method, len(samples))


SPECS = {
    "votes": {"leaves": "pure", "n_outputs": 5, "n_trees": 9},
    "pairs": {"n_rows": 60},
    "wide": {"n_features": 70, "n_rows": 4},
    "exact": {"leaves": "sixteenths", "n_rows": 16},
    "values": {"task": "regressor", "n_outputs": 2},
}


@pytest.mark.parametrize(
    ("dtype", "kind", "method"),
    [
        ("int8", "votes", "inline"),
        ("int8", "votes", "loadable"),
        ("uint8", "pairs", "loadable"),
        ("int16", "wide", "loadable"),
        ("int32", "exact", "inline"),
        ("float", "values", "inline"),
        ("int8", "exact", "compact"),
        ("int32", "pairs", "compact"),
        ("float", "wide", "compact"),
    ],
)
def test_extremes_of_every_type_where_int_has_16_bits(dtype: str, kind: str, method: str) -> None:
    """Thresholds and samples at the ends of each type, bit for bit as on this PC."""
    model = Model(models.build(models.Spec(seed=8, dtype=dtype, n_splits=30, **SPECS[kind])))
    samples = models.samples(model.ir, 60, 1)
    report = check(model, need(AVR), samples, method=method, probabilities=model.ir.is_classifier)
    assert report.perfect, report.disagreements


@pytest.mark.parametrize("board", [M4F, M0, AVR])
def test_nan_is_refused_wherever_it_is(board: str) -> None:
    """With nine and more features some cores look at eight of them at a time."""
    n = 19
    x = np.random.default_rng(0).normal(size=(60, n)).astype(np.float32)
    tree = DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] > 0)
    model = milliwatt.convert(tree, name="strict", dtype="float")
    rows = np.repeat(x[:1], n + 3, axis=0)
    rows[np.arange(n), np.arange(n)] = np.nan
    rows[n, :9] = [np.inf, -np.inf] * 4 + [np.inf]  # no NaN, though their sum is one
    rows[n + 1] = -np.float32(np.nan)
    spec = FirmwareSpec(model.ir, "inline", load_board(need(board)), vector=False)
    with built(spec) as images, emulated(spec.board, images.check) as line:
        session = Session(line, spec.expected())
        session.hello()
        statuses = [answer.status for answer in session.predict([row.tobytes() for row in rows])]
    clear = [int(c) for c in model.host.predict(rows[[n, n + 2]])]
    assert statuses == [-3] * n + [clear[0], -3, clear[1]]


@pytest.mark.parametrize("board", [M4F, AVR])
def test_too_few_features_and_other_wrong_calls(board: str, tmp_path: Path) -> None:
    """A program of its own: the rig never calls a model wrongly."""
    source = tmp_path / "src"
    source.mkdir()
    for name, text in calls.wrong_calls().items():
        (source / name).write_text(text, encoding="utf-8")
    (tmp_path / "platformio.ini").write_text(
        f"[env:{need(board)}]\nplatform = symlink://{ROOT}/boards/virtual\nboard = {board}\n"
        f"lib_deps = symlink://{ROOT}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "platformio", "run", "-d", str(tmp_path), "-t", "upload"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nok\n" in done.stdout.replace("\r", "")
