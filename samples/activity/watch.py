"""The smartwatch recordings that come with PyPI's ``seglearn``, cut into windows by person.

    python watch.py DIR    the acceleration of each recording as CSV: DIR/<exercise>/<person>-<number>.csv

Ten people did seven shoulder exercises with either arm, a watch on the wrist: 140 recordings of six
axes at 50 Hz, acceleration in g and angular rate in rad/s. See the README for the paper to cite.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE_HZ = 50
WINDOW = 2 * RATE_HZ  # samples
AXES = ("ax", "ay", "az", "wx", "wy", "wz")

# What an inertial sensor set to ±8 g and ±2000 °/s delivers (an MPU-6050, for one): the data set
# holds g and rad/s, its fastest movements reach 5.8 g and 1660 °/s.
COUNTS_PER_G = 4096.0
COUNTS_PER_DEGREE_PER_SECOND = 16.4

Int16Array = npt.NDArray[np.int16]

# The last three people as the data set numbers them, fixed before anything was trained. No choice
# about features or forest was made by looking at them.
HELD_OUT = (8, 9, 10)

# Training windows overlap by half, for more examples. Held-out windows do not, so that no second
# counts twice.
TRAINING_STEP = WINDOW // 2
HELD_OUT_STEP = WINDOW

# The data are a pickle, which runs code when loaded: only this one is (seglearn 1.2.5).
_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"


@dataclass(frozen=True)
class Recording:
    """One person doing one exercise with one arm."""

    person: int
    exercise: str
    counts: Int16Array  # (n, 6), sensor counts

    @property
    def acceleration(self) -> Int16Array:
        """Shape (n, 3): what the sample's model takes."""
        return np.ascontiguousarray(self.counts[:, :3])


@dataclass(frozen=True)
class Windows:
    """Windows of several recordings, one row each in every array."""

    counts: Int16Array  # (m, 100, 6)
    exercise: npt.NDArray[np.str_]
    person: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.person)


def load_dataset() -> list[Recording]:
    """All 140 recordings, in the data set's order."""
    data = _read()
    names = data["y_labels"]
    return [
        Recording(int(person), str(names[exercise]), to_counts(motion))
        for motion, exercise, person in zip(data["X"], data["y"], data["subject"], strict=True)
    ]


def to_counts(motion: npt.NDArray[np.floating[Any]]) -> Int16Array:
    """Acceleration in g and angular rate in rad/s, shape (n, 6), as a sensor's int16 counts."""
    gyro = COUNTS_PER_DEGREE_PER_SECOND * 180.0 / np.pi
    scale = np.array([COUNTS_PER_G] * 3 + [gyro] * 3)
    counts: Int16Array = np.clip(np.rint(motion * scale), -32768, 32767).astype(np.int16)
    return counts


def windows_of(counts: Int16Array, step: int) -> Int16Array:
    """All whole windows of a recording, one starting every ``step`` samples: (m, WINDOW, 6)."""
    starts = range(0, len(counts) - WINDOW + 1, step)
    if not starts:
        return np.empty((0, WINDOW, len(AXES)), dtype=np.int16)
    return np.stack([counts[start : start + WINDOW] for start in starts])


def training(recordings: Iterable[Recording]) -> Windows:
    """Windows of the seven people the model learns from."""
    return _cut((r for r in recordings if r.person not in HELD_OUT), TRAINING_STEP)


def held_out(recordings: Iterable[Recording]) -> Windows:
    """Windows of the three people the model never sees."""
    return _cut((r for r in recordings if r.person in HELD_OUT), HELD_OUT_STEP)


def _cut(recordings: Iterable[Recording], step: int) -> Windows:
    chosen = list(recordings)
    cut = [windows_of(r.counts, step) for r in chosen]
    lengths = [len(windows) for windows in cut]
    counts = np.concatenate(cut)
    return Windows(
        counts=counts,
        exercise=np.repeat([r.exercise for r in chosen], lengths),
        person=np.repeat(np.array([r.person for r in chosen], dtype=np.int64), lengths),
    )


def write_csv(directory: Path, recordings: Iterable[Recording]) -> None:
    """A file a recording: a column an axis, a line a sample."""
    taken: dict[tuple[str, int], int] = {}
    for recording in recordings:
        who = (recording.exercise, recording.person)
        taken[who] = taken.get(who, 0) + 1
        path = directory / recording.exercise / f"{recording.person}-{taken[who]}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(AXES[:3])
            writer.writerows(recording.acceleration.tolist())


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


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say into which directory: python watch.py DIR")
    write_csv(Path(sys.argv[1]), load_dataset())
