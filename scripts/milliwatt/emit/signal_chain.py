"""Stages one after the other: which buffer each writes to, and their C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from milliwatt.emit.signal_layout import Item, Member
from milliwatt.emit.signal_spot import C_TYPES, SHORT, Code, Spot
from milliwatt.emit.signal_stages import code_of, is_in_place
from milliwatt.emit.signal_tables import Tables
from milliwatt.emit.signal_words import stage_words
from milliwatt.ir.signal_shapes import Stream, frames_after, streams
from milliwatt.ir.signals import Stage


@dataclass
class Chain:
    """The C of some stages.

    Attributes:
        blocks: buffers, whose names are pointers in the code.
        kept: members that last from block to block.
        reset, begin, run: statements; see :class:`Code`. ``begin`` is part of ``run``.
        begins: something is to be done at the first frame.
        result: what the last stage wrote: a pointer, ``x`` where nothing is written.
        after: the stream there.
        frames: at most there.
        owned: what is at ``x`` may be changed.
    """

    blocks: dict[str, Member] = field(default_factory=dict)
    kept: list[Item] = field(default_factory=list)
    reset: str = ""
    run: str = ""
    begins: bool = False
    result: str = "x"
    after: Stream = field(default_factory=lambda: Stream("", 0))
    frames: int = 0
    headers: set[str] = field(default_factory=set)
    owned: bool = False

    def pointers(self, at: str) -> str:
        """Declarations of the buffers' names; ``at`` stands before their members."""
        return "".join(
            f"{block.type} *const {name} = {at}{block.name};\n" for name, block in self.blocks.items()
        )


def chain_of(
    stages: Sequence[Stage],
    before: Stream,
    frames: int,
    tables: Tables,
    *,
    key: str,
    at: str,
    first: int = 0,
    streamed: bool,
    owned: bool = False,
) -> Chain:
    """The C of stages that read ``n`` frames at ``x``.

    Args:
        frames: the most that come at once; not ``streamed``: the window.
        key: what members begin with.
        at: before members.
        first: number of the first stage.
        streamed: blocks of a stream; else a whole window each time, from a fresh start.
        owned: they may change what is at ``x``.
    """
    chain = Chain(after=before, frames=frames, owned=owned)
    flow = streams(stages, before)
    for number, (stage, stream, after) in enumerate(zip(stages, flow, flow[1:], strict=False), first):
        left = frames if streamed else frames_after(stage, chain.frames)
        out = _target(chain, stage, after, left)
        spot = Spot(f"{key}{number}", at, stream, after, chain.result, out, chain.frames)
        code = code_of(stage, spot, tables)
        chain.kept += code.kept
        chain.headers |= set(code.headers)
        chain.run += f"/* {stage_words(stage)} */\n" + _lines(chain, code, streamed=streamed)
        chain.result, chain.after, chain.frames = out, after, left
    return chain


def _lines(chain: Chain, code: Code, *, streamed: bool) -> str:
    if not streamed:
        return code.reset + code.begin + code.run
    chain.reset += code.reset
    lines = code.run
    if code.begin:
        chain.begins = True
        lines = f"if (begins) {{\n    {code.begin}}}\n{lines}"
    return lines + ("if (n == 0) {\n    return;\n}\n" if code.changes_n else "")


def _target(chain: Chain, stage: Stage, after: Stream, frames: int) -> str:
    """The buffer that a stage writes to, which is made large enough."""
    now = chain.result
    if now == "x" and chain.owned and is_in_place(stage):
        return now
    if now == "x" or not is_in_place(stage):
        kind = SHORT[after.dtype]
        now = next(name for name in (f"a_{kind}", f"b_{kind}") if name != now)
    count = max(frames * after.channels, chain.blocks[now].count if now in chain.blocks else 0)
    chain.blocks[now] = Member(now, C_TYPES[after.dtype], count)
    return now
