"""Constant tables of generated signal processing: filters, spectra, indices. Equal tables are there once."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt import c_text as text
from milliwatt.filters.c_tables import fir_tables, iir_tables
from milliwatt.filters.fir import Fir as FirTaps
from milliwatt.filters.iir_q15 import IirQ15, SectionQ15
from milliwatt.ir.signals import INT16, Fir, Iir, Spectrum
from milliwatt.signal_spectral import Spectral, spectral, spectral_tables


class Tables:
    """Writes tables and says what they are called."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._known: dict[object, str] = {}
        self._counts: dict[str, int] = {}
        self._spectra: dict[str, Spectral] = {}
        self._text: list[str] = []

    def text(self) -> str:
        """All of them."""
        return "\n".join(self._text)

    def _named(self, key: object, kind: str) -> tuple[str, bool]:
        """The name of what ``key`` stands for, and whether it has to be written."""
        is_new = key not in self._known
        if is_new:
            number = self._counts.get(kind, 0)
            self._counts[kind] = number + 1
            self._known[key] = f"{self.name}_{kind}{number}"
        return self._known[key], is_new

    def iir(self, stage: Iir, dtype: str) -> str:
        """A ``mw_iir_q15`` or ``mw_iir_f32``."""
        name, is_new = self._named((stage.sections, stage.integers, stage.out_shift, dtype), "iir")
        if is_new:
            made = (
                _iir_q15(stage) if dtype == INT16 else [(*row[:3], 1.0, *row[3:]) for row in stage.sections]
            )
            self._text.append(iir_tables(made, name))
        return name

    def fir(self, stage: Fir, dtype: str) -> str:
        """A ``mw_fir_q15`` or ``mw_fir_f32``."""
        name, is_new = self._named((stage, dtype), "fir")
        if is_new:
            if dtype == INT16:
                made: FirTaps | Sequence[float] = FirTaps(stage.integers, stage.shift, stage.decimation, 0.0)
            else:
                made = stage.taps
            self._text.append(fir_tables(made, name, stage.decimation))
        return name

    def spectral(self, stage: Spectrum, dtype: str) -> tuple[str, Spectral]:
        """A ``mw_spectral_i16`` or ``mw_spectral_f32``, and what it says."""
        name, is_new = self._named((stage, dtype), "spectrum")
        if is_new:
            self._spectra[name] = spectral(stage, dtype)
            self._text.append(spectral_tables(self._spectra[name], name))
        return name, self._spectra[name]

    def indices(self, values: Sequence[int]) -> str:
        """An array of ``uint16_t`` or ``uint32_t``."""
        name, is_new = self._named(("indices", tuple(values)), "places")
        if is_new:
            self._text.append(text.array(index_type(values), name, (f"{value}U" for value in values)))
        return name

    def floats(self, values: Sequence[float]) -> str:
        """An array of ``float``."""
        name, is_new = self._named(("floats", tuple(values)), "numbers")
        if is_new:
            self._text.append(text.array("float", name, map(text.float_literal, values)))
        return name


def index_type(values: Sequence[int]) -> str:
    """The type of a table of indices."""
    return "uint16_t" if max(values, default=0) < 1 << 16 else "uint32_t"


def read_index(table: str, values: Sequence[int], at: str) -> str:
    """The expression that reads a table of indices."""
    return f"MW_READ_{16 if index_type(values) == 'uint16_t' else 32}({table} + {at})"


def _iir_q15(stage: Iir) -> IirQ15:
    sections = tuple(map(SectionQ15.of_row, stage.integers))
    return IirQ15(sections, stage.out_shift, (), 0.0, 0.0)
