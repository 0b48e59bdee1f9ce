"""How features become the integers of a network's first tensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milliwatt.ir.network import Dense, Network, Reshape
from milliwatt.ir.network_grids import BYTE, WORD
from milliwatt.ir.network_integers import InputMap
from milliwatt.ir.validate_integers import MOST_OFF, MOST_SCALE
from milliwatt.passes.grids import SPARE

Floats = NDArray[np.float64]
_FINEST = 2.0**-24  # part of a feature's largest number: there is nothing between two float32 to tell apart
_WORTH = 2.0  # features that are not rounded are worth weights that are twice as coarse


def map_input(
    model: Network, features: Floats, bits: int, limit: int = WORD[1], *, apart: bool = True
) -> InputMap:
    """The map with the finest steps in which calibration data fit; exact for integers where they fit as such.

    Each feature has a step and a zero of its own where only dense layers read them: their weights make up for
    it. Images have one of both.

    Args:
        features: calibration data as the device takes them, shape (rows, features).
        limit: the largest integer (16 bits).
        apart: weights can make up for a step a feature: they are not kept as a file has them.
    """
    each = apart and _only_dense_layers_read_it(model)
    axis = 0 if each else None
    low, high = np.atleast_1d(features.min(axis=axis)), np.atleast_1d(features.max(axis=axis))
    if not each:  # a frame of zeros may come to lie around an image
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    # All features: a single one may be whole by chance, or in the calibration data alone.
    whole = np.full(len(low), bool((features == np.rint(features)).all()))
    if bits == 8:
        alike = not each or _weights_are_alike(model, high - low)
        unit, zero = _bytes(model.dtype, low, high, whole, alike=alike)
        lowest, highest = BYTE
    else:
        unit, zero = _words(model.dtype, low, high, whole, limit, each=each)
        reach = _reach(low, high, limit) if (unit == 1.0).all() and (zero == 0.0).all() else limit
        lowest, highest = -reach, reach
    if model.dtype != "float":
        return _of_integers(model, bits, unit, zero, (lowest, highest), low)
    unit, zero = _merged(unit, zero)
    return InputMap(bits, tuple(unit.tolist()), tuple(int(z) for z in zero), lowest, highest)


def _only_dense_layers_read_it(model: Network) -> bool:
    seen = {0}
    for index, layer in enumerate(model.layers):
        if not seen & set(layer.inputs):
            continue
        if isinstance(layer, Reshape):
            seen.add(index + 1)
        elif not isinstance(layer, Dense):
            return False
    return True


def _weights_are_alike(model: Network, span: Floats) -> bool:
    """Integer weights do as well by features as they are as by features with a step each.

    The largest weight of an output decides the step of all its weights; half a step is what each is off. Of
    a feature of 0 or 1 beside one of 0 to 200, trained weights are of very different size.
    """
    scale = np.asarray(model.scale) if model.scale else np.ones(1)
    plain, apart = 0.0, 0.0
    for layer in model.layers:
        if isinstance(layer, Dense) and layer.n_in == len(span):
            weights = np.abs(np.asarray(layer.weights.numbers(), dtype=np.float64)).reshape(
                layer.weights.shape
            )
            weights = weights / np.broadcast_to(scale, span.shape)[:, np.newaxis]
            plain += float(weights.max(axis=0).sum() * np.sqrt((span**2).sum()))
            apart += float((weights * span[:, np.newaxis]).max(axis=0).sum() * np.sqrt(len(span)))
            break  # the first one: it reads the input
    return plain <= _WORTH * apart


def _bytes(
    dtype: str, low: Floats, high: Floats, whole: NDArray[np.bool_], *, alike: bool
) -> tuple[Floats, Floats]:
    """Units and zeros of bytes, in the features' own units; ``alike``: see :func:`_weights_are_alike`."""
    if alike and dtype in ("uint8", "int8"):
        return np.ones(len(low)), np.full(len(low), 0.0 if dtype == "uint8" else 128.0)
    # A unit is also what weights are multiplied with: one that is far larger than the others, of a feature
    # that never changes or is 0 or 1, would leave the other weights no integers. So all are exact, or none.
    varies = high > low
    usual = float(np.median((high - low)[varies])) if varies.any() else 1.0
    span = np.where(varies, high - low, usual)
    exact = np.full(len(low), alike and bool((whole & (span <= BYTE[1])).all()))
    unit = np.where(exact, 1.0, _no_finer_than_floats(span / BYTE[1], low, high))
    natural = exact & (low >= 0) & (high <= BYTE[1])  # as they are
    return unit, np.where(natural, 0.0, np.rint(-low / unit))


