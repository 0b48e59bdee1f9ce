"""Filters as C: constant tables for `<milliwatt/iir.h>` and `<milliwatt/fir.h>`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from milliwatt.c_text import array, float_literal, integer
from milliwatt.filters.fir import Fir, read_taps
from milliwatt.filters.iir_q15 import IirQ15
from milliwatt.filters.iir_q31 import IirQ31
from milliwatt.filters.sections import read_sos


def iir_tables(found: IirQ15 | IirQ31 | Sequence[Sequence[float]], name: str) -> str:
    """C that defines the filter ``name``; of scipy's ``sos`` one of floats."""
    if isinstance(found, IirQ15):
        kind = "q15"
        rows = [
            f"{{{integer(s.bias, 32)}, {integer(s.gain, 32)}, {_numbers(s.b, 16)}, {_numbers(s.d, 16)}, "
            f"{_numbers(s.k, 16)}, {s.b_shift}, {s.d_shift}, {int(s.cut)}}}"
            for s in found.sections
        ]
    elif isinstance(found, IirQ31):
        kind = "q31"
        rows = [
            f"{{{integer(s.gain, 32)}, {_numbers(s.b, 32)}, {_numbers(s.a, 32)}, {s.b_shift}}}"
            for s in found.sections
        ]
    else:
        kind = "f32"
        rows = [
            f"{{{{{', '.join(map(float_literal, s[:3]))}}}, {{{', '.join(map(float_literal, s[3:]))}}}}}"
            for s in read_sos(found)
        ]
    shift = "" if kind == "f32" else f", {found.out_shift}"  # type: ignore[union-attr]
    body = ",\n    ".join(rows)
    return (
        f"static const mw_iir_section_{kind} {name}_sections[] MW_FLASH = {{\n    {body}}};\n"
        f"static const mw_iir_{kind} {name} MW_FLASH = {{{name}_sections, {len(rows)}{shift}}};\n"
    )


def fir_tables(found: Fir | Sequence[float], name: str, decimation: int = 1) -> str:
    """C that defines the filter ``name``; of plain taps one of floats."""
    if isinstance(found, Fir):
        taps = array("int16_t", f"{name}_taps", [integer(tap, 16) for tap in reversed(found.taps)])
        return taps + (
            f"static const mw_fir_q15 {name} MW_FLASH = {{{name}_taps, {integer(found.bias, 32)}, "
            f"{len(found.taps)}, {found.decimation}, {found.shift}}};\n"
        )
    values = read_taps(found, decimation)
    taps = array("float", f"{name}_taps", [float_literal(tap) for tap in reversed(values)])
    return taps + f"static const mw_fir_f32 {name} MW_FLASH = {{{name}_taps, {len(values)}, {decimation}}};\n"


def _numbers(values: Iterable[int], bits: int) -> str:
    return "{" + ", ".join(integer(value, bits) for value in values) + "}"
