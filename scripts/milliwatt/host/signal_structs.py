"""The structs of signal kernels, filled from the IR, for ctypes; each keeps its tables alive."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, c_double, c_float, c_int8, c_int16, c_int32, c_int64, c_uint8, c_uint16, c_void_p
from functools import lru_cache
from typing import Any

from milliwatt.filters import SectionQ15
from milliwatt.host.kernels import library
from milliwatt.ir.signals import INT16, Fir, Iir, Spectrum, TimeFeature
from milliwatt.signal_cepstrum import Cepstrum
from milliwatt.signal_features import NUMBERS
from milliwatt.signal_mel import MelBank
from milliwatt.signal_spectral import Spectral, spectral


class Shape(ctypes.Structure):
    """``batch_shape``"""

    _fields_ = (("n", c_int64), ("frames", c_int64), ("channels", c_int64))


class Feature(ctypes.Structure):
    """``batch_feature``"""

    _fields_ = (("argument", c_double), ("number", c_int32), ("channels", c_int32 * 3))


class _SectionF32(ctypes.Structure):
    _fields_ = (("b", c_float * 3), ("a", c_float * 2))


class _SectionQ15(ctypes.Structure):
    _fields_ = (
        ("bias", c_int32),
        ("gain", c_int32),
        ("b", c_int16 * 3),
        ("d", c_int16 * 2),
        ("k", c_int8 * 2),
        ("b_shift", c_uint8),
        ("d_shift", c_uint8),
        ("cut", c_uint8),
    )


class _IirF32(ctypes.Structure):
    _fields_ = (("sections", POINTER(_SectionF32)), ("n_sections", c_uint8))


class _IirQ15(ctypes.Structure):
    _fields_ = (("sections", POINTER(_SectionQ15)), ("n_sections", c_uint8), ("out_shift", c_uint8))


class _FirF32(ctypes.Structure):
    _fields_ = (("taps", POINTER(c_float)), ("n_taps", c_uint16), ("decimation", c_uint16))


class _FirQ15(ctypes.Structure):
    _fields_ = (
        ("taps", POINTER(c_int16)),
        ("bias", c_int32),
        ("n_taps", c_uint16),
        ("decimation", c_uint16),
        ("shift", c_uint8),
    )


class _Mel(ctypes.Structure):
    """``mw_mel_float`` and ``mw_mel_integer``"""

    _fields_ = (
        ("bins", c_void_p),
        ("rises", c_void_p),
        ("scales", c_void_p),
        ("length", c_uint16),
        ("first", c_uint16),
        ("n_mels", c_uint16),
    )


class _DctFloat(ctypes.Structure):
    _fields_ = (("factors", c_void_p), ("n_in", c_uint16), ("n_out", c_uint16))


class _DctInteger(ctypes.Structure):
    _fields_ = (*_DctFloat._fields_, ("shift", c_uint8))


_TABLES = tuple((name, c_void_p) for name in ("window", "table", "edges", "mel", "cepstrum"))
_COUNTS = tuple((name, c_uint16) for name in ("length", "first", "n_values", "n_mels"))


class _SpectralF32(ctypes.Structure):
    _fields_ = (
        *_TABLES,
        ("floor", c_float),
        ("rolloff", c_float),
        *_COUNTS,
        *((name, c_uint8) for name in ("order", "values", "magnitude", "logarithm", "centre")),
        ("shape", c_uint8 * 3),
    )


class _SpectralI16(ctypes.Structure):
    _fields_ = (
        *_TABLES,
        ("floor", c_int16),
        ("rolloff", c_uint16),
        *_COUNTS,
        *((name, c_uint8) for name in ("order", "values", "centre")),
        ("shape", c_uint8 * 3),
    )


@lru_cache(maxsize=256)
def iir(stage: Iir, dtype: str) -> Any:
    """``mw_iir_q15`` or ``mw_iir_f32``"""
    if dtype != INT16:
        plain = [_SectionF32((c_float * 3)(*row[:3]), (c_float * 2)(*row[3:])) for row in stage.sections]
        return _IirF32((_SectionF32 * len(plain))(*plain), len(plain))
    rows = [
        _SectionQ15(
            s.bias,
            s.gain,
            (c_int16 * 3)(*s.b),
            (c_int16 * 2)(*s.d),
            (c_int8 * 2)(*s.k),
            s.b_shift,
            s.d_shift,
            s.cut,
        )
        for s in map(SectionQ15.of_row, stage.integers)
    ]
    return _IirQ15((_SectionQ15 * len(rows))(*rows), len(rows), stage.out_shift)


@lru_cache(maxsize=256)
def fir(stage: Fir, dtype: str) -> Any:
    """``mw_fir_q15`` or ``mw_fir_f32``"""
    count = len(stage.taps)
    if dtype != INT16:
        return _FirF32((c_float * count)(*reversed(stage.taps)), count, stage.decimation)
    taps = (c_int16 * count)(*reversed(stage.integers))
    return _FirQ15(taps, (1 << stage.shift) >> 1, count, stage.decimation, stage.shift)


@lru_cache(maxsize=256)
def spectrum(stage: Spectrum, dtype: str) -> tuple[Any, Spectral]:
    """``mw_spectral_i16`` or ``mw_spectral_f32``, and what it is made of."""
    made, is_integer = spectral(stage, dtype), dtype == INT16
    number = c_int16 if is_integer else c_float
    struct: Any = _SpectralI16() if is_integer else _SpectralF32()
    kept = {
        "window": _array(number, made.window),
        "edges": _array(c_uint16, made.edges or None),
        "mel": _mel(made.bank, is_integer) if made.bank else None,
        "cepstrum": _dct(made.dct, is_integer) if made.dct else None,
    }
    for name, table in kept.items():
        setattr(struct, name, None if table is None else ctypes.addressof(table))
    struct.kept = kept
    struct.table = library().batch_table(made.order, int(is_integer))
    for name in ("length", "first", "n_values", "n_mels", "order", "values"):
        setattr(struct, name, getattr(made, name))
    struct.centre, struct.shape = int(made.centre), (c_uint8 * 3)(*made.shape)
    if is_integer:
        struct.floor, struct.rolloff = int(made.floor), int(made.rolloff)
    else:
        struct.floor, struct.rolloff = made.floor, made.rolloff
        struct.magnitude, struct.logarithm = int(made.magnitude), made.logarithm
    return struct, made


def features(wanted: Sequence[TimeFeature]) -> Any:
    """An array of ``batch_feature``."""
    rows = []
    for feature in wanted:
        places = (c_int32 * 3)(*feature.channels)
        rows.append(Feature(feature.argument, NUMBERS[feature.name], places))
    return (Feature * len(rows))(*rows)


def _array(number: Any, values: Sequence[float] | None) -> Any:
    return None if values is None else (number * len(values))(*values)


def _mel(bank: MelBank, is_integer: bool) -> Any:
    rises = _array(c_uint16, bank.integer_rises()) if is_integer else _array(c_float, bank.rises)
    scales = None
    if bank.scales:
        scales = _array(c_int32, bank.integer_scales()) if is_integer else _array(c_float, bank.scales)
    bins = _array(c_uint16, bank.bins)
    struct: Any = _Mel(
        ctypes.addressof(bins),
        ctypes.addressof(rises),
        None if scales is None else ctypes.addressof(scales),
        bank.length,
        bank.first,
        bank.n_mels,
    )
    struct.kept = (bins, rises, scales)
    return struct


def _dct(dct: Cepstrum, is_integer: bool) -> Any:
    packed, shift = dct.packed_integers() if is_integer else (dct.packed(), 0)
    factors = _array(c_int16 if is_integer else c_float, packed)
    sizes = (ctypes.addressof(factors), dct.n_in, len(dct.rows))
    struct: Any = _DctInteger(*sizes, shift) if is_integer else _DctFloat(*sizes)
    struct.kept = factors
    return struct
