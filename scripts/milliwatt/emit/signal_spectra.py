"""The C of stages that go to frequencies: spectra, and single tones."""

from __future__ import annotations

from milliwatt.emit.signal_layout import Member
from milliwatt.emit.signal_spot import C_TYPES, SHORT, Code, Spot, each_channel, indented
from milliwatt.emit.signal_tables import Tables, read_index
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.signals import INT16, Goertzel, Spectrum
from milliwatt.signal_spectral import Spectral

_LONGEST_TONE = 16384  # of mw_goertzel_q15


def goertzel_code(stage: Goertzel, spot: Spot, tables: Tables) -> Code:
    """All samples of a channel for each frequency."""
    if spot.before.dtype == INT16 and spot.frames > _LONGEST_TONE:
        raise UnsupportedModelError(
            f"a window of {spot.frames} samples of 16 bits; up to {_LONGEST_TONE} are possible",
            option="Goertzel",
            cure="take a shorter window, decimate before, or put ToFloat before it",
        )
    is_integer, count = spot.before.dtype == INT16, len(stage.frequencies)
    angles = [round(frequency * 2**32) for frequency in stage.frequencies]
    table = tables.indices(angles)
    tail = ", n" if is_integer else ""
    begin = f"mw_goertzel_begin_{spot.fixed}(&block, {read_index(table, angles, 'f')}{tail});\n"
    add = f"mw_goertzel_add_{spot.fixed}(&block, "
    if is_integer:
        begin, add = f"(void) {begin}", f"(void) {add}"
    if spot.channels == 1:
        feed, to = f"{add}{spot.x}, n);\n", "f"
    else:
        feed = (
            f"for (uint16_t i = 0; i < n; ++i) {{\n"
            f"    {add}{spot.x} + ((size_t) i * {spot.channels} + c), 1);\n}}\n"
        )
        to = f"c * {count} + f"
    if is_integer:
        power = "mw_root_u64(mw_goertzel_power_q15(&block))"
        value = f"const uint32_t size = 2U * {power} / n;\n"
        value += f"{spot.out}[{to}] = (int16_t) (size > 32767U ? 32767U : size);\n"
    else:
        value = f"{spot.out}[{to}] = 2.0f / (float) n * mw_root_f32(mw_goertzel_power_f32(&block));\n"
    body = f"mw_goertzel_{spot.fixed} block;\n{begin}{feed}{value}"
    loop = f"for (uint16_t f = 0; f < {count}; ++f) {{\n{indented(body)}}}\n"
    return Code(each_channel(spot, loop) + "n = 1;\n", changes_n=True, headers=("spectrum.h", "roots.h"))


def spectrum_code(stage: Spectrum, spot: Spot, tables: Tables) -> Code:
    """The spectra of a window's frames."""
    name, made = tables.spectral(stage, spot.before.dtype)
    kept, values = spectral_members(spot.key, made)
    step = f"(size_t) i * {stage.hop * spot.channels}"
    start = f"{spot.x} + ({step} + c)" if spot.channels > 1 else f"{spot.x} + {step}"
    frame = f"mw_array_{SHORT[made.dtype]}({start}, {stage.length}, {spot.channels})"
    per = spot.after.channels
    to = (
        f"{spot.out} + ((size_t) i * {per}{f' + (size_t) c * {stage.n_values}' if spot.channels > 1 else ''})"
    )
    body = each_channel(spot, spectral_call(name, made, spot, frame, to, values, tables))
    loop = f"for (uint16_t i = 0; i < n; ++i) {{\n{indented(body)}}}\n"
    before = f"n = (uint16_t) (1 + (n - {stage.length}) / {stage.hop});\n"
    return Code(before + loop, kept, changes_n=True, headers=("spectral.h", "views.h"))


def spectral_members(key: str, made: Spectral) -> tuple[tuple[Member, ...], bool]:
    """The buffers of a spectrum, and whether its values have to be picked out of more."""
    kind = "int32_t" if made.dtype == INT16 else "float"
    members = [Member(f"{key}_work", kind, made.n_fft + 2)]
    if made.picked:
        members.append(Member(f"{key}_values", C_TYPES[made.dtype], made.n_out))
    return tuple(members), bool(made.picked)


def spectral_call(
    name: str, made: Spectral, spot: Spot, frame: str, to: str, picks: bool, tables: Tables
) -> str:
    """One frame of one channel: ``frame`` is a view, ``to`` where its values go."""
    short = SHORT[made.dtype]
    target = f"{spot.kept}_values" if picks else to
    body = f"const mw_view_{short} frame = {frame};\n"
    body += f"(void) mw_spectral_frame_{short}(&{name}, &frame, {spot.kept}_work, {target});\n"
    if picks:
        place = read_index(tables.indices(made.picked), made.picked, "v")
        pointer = f"{C_TYPES[made.dtype]} *const to = {to};\n"
        body = pointer + body
        body += (
            f"for (uint16_t v = 0; v < {len(made.picked)}; ++v) {{\n"
            f"    to[v] = {spot.kept}_values[{place}];\n}}\n"
        )
    return f"{{\n{indented(body)}}}\n" if spot.channels == 1 else body