def _words(
    dtype: str, low: Floats, high: Floats, whole: NDArray[np.bool_], limit: int, *, each: bool
) -> tuple[Floats, Floats]:
    """Units and zeros of 16 bits. Around images lie zeros, so that theirs is 0."""
    most = np.maximum(np.abs(low), np.abs(high))
    exact = whole & (most <= limit)
    if dtype in ("uint8", "int8", "int16") and limit == WORD[1]:
        exact = np.full(len(low), True)
    spare = SPARE if dtype == "float" else 1.0  # integers end at the type's ends anyway
    span = spare * np.where(high > low, (high - low) / 2, 1.0)
    if each:
        unit = np.where(exact, 1.0, _no_finer_than_floats(span / limit, low, high))
        return unit, np.where(exact, 0.0, np.rint(-(low + high) / 2 / unit))
    unit = spare * np.where(most > 0, most, 1.0) / limit
    return np.where(exact, 1.0, _no_finer_than_floats(unit, low, high)), np.zeros(len(low))


def _no_finer_than_floats(unit: Floats, low: Floats, high: Floats) -> Floats:
    """Units whose zeros stay small however far from 0 the features are."""
    least = np.maximum(np.maximum(np.abs(low), np.abs(high)) * _FINEST, np.finfo(np.float32).tiny)
    return np.asarray(np.maximum(unit, least))


def _reach(low: Floats, high: Floats, limit: int) -> int:
    """How far integers that are features reach: four times as far as calibration data.

    More would take bits from sums, which are proven for all that may come.
    """
    most = int(max(np.abs(low).max(), np.abs(high).max(), 1.0))
    return min(limit, 4 << most.bit_length())


def _merged(unit: Floats, zero: Floats) -> tuple[Floats, Floats]:
    """One of each where they are all equal."""
    if (unit == unit[0]).all() and (zero == zero[0]).all():
        return unit[:1], zero[:1]
    return unit, zero


def _of_integers(
    model: Network, bits: int, unit: Floats, zero: Floats, bounds: tuple[int, int], low: Floats
) -> InputMap:
    """The map of integer features: products and a shift."""
    own = np.asarray(model.scale) if model.scale else np.ones(1)
    if (unit == 1.0).all() and (zero == 0.0).all():
        units, zeros = _merged(1.0 / own, np.zeros(len(own)))
        return InputMap(bits, tuple(units.tolist()), tuple(int(z) for z in zeros), *bounds)
    shift = 0
    while shift < 15 and (np.rint(2.0 ** (shift + 1) / unit) <= MOST_SCALE).all():
        shift += 1
    factor = np.rint(2.0**shift / unit).clip(1, MOST_SCALE)
    exact = 2.0**shift / factor  # the unit that the factor makes
    zero = np.where(exact == unit, zero, np.rint(-low / exact) if bits == 8 else np.rint(zero * unit / exact))
    offset = (zero * 2.0**shift + (1 << shift >> 1)).clip(-MOST_OFF, MOST_OFF)
    real = exact / own if len(own) > 1 or len(exact) > 1 else exact / own[0]
    n = max(len(real), len(exact))
    if n > 1 and (real == real[0]).all() and (factor == factor[0]).all() and (offset == offset[0]).all():
        n = 1
    wide = (np.broadcast_to(values, max(n, len(values)))[:n] for values in (real, zero, factor, offset))
    real, zero, factor, offset = wide
    return InputMap(
        bits,
        tuple(real.tolist()),
        tuple(int(z) for z in zero),
        *bounds,
        tuple(int(f) for f in factor),
        tuple(int(o) for o in offset),
        shift,
    )
