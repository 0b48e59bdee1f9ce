"""From two seconds of motion to 24 numbers, in integers only.

For each axis, of the window's 100 samples ``x``:

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

import numpy as np
import numpy.typing as npt

WINDOW = 100
AXES = ("ax", "ay", "az", "wx", "wy", "wz")
PER_AXIS = ("mean", "mad", "swing", "cross")
NAMES = tuple(f"{axis}_{feature}" for axis in AXES for feature in PER_AXIS)

Int16Array = npt.NDArray[np.int16]


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
