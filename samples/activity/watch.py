"""The smartwatch recordings that come with PyPI's ``seglearn``, cut into windows by person.

Ten people did seven shoulder exercises with either arm, a watch on the wrist: 140 recordings of six
axes at 50 Hz, acceleration in g and angular rate in rad/s. See the README for the paper to cite.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import motion_features as features
import numpy as np
import numpy.typing as npt

# The last three people as the data set numbers them, fixed before anything was trained. No choice
# about features or forest was made by looking at them.
HELD_OUT = (8, 9, 10)

# Training windows overlap by half, for more examples. Held-out windows do not, so that no second
# counts twice.
TRAINING_STEP = features.WINDOW // 2
HELD_OUT_STEP = features.WINDOW

# The data are a pickle, which runs code when loaded: only this one is (seglearn 1.2.5).
_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"


@dataclass(frozen=True)
class Recording:
    """One person doing one exercise with one arm."""

    person: int
    exercise: str
    counts: features.Int16Array  # (n, 6), sensor counts


@dataclass(frozen=True)
class Windows:
    """Windows of several recordings, one row each in every array."""

    counts: features.Int16Array  # (m, 100, 6)
    features: features.Int16Array  # (m, 24)
    exercise: npt.NDArray[np.str_]
    person: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)


def load_dataset() -> list[Recording]:
    """All 140 recordings, in the data set's order."""
    data = _read()
    names = data["y_labels"]
    return [
        Recording(int(person), str(names[exercise]), features.to_counts(motion))
        for motion, exercise, person in zip(data["X"], data["y"], data["subject"], strict=True)
    ]


def training(recordings: Iterable[Recording]) -> Windows:
    """Windows of the seven people the model learns from."""
    return _cut((r for r in recordings if r.person not in HELD_OUT), TRAINING_STEP)


def held_out(recordings: Iterable[Recording]) -> Windows:
    """Windows of the three people the model never sees."""
    return _cut((r for r in recordings if r.person in HELD_OUT), HELD_OUT_STEP)


def _cut(recordings: Iterable[Recording], step: int) -> Windows:
    chosen = list(recordings)
    cut = [features.windows_of(r.counts, step) for r in chosen]
    lengths = [len(windows) for windows in cut]
    counts = np.concatenate(cut)
    return Windows(
        counts=counts,
        features=features.compute(counts),
        exercise=np.repeat([r.exercise for r in chosen], lengths),
        person=np.repeat(np.array([r.person for r in chosen], dtype=np.int64), lengths),
    )


def _read() -> dict[str, Any]:
    """What ``seglearn.datasets.load_watch()`` returns, without importing the package.

    Importing seglearn 1.2.5 needs pandas, which it does not declare; the data do not.
    """
    package = importlib.util.find_spec("seglearn")
    if package is None or package.origin is None:
        raise SystemExit("The data set is not installed. Type: pip install seglearn==1.2.5")
    path = Path(package.origin).parent / "data" / "watch_dataset.npy"
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != _SHA256:
        raise SystemExit(f"{path}: not the data of seglearn 1.2.5. Type: pip install seglearn==1.2.5")
    data: dict[str, Any] = np.load(io.BytesIO(raw), allow_pickle=True).item()
    return data
