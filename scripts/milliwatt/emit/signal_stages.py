"""The C of single stages: what each keeps, how it begins, and how it makes frames of frames.

The code of a stage reads ``n`` frames at ``x`` and writes to ``out``, which may be ``x`` where
:func:`is_in_place` says so. ``n`` is a variable of type ``uint16_t`` that the stage may lower.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from milliwatt import c_text as text
from milliwatt.emit.signal_layout import Member
from milliwatt.emit.signal_spectra import goertzel_code, spectrum_code
from milliwatt.emit.signal_spot import Code, Spot, each_channel, each_frame, indented, numbers
from milliwatt.emit.signal_tables import Tables, read_index
from milliwatt.ir.signals import (
    INT16,
    Centre,
    Choose,
    Emphasis,
    Fir,
    Goertzel,
    Iir,
    Length,
    RemoveDc,
    Spectrum,
    Stage,
    ToFloat,
)

_FIR_TIDY = 16  # a filter's buffer is tidied once in so many samples


def is_in_place(stage: Stage) -> bool:
    """Whether a stage can write where it reads."""
    if isinstance(stage, Choose):
        return list(stage.channels) == sorted(stage.channels)
    if isinstance(stage, Length):
        return not stage.keep
    return not isinstance(stage, ToFloat | Spectrum | Goertzel)


def code_of(stage: Stage, spot: Spot, tables: Tables) -> Code:
    """The C of a stage; a :class:`Spectrum` is one that is given a whole window."""
    return _WRITERS[type(stage)](stage, spot, tables)


# -- filters ---------------------------------------------------------------------------------------


def _iir(stage: Iir, spot: Spot, tables: Tables) -> Code:
    table = tables.iir(stage, spot.before.dtype)
    count = len(stage.sections) * spot.channels
    if spot.before.dtype == INT16:
        kept = Member(spot.key, "mw_iir_state_q15", count)
    else:
        kept = Member(spot.key, "float", 2 * count)
    of = f"(&{table}, {spot.kept}, {spot.channels}"
    settle = f"(void) mw_iir_settle_{spot.fixed}{of}, {spot.x});\n"
    return Code(
        run=f"(void) mw_iir_run_{spot.fixed}{of}, {spot.x}, {spot.out}, n);\n",
        kept=(kept,),
        reset="" if stage.settled else f"(void) mw_iir_reset_{spot.fixed}{of});\n",
        begin=settle if stage.settled else "",
        headers=("iir.h",),
    )


def _fir(stage: Fir, spot: Spot, tables: Tables) -> Code:
    table = tables.fir(stage, spot.before.dtype)
    n_taps, channels = len(stage.taps), spot.channels
    size = n_taps - 1 + min(n_taps, max(_FIR_TIDY, min(spot.frames, 64)))
    kept = (
        Member(spot.key, f"mw_fir_state_{spot.fixed}", channels),
        Member(f"{spot.key}_buffer", spot.c_type, channels * size),
    )
    offset = "" if channels == 1 else f" + (size_t) c * {size}"
    reset = each_channel(
        spot,
        f"(void) mw_fir_reset_{spot.fixed}(&{table}, &{spot.kept}[c], {spot.kept}_buffer{offset}, {size});\n",
    )
    if channels == 1 and spot.frames <= 32767:
        call = f"mw_fir_run_{spot.fixed}(&{table}, {spot.kept}, {spot.x}, {spot.out}, n)"
        run = f"n = (uint16_t) {call};\n" if stage.decimation > 1 else f"(void) {call};\n"
    else:
        run = _fir_frames(stage, spot, table)
    return Code(run, kept, reset, changes_n=stage.decimation > 1, headers=("fir.h",))


def _fir_frames(stage: Fir, spot: Spot, table: str) -> str:
    """Frame by frame, as channels are interleaved."""
    kernel, at = f"mw_fir_run_{spot.fixed}(&{table}", numbers(spot)
    if stage.decimation == 1:
        return each_frame(
            spot, f"(void) {kernel}, &{_c(spot)}, {spot.x} + ({at}), {spot.out} + ({at}), 1);\n"
        )
    to = numbers(spot, frame="made")
    loop = each_channel(spot, f"found = {kernel}, &{_c(spot)}, {spot.x} + ({at}), {spot.out} + ({to}), 1);\n")
    body = f"int found = 0;\n{loop}made = (uint16_t) (made + (uint16_t) found);\n"
    inner = f"uint16_t made = 0;\nfor (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\nn = made;\n"
    return f"{{\n{indented(inner)}}}\n"


def _c(spot: Spot, name: str = "") -> str:
    """What is kept of a channel."""
    return f"{spot.kept}{name}[{'0' if spot.channels == 1 else 'c'}]"


def _emphasis(stage: Emphasis, spot: Spot, tables: Tables) -> Code:
    factor = (
        str(round(stage.factor * 32768)) if spot.before.dtype == INT16 else text.float_literal(stage.factor)
    )
    return Code(
        run=_per_channel(spot, f"mw_emphasize_{spot.fixed}", f"{factor}, "),
        kept=(Member(spot.key, spot.c_type, spot.channels),),
        begin=f"memcpy({spot.kept}, {spot.x}, sizeof {spot.kept});\n",
        headers=("emphasis.h",),
    )


def _remove_dc(stage: RemoveDc, spot: Spot, tables: Tables) -> Code:
    is_integer = spot.before.dtype == INT16
    share = f"{stage.shift}, " if is_integer else f"{text.float_literal(stage.share)}, "
    return Code(
        run=_per_channel(spot, f"mw_remove_dc_{spot.fixed}", share),
        kept=(Member(spot.key, "int32_t" if is_integer else "float", spot.channels),),
        reset=each_channel(spot, f"{spot.kept}[c] = {'0' if is_integer else '0.0f'};\n"),
        headers=("emphasis.h",),
    )


def _per_channel(spot: Spot, kernel: str, argument: str) -> str:
    """A kernel that takes samples of one channel and a pointer to what it keeps of it."""
    if spot.channels == 1:
        return f"{kernel}({spot.x}, n, {argument}{spot.kept}, {spot.out});\n"
    at = numbers(spot)
    return each_frame(spot, f"{kernel}({spot.x} + ({at}), 1, {argument}&{_c(spot)}, {spot.out} + ({at}));\n")


# -- frames ----------------------------------------------------------------------------------------


def _length(stage: Length, spot: Spot, tables: Tables) -> Code:
    is_integer = spot.before.dtype == INT16
    axes = [f"from[{channel}]" for channel in stage.channels]
    axes += ["0" if is_integer else "0.0f"] * (3 - len(axes))
    n_in, n_out = spot.channels, spot.after.channels
    body = f"const {spot.c_type} *const from = {spot.x} + (size_t) i * {n_in};\n"
    to = "i"
    if stage.keep:
        body += f"{spot.c_type} *const to = {spot.out} + (size_t) i * {n_out};\n"
    kind = "uint16_t" if is_integer else "float"
    body += f"const {kind} length = mw_length_{spot.fixed}({', '.join(axes)});\n"
    value = "(int16_t) (length > 32767 ? 32767 : length)" if is_integer else "length"
    if stage.keep:
        body += f"memcpy(to, from, {n_in} * sizeof *to);\nto[{n_in}] = {value};\n"
    else:
        body += f"{spot.out}[{to}] = {value};\n"
    return Code(f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n", headers=("running.h",))


def _choose(stage: Choose, spot: Spot, tables: Tables) -> Code:
    n_in, n_out = spot.channels, spot.after.channels
    chosen = list(stage.channels)
    step = chosen[1] - chosen[0] if len(chosen) > 1 else 0
    body = f"const {spot.c_type} *const from = {spot.x} + (size_t) i * {n_in};\n"
    if len(chosen) > 4 and chosen == list(range(chosen[0], chosen[-1] + 1, step or 1)):
        source = f"from[{chosen[0]} + {f'{step} * ' if step != 1 else ''}c]"
        inner = f"{spot.out}[(size_t) i * {n_out} + c] = {source};\n"
        body += f"for (uint16_t c = 0; c < {n_out}; ++c) {{\n{indented(inner)}}}\n"
    elif len(chosen) > 8:
        places = tables.indices(chosen)
        source = read_index(places, chosen, "c")
        inner = f"{spot.out}[(size_t) i * {n_out} + c] = from[{source}];\n"
        body += f"for (uint16_t c = 0; c < {n_out}; ++c) {{\n{indented(inner)}}}\n"
    else:
        for to, channel in enumerate(chosen):
            at = "i" if n_out == 1 else f"(size_t) i * {n_out} + {to}"
            body += f"{spot.out}[{at}] = from[{channel}];\n"
    return Code(f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n")


def _to_float(stage: ToFloat, spot: Spot, tables: Tables) -> Code:
    factor = "" if stage.scale == 1.0 else f" * {text.float_literal(stage.scale)}"
    many = f"(size_t) n * {spot.channels}" if spot.channels > 1 else "n"
    return Code(
        f"for (size_t i = 0; i < {many}; ++i) {{\n    {spot.out}[i] = (float) {spot.x}[i]{factor};\n}}\n"
    )


def _centre(stage: Centre, spot: Spot, tables: Tables) -> Code:
    if spot.channels == 1:
        return Code(f"mw_centre_{spot.fixed}({spot.x}, n, {spot.out});\n", headers=("emphasis.h",))
    column, at = f"{spot.kept}_column", numbers(spot)
    body = (
        f"for (uint16_t i = 0; i < n; ++i) {{\n    {column}[i] = {spot.x}[{at}];\n}}\n"
        f"mw_centre_{spot.fixed}({column}, n, {column});\n"
        f"for (uint16_t i = 0; i < n; ++i) {{\n    {spot.out}[{at}] = {column}[i];\n}}\n"
    )
    kept = (Member(f"{spot.key}_column", spot.c_type, spot.frames),)
    return Code(each_channel(spot, body), kept, headers=("emphasis.h",))


_WRITERS: dict[type, Callable[[Any, Spot, Tables], Code]] = {
    Iir: _iir,
    Fir: _fir,
    Length: _length,
    Choose: _choose,
    ToFloat: _to_float,
    Emphasis: _emphasis,
    RemoveDc: _remove_dc,
    Centre: _centre,
    Spectrum: spectrum_code,
    Goertzel: goertzel_code,
}
