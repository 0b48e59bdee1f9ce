"""Thresholds as constants of the device's type: against brute force with numpy."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milliwatt.dtypes import (
    FEATURE_TYPES,
    FLOAT32_MAX,
    float32_bits,
    float32_from_bits,
    float32_from_key,
    float32_key,
    floor_float32,
    floor_integer,
    is_float32,
    threshold_key,
)
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.passes.feature_type import Decision, set_feature_type

TINY = 2.0**-149
INT32 = FEATURE_TYPES["int32"]

any_double = st.floats(allow_nan=False, width=64)
any_float32 = st.floats(allow_nan=False, width=32)
edges = st.sampled_from(
    [0.0, -0.0, TINY, -TINY, TINY / 2, -TINY / 2, 5e-324, -5e-324, 2.0**-126, -(2.0**-126)]
    + [2.0**24 + k for k in range(-3, 4)]
    + [-(2.0**24) + k for k in range(-3, 4)]
    + [FLOAT32_MAX, -FLOAT32_MAX, math.nextafter(FLOAT32_MAX, math.inf), 1e300, -1e300, math.inf, -math.inf]
    + [math.nextafter(-FLOAT32_MAX, -math.inf), 0.1, -0.1, 0.5, -0.5]
)
near_float32 = st.builds(
    lambda value, step: value if step == 0 else math.nextafter(value, step * math.inf),
    any_float32,
    st.sampled_from([-1, 0, 1]),
)
thresholds = st.one_of(any_double, edges, near_float32)


@given(thresholds, any_float32)
@example(0.0, -0.0)
@example(-0.0, 0.0)
@example(-TINY / 2, -0.0)
def test_floor_float32_keeps_every_comparison(t: float, x: float) -> None:
    assert (x <= floor_float32(t)) == (x <= t)


@given(thresholds)
def test_floor_float32_is_the_largest_below(t: float) -> None:
    floored = floor_float32(t)
    assert is_float32(floored)
    assert floored <= t
    assert math.copysign(1.0, floored) == 1.0 or floored != 0.0, "never -0"
    if floored < math.inf:
        with np.errstate(over="ignore"):
            above = float(np.nextafter(np.float32(floored), np.float32(np.inf)))
        assert above > t


@given(st.lists(thresholds, min_size=1, max_size=20))
def test_the_numpy_pass_floors_as_the_function_does(values: list[float]) -> None:
    n = len(values)
    tree = Tree(0, (0,) * n, tuple(values), (*range(1, n), -1), (-1,) * n)
    model = TreeEnsemble("regressor", 1, (tree,), ((0.0,),))
    floored = set_feature_type(model, Decision("float", "")).trees[0].threshold
    bits = [struct.pack("<d", value) for value in floored]
    assert bits == [struct.pack("<d", floor_float32(value)) for value in values]


@given(any_float32, any_float32)
@example(-0.0, 0.0)
def test_keys_order_as_floats(a: float, b: float) -> None:
    if a != b:
        assert (float32_key(a) < float32_key(b)) == (a < b)
    assert -(1 << 31) <= float32_key(a) < 1 << 31
    assert (threshold_key(a) >= float32_key(b)) == (b <= a)


@given(st.integers(0, 2**32 - 1))
def test_bits_and_keys_come_back(bits: int) -> None:
    value = float32_from_bits(bits)
    if value == value:
        assert float32_bits(value) == bits
        assert float32_bits(float32_from_key(float32_key(value))) == bits
        assert is_float32(value)


@given(any_double)
def test_is_float32_as_numpy_says(value: float) -> None:
    with np.errstate(over="ignore", under="ignore"):
        assert is_float32(value) == (float(np.float32(value)) == value)


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**128, 2**128 - 1, math.nan, 2**24 + 1])
def test_what_is_no_float32(value: float) -> None:
    assert not is_float32(value)


@pytest.mark.parametrize("value", [0, 2**24, -(2**24), 2**127, math.inf, -math.inf])
def test_what_is_a_float32(value: float) -> None:
    assert is_float32(value)


def _goes_left(n: int, t: float) -> bool:
    """scikit-learn's test of an integer feature."""
    return bool(np.float64(np.float32(n)) <= np.float64(t))


integer_edges = st.sampled_from(
    [INT32.low, INT32.low + 1, INT32.high, INT32.high - 1, 0, 1, -1]
    + [sign * 2**power + k for power in (24, 25, 30) for k in range(-5, 6) for sign in (-1, 1)]
)
integers = st.one_of(integer_edges, st.integers(INT32.low, INT32.high))


@given(
    st.one_of(
        thresholds,
        integers.map(float),
        integers.map(lambda n: n + 0.5),
        integers.map(np.float32).map(float),
    ),
    integers,
    st.integers(-300, 300),
)
def test_floor_integer_keeps_every_comparison(t: float, n: int, step: int) -> None:
    floored = floor_integer(t)
    assert (n <= floored) == _goes_left(n, t)
    if math.isfinite(floored):
        for near in (int(floored), int(floored) + 1, int(floored) + step):
            if INT32.low <= near <= INT32.high:
                assert (near <= floored) == _goes_left(near, t), near


@pytest.mark.parametrize("centre", [2**24, 2**25, 2**26, -(2**24), -(2**25), 2**30, INT32.high, INT32.low])
def test_floor_integer_by_brute_force_where_float32_rounds(centre: int) -> None:
    """Every threshold that float32 knows near there, every integer near there: ties included."""
    numbers = np.arange(max(centre - 700, INT32.low), min(centre + 700, INT32.high) + 1)
    images = numbers.astype(np.float32).astype(np.float64)
    for t in np.unique(images):
        for threshold in (t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf), t + 0.5, t - 0.5):
            left = images <= threshold
            assert ((numbers <= floor_integer(float(threshold))) == left).all(), threshold


def test_floor_integer_of_infinities() -> None:
    assert floor_integer(math.inf) == math.inf
    assert floor_integer(-math.inf) == -math.inf
    assert floor_integer(FLOAT32_MAX) >= INT32.high
    assert floor_integer(-1e300) == -math.inf
