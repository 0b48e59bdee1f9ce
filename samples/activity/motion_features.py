"""From two seconds of motion to 24 numbers, in integers only.

``src/motion_features.c`` computes the same on the microcontroller; a test holds the two together, bit for
bit. Both follow these definitions. For each axis, of the window's 100 samples ``x``:

==================  ==========================================================  ============
feature             definition                                                  range
==================  ==========================================================  ============
``<axis>_mean``     ``sum(x) / 100``, rounded towards zero                      int16
``<axis>_mad``      ``sum(|x - mean|) / 100``, rounded down                     0 … 32767
``<axis>_swing``    ``(max(x) - min(x)) / 2``, rounded down                     0 … 32767
``<axis>_cross``    how often ``x >= mean`` differs from one sample to the next  0 … 99
==================  ==========================================================  ============

The mean says which way is down, hence how the arm is held; the mean absolute deviation and the
swing say how strongly it moves; the crossings say how fast it goes back and forth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

RATE_HZ = 50
WINDOW = 2 * RATE_HZ  # samples
AXES = ("ax", "ay", "az", "wx", "wy", "wz")
PER_AXIS = ("mean", "mad", "swing", "cross")
NAMES = tuple(f"{axis}_{feature}" for axis in AXES for feature in PER_AXIS)

# What an inertial sensor set to ±8 g and ±2000 °/s delivers (an MPU-6050, for one): the data set
# holds g and rad/s, its fastest movements reach 5.8 g and 1660 °/s.
COUNTS_PER_G = 4096.0
COUNTS_PER_DEGREE_PER_SECOND = 16.4

Int16Array = npt.NDArray[np.int16]


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


def compute(windows: Int16Array) -> Int16Array:
    """The features of windows (m, WINDOW, 6): (m, 24), in the order of :data:`NAMES`."""
    x = windows.astype(np.int32)
    total = x.sum(axis=1)
    mean = np.sign(total) * (np.abs(total) // WINDOW)
    centred = x - mean[:, np.newaxis, :]
    mad = np.abs(centred).sum(axis=1) // WINDOW
    swing = (x.max(axis=1) - x.min(axis=1)) // 2
    above = centred >= 0
    cross = (above[:, 1:] != above[:, :-1]).sum(axis=1)
    per_axis = np.stack([mean, mad, swing, cross], axis=2)
    return per_axis.reshape(len(windows), len(NAMES)).astype(np.int16)
