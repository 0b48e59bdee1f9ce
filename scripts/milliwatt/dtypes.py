"""The feature types a model can take on the device, and their exact arithmetic.

scikit-learn compares ``x <= t`` with ``x`` rounded to float32 and ``t`` a float64. Everything here
keeps that comparison's answer while making ``t`` a constant of the device's own type:

* float32: ``t`` rounded towards minus infinity, since no float32 lies between the two;
* integers: the largest integer whose float32 image is ``<= t`` (``floor(t)`` below 2**24, and
  above that the float32 rounding of ``x`` itself has to be followed).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

FLOAT32_MAX = 3.4028234663852886e38
_EXACT_INTEGERS = 1 << 24  # up to here every integer is a float32


@dataclass(frozen=True)
class FeatureType:
    """A feature type: its option name, C spelling and, for integers, its range."""

    name: str
    c_type: str
    size: int
    low: int = 0
    high: int = 0

    @property
    def is_integer(self) -> bool:
        return self.name != "float"


FEATURE_TYPES: dict[str, FeatureType] = {
    t.name: t
    for t in (
        FeatureType("float", "float", 4),
        FeatureType("int8", "int8_t", 1, -(1 << 7), (1 << 7) - 1),
        FeatureType("uint8", "uint8_t", 1, 0, (1 << 8) - 1),
        FeatureType("int16", "int16_t", 2, -(1 << 15), (1 << 15) - 1),
        FeatureType("int32", "int32_t", 4, -(1 << 31), (1 << 31) - 1),
    )
}


def float32_bits(value: float) -> int:
    """The IEEE 754 image of a float32 as an unsigned integer."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def float32_from_bits(bits: int) -> float:
    """The float32 with that image, as a Python float."""
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def float32_key(value: float) -> int:
    """The signed integer whose order is the order of float32 values (-0 just below +0).

    Flipping the magnitude bits of negative floats makes sign-magnitude two's complement
    (Herf, "Radix tricks", 2001). ``include/milliwatt/trees.h`` computes the same on the device.
    """
    bits = float32_bits(value)
    return bits if bits < 0x8000_0000 else (bits ^ 0x7FFF_FFFF) - (1 << 32)


def threshold_key(threshold: float) -> int:
    """The key of a threshold: -0 counts as +0, so that both zeros are ``<=`` it."""
    return float32_key(threshold + 0.0)


def float32_from_key(key: int) -> float:
    """The inverse of :func:`float32_key`."""
    return float32_from_bits(key if key >= 0 else (key + (1 << 32)) ^ 0x7FFF_FFFF)


def is_float32(value: float) -> bool:
    """True when the value survives a trip through float32 unchanged."""
    if abs(value) > FLOAT32_MAX:
        return abs(value) == math.inf  # said of huge ints too, which are no float at all
    return float32_from_bits(float32_bits(value)) == value


def floor_float32(value: float) -> float:
    """The largest float32 ``<= value``; never -0, so that its integer image orders correctly."""
    if math.isinf(value):
        return value
    if value > FLOAT32_MAX:
        return FLOAT32_MAX
    if value < -FLOAT32_MAX:
        return -math.inf
    nearest = float32_from_bits(float32_bits(value))
    if nearest > value:
        nearest = float32_from_key(float32_key(nearest) - 1)
    return nearest + 0.0


def floor_integer(threshold: float) -> int | float:
    """The largest integer ``n`` with ``float32(n) <= threshold`` (infinite thresholds stay)."""
    t = floor_float32(threshold)
    if math.isinf(t):
        return t
    if abs(t) < _EXACT_INTEGERS:
        return math.floor(t)
    # Beyond 2**24 integers round to even floats: up to halfway to the next float still counts,
    # halfway itself only when t's significand is even.
    key = float32_key(t)
    above = float32_from_key(key + 1)
    if math.isinf(above):
        above = 2.0**128
    half = (int(t) + int(above)) // 2
    exact_half = (int(t) + int(above)) % 2 == 0
    ties_to_t = float32_bits(t) % 2 == 0
    return half if (ties_to_t or not exact_half) else half - 1
