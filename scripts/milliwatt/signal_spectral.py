"""From an IR ``Spectrum`` to the structs of ``<milliwatt/spectral.h>``: their fields and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.c_text import array, float_literal, integer
from milliwatt.ir.signals import (
    BANDS,
    BINS,
    CEPSTRUM,
    INT16,
    LOGARITHMS,
    MAGNITUDE,
    MEL,
    NOTHING,
    SPECTRAL_SHAPES,
    VALUES,
    Spectrum,
)
from milliwatt.signal_cepstrum import Cepstrum, cepstrum
from milliwatt.signal_mel import MelBank, mel_bank
from milliwatt.signal_windows import window_f32, window_q15

CEPSTRUM_UNIT = 64  # of INT16: cepstra are in 1/64 of log2, logarithms of energies in 1/256
_ENUMERATORS = {NOTHING: 0, BINS: 1, BANDS: 2, MEL: 3, CEPSTRUM: 4}
assert set(_ENUMERATORS) == set(VALUES)


@dataclass(frozen=True)
class Spectral:
    """Fields of ``mw_spectral_f32`` or ``mw_spectral_i16``; what is left out of ``chosen`` is not computed.

    Attributes:
        dtype: of the stream.
        order: ``n_fft`` is 2^order.
        window: ``length`` weights, floats or in 2^-15; None: all 1.
        values, logarithm, shape: enumerators.
        edges, bank, dct: tables, where ``values`` needs them.
        floor: of energies; INT16: of log2 in 1/256.
        rolloff: a share; INT16: in 2^-16.
        first, n_values, n_mels: counts, ``n_values`` without ``shape``.
        picked: places in what the C function gives that are the stage's values; empty: all, as they are.
    """

    dtype: str
    order: int
    length: int
    window: tuple[float, ...] | tuple[int, ...] | None
    values: int
    magnitude: bool
    logarithm: int
    centre: bool
    shape: tuple[int, ...]
    edges: tuple[int, ...]
    bank: MelBank | None
    dct: Cepstrum | None
    floor: float
    rolloff: float
    first: int
    n_values: int
    n_mels: int
    picked: tuple[int, ...]

    @property
    def n_out(self) -> int:
        """Numbers that the C function writes, a frame and channel."""
        return self.n_values + len(self.shape)

    @property
    def n_fft(self) -> int:
        return 1 << self.order

    @property
    def fft_table(self) -> str:
        """The name of the library's table."""
        return f"mw_fft_table_{self.n_fft}_{'i32' if self.dtype == INT16 else 'f32'}"


def spectral(stage: Spectrum, dtype: str) -> Spectral:
    """What C needs to know of a stage.

    Raises:
        MilliwattError: what ``mel_bank`` and ``cepstrum`` refuse, and windows that there are not.
    """
    is_integer = dtype == INT16
    n_plain = stage.n_all - len(stage.shape)
    chosen = stage.chosen or tuple(range(stage.n_all))
    plain = [index for index in chosen if index < n_plain]
    low, end = (plain[0], plain[-1] + 1) if plain else (0, 0)
    if stage.values == CEPSTRUM:
        low -= low % 2  # coefficients are computed in pairs
    values = stage.values if plain else NOTHING
    shapes = [index - n_plain for index in chosen if index >= n_plain]
    order = [*(index - low for index in plain), *range(end - low, end - low + len(shapes))]
    bank = _bank(stage, values, low, end)
    return Spectral(
        dtype=dtype,
        order=stage.n_fft.bit_length() - 1,
        length=stage.length,
        window=_window(stage, is_integer),
        values=_ENUMERATORS[values],
        magnitude=stage.quantity == MAGNITUDE,
        logarithm=LOGARITHMS.index(stage.logarithm),
        centre=stage.centre,
        shape=tuple(1 + SPECTRAL_SHAPES.index(stage.shape[index]) for index in shapes),
        edges=stage.edges[low : end + 1] if values == BANDS else (),
        bank=bank,
        dct=_dct(stage, is_integer, low, end) if values == CEPSTRUM else None,
        floor=integer_floor(stage.floor) if is_integer else stage.floor,
        rolloff=min(65535, round(stage.rolloff * 65536)) if is_integer else stage.rolloff,
        first=low if values == BINS else 0,
        n_values=end - low,
        n_mels=bank.n_mels if bank else 0,
        picked=() if order == list(range(end - low + len(shapes))) else tuple(order),
    )


def integer_floor(floor: float) -> int:
    """A floor of energies as log2 in 1/256, as INT16 has it."""
    return max(-32768, min(32767, math.floor(256.0 * math.log2(floor) + 0.5))) if floor > 0.0 else -32768


def _window(stage: Spectrum, is_integer: bool) -> tuple[float, ...] | tuple[int, ...] | None:
    if stage.window == "boxcar":
        return None
    made: Sequence[float] = (window_q15 if is_integer else window_f32)(stage.window, stage.length)
    return tuple(made)


def _bank(stage: Spectrum, values: str, low: int, end: int) -> MelBank | None:
    if values not in (MEL, CEPSTRUM):
        return None
    bank = mel_bank(
        stage.rate,
        stage.n_fft,
        stage.n_mels,
        fmin=stage.fmin,
        fmax=stage.fmax or None,
        scale=stage.mel_scale,
        norm=stage.mel_norm,
    )
    return bank.part(low, end) if values == MEL else bank


def _dct(stage: Spectrum, is_integer: bool, low: int, end: int) -> Cepstrum:
    gain = CEPSTRUM_UNIT / 256 if is_integer else 1.0
    whole = cepstrum(stage.n_mels, end, norm=stage.cepstrum_norm, lifter=stage.lifter, gain=gain)
    return Cepstrum(whole.rows[low:])


def spectral_tables(made: Spectral, name: str) -> str:
    """C that defines the constant struct ``name`` and its tables."""
    is_integer = made.dtype == INT16
    kind, bank_kind = ("i16", "integer") if is_integer else ("f32", "float")
    text, window, edges, mel, dct = "", "NULL", "NULL", "NULL", "NULL"
    if made.window is not None:
        window = f"{name}_window"
        numbers = map(str if is_integer else float_literal, made.window)
        text += array("int16_t" if is_integer else "float", window, numbers)
    if made.edges:
        edges = f"{name}_edges"
        text += array("uint16_t", edges, (f"{edge}U" for edge in made.edges))
    if made.bank:
        mel = f"&{name}_mel"
        text += getattr(made.bank, f"c_{bank_kind}")(f"{name}_mel")
    if made.dct:
        dct = f"&{name}_dct"
        text += getattr(made.dct, f"c_{bank_kind}")(f"{name}_dct")
    shape = "{" + ", ".join(str(code) for code in (*made.shape, 0, 0, 0)[:3]) + "}"
    counts = f"{made.length}, {made.first}, {made.n_values}, {made.n_mels}"
    if is_integer:
        values = f"{integer(int(made.floor), 16)}, {made.rolloff}, {counts}, "
        values += f"{made.order}, {made.values}, {int(made.centre)}"
    else:
        values = f"{float_literal(made.floor)}, {float_literal(made.rolloff)}, {counts}, "
        values += f"{made.order}, {made.values}, {int(made.magnitude)}, {made.logarithm}, {int(made.centre)}"
    return (
        f"{text}static const mw_spectral_{kind} {name} = "
        f"{{{window}, {made.fft_table}, {edges}, {mel}, {dct}, {values}, {shape}}};\n"
    )
