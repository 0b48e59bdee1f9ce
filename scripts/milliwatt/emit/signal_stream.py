"""From raw frames to the window: the stages of the stream, block by block.

Stages between two spectra are one function, which hands its block on to the next one; a spectrum keeps
the frames it has to see in a ring, and hands on one frame at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from milliwatt.emit.signal_chain import Chain, chain_of
from milliwatt.emit.signal_layout import Group, Item, Member, size_of
from milliwatt.emit.signal_spectra import spectral_call, spectral_members
from milliwatt.emit.signal_spot import C_TYPES, SHORT, Spot, each_channel, frame_bytes, indented
from milliwatt.emit.signal_tables import Tables
from milliwatt.emit.signal_words import stage_words
from milliwatt.ir.signal_shapes import Stream, stream_after, windowed
from milliwatt.ir.signals import Signals, Spectrum, Stage

_LEAST, _MOST_FRAMES, UNLIMITED = 64, 32, 65535


@dataclass
class StreamCode:
    """The C that takes raw frames.

    Attributes:
        kept: members of the state.
        scratch: what it needs during a call.
        reset: statements before the first frame.
        functions: the one to call is ``<name>_stream0(state, x, n)``.
        block: frames that it takes at once.
    """

    kept: list[Item] = field(default_factory=list)
    scratch: list[Item] = field(default_factory=list)
    reset: str = ""
    functions: str = ""
    block: int = UNLIMITED
    headers: set[str] = field(default_factory=set)


def stream_code(signals: Signals, name: str, tables: Tables, window: str, spare: int) -> StreamCode:
    """The C of the stream's stages.

    Args:
        window: what pushes frames into the window: ``mw_ring`` or ``mw_slide``.
        spare: bytes of scratch that there are anyway.
    """
    return _Writer(signals, name, tables, window, spare).code


class _Writer:
    def __init__(self, signals: Signals, name: str, tables: Tables, window: str, spare: int) -> None:
        self.signals, self.name, self.tables, self.window = signals, name, tables, window
        self.code = StreamCode()
        parts = _split(signals.stages)
        self.code.block = self._block(parts[0][0], spare)
        functions, before, number = [], Stream(signals.dtype, signals.channels), 0
        for index, (stages, spectrum) in enumerate(parts):
            chain = chain_of(
                stages, before, self.code.block if index == 0 else 1, tables,
                key="s", at="state->", first=number, streamed=True,
            )  # fmt: skip
            number += len(stages)
            functions.append(self._function(index, before, chain, spectrum, number))
            if spectrum is not None:
                before, number = stream_after(spectrum, chain.after), number + 1
        self.code.functions = "\n".join(reversed(functions))

    def _block(self, stages: list[Stage], spare: int) -> int:
        """How many frames go through the first stages at once: as many as little memory holds."""
        if not stages:
            return UNLIMITED
        before = Stream(self.signals.dtype, self.signals.channels)
        chain = chain_of(stages, before, 1, Tables(self.name), key="s", at="", streamed=True)
        each = sum(map(size_of, chain.blocks.values()))
        return max(1, min(_MOST_FRAMES, max(_LEAST, spare) // each))

    def _function(
        self, index: int, before: Stream, chain: Chain, spectrum: Spectrum | None, number: int
    ) -> str:
        code, at = self.code, f"state->scratch.stream.part{index}."
        begun = f"begun{index}"
        code.kept += chain.kept
        if chain.begins:
            code.kept.append(Member(begun, "uint8_t"))
            code.reset += f"state->{begun} = 0;\n"
        code.reset += chain.reset
        code.headers |= chain.headers
        if chain.blocks:
            code.scratch.append(Group(f"part{index}", tuple(chain.blocks.values())))
        lines = chain.pointers(at)
        if chain.begins:
            lines += f"const int begins = state->{begun} == 0;\nstate->{begun} = 1;\n"
        lines += chain.run
        if spectrum is None:
            lines += f"(void) {self.window}_push(&state->window, {chain.result}, n, &n);\n"
        else:
            lines += self._spectrum(index, chain, spectrum, number)
        arguments = f"{self.name}_state *state, const {C_TYPES[before.dtype]} *x, uint16_t n"
        return f"static void {self.name}_stream{index}({arguments})\n{{\n{indented(lines)}}}\n"

    def _spectrum(self, index: int, chain: Chain, stage: Spectrum, number: int) -> str:
        """Frames into a ring, and from there to the next function."""
        before, after, code = chain.after, stream_after(stage, chain.after), self.code
        table, made = self.tables.spectral(stage, before.dtype)
        key, kind = f"s{number}", C_TYPES[before.dtype]
        code.headers |= {"spectral.h", "stream.h", "views.h"}
        memory = Member(f"{key}_memory", kind, stage.length * before.channels)
        code.kept += [Member(key, "mw_ring"), memory]
        size = frame_bytes(before, stage_words(stage))
        code.reset += (
            f"(void) mw_ring_init(&state->{key}, state->{key}_memory, sizeof state->{key}_memory, {size},"
            f" {stage.length}, {stage.hop});\n"
        )
        work, picks = spectral_members(key, made)
        code.scratch += [*work, Member(f"{key}_out", C_TYPES[after.dtype], after.channels)]
        spot = Spot(key, "state->scratch.stream.", before, after, "", "", 1)
        out = f"state->scratch.stream.{key}_out"
        channel = "c" if before.channels > 1 else "0"
        frame = f"mw_channel_{SHORT[before.dtype]}(&window, {channel})"
        to = f"{out} + (size_t) c * {stage.n_values}" if before.channels > 1 else out
        body = "const mw_frames window = mw_ring_window(&state->" + key + ");\n"
        body += each_channel(spot, spectral_call(table, made, spot, frame, to, picks, self.tables))
        body += f"{self.name}_stream{index + 1}(state, {out}, 1);\n"
        many = f"(size_t) taken * {before.channels}" if before.channels > 1 else "taken"
        x = "x" if chain.result == "x" else "from"
        lines = f"const {kind} *from = {chain.result};\n" if x == "from" else ""
        loop = (
            "uint16_t taken;\n"
            f"const int complete = mw_ring_push(&state->{key}, {x}, n, &taken);\n"
            f"{x} += {many};\n"
            "n = (uint16_t) (n - taken);\n"
            f"if (complete == 1) {{\n{indented(body)}}}\n"
        )
        return lines + f"/* {stage_words(stage)} */\nwhile (n != 0) {{\n{indented(loop)}}}\n"


def _split(stages: tuple[Stage, ...]) -> list[tuple[list[Stage], Spectrum | None]]:
    """Stages up to each spectrum, and those after the last."""
    parts: list[tuple[list[Stage], Spectrum | None]] = []
    now: list[Stage] = []
    for stage in stages:
        if isinstance(stage, Spectrum):
            parts.append((now, stage))
            now = []
        else:
            now.append(stage)
    return [*parts, (now, None)]


def window_members(signals: Signals, kind: str) -> tuple[list[Item], str]:
    """The window's members, and the statement that makes it empty."""
    stream = windowed(signals)
    c_type = C_TYPES[stream.dtype]
    size = frame_bytes(stream, "the window")
    reset = (
        f"(void) {kind}_init(&state->window, state->memory, sizeof state->memory, {size},"
        f" {signals.length}, {signals.hop});\n"
    )
    memory = Member("memory", c_type, signals.length * stream.channels)
    return [Member("window", kind), memory], reset
