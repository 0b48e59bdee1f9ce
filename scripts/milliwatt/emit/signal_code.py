"""The C of a model that takes raw samples: its state, and all that its pushes call."""

from __future__ import annotations

import dataclasses

from milliwatt import c_text as text
from milliwatt.emit.c_writer import Code
from milliwatt.emit.net_plan import arena_size
from milliwatt.emit.signal_branches import (
    branch_code,
    is_window_itself,
    number_type,
    window_kind,
)
from milliwatt.emit.signal_functions import (
    Parts,
    answers_classes,
    counter_type,
    missing_type,
    private_functions,
    push_functions,
)
from milliwatt.emit.signal_layout import Group, Item, Member, size_of, typedef, union
from milliwatt.emit.signal_spot import indented
from milliwatt.emit.signal_steps import steps_code
from milliwatt.emit.signal_stream import stream_code, window_members
from milliwatt.emit.signal_tables import Tables
from milliwatt.emit.signal_words import channel_names, number_words
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.signal_shapes import raw_frames
from milliwatt.ir.signals import INT16, Signals

_CALLER = "caller"


def with_signals(code: Code, model: AnyModel, name: str) -> Code:
    """The C of a model with what makes its features of raw samples."""
    return code if model.signals is None else _Writer(model, model.signals, name).added_to(code)


def state_size(model: AnyModel) -> int:
    """Bytes of a model's state on a 32-bit CPU; of a model that takes no raw samples 0."""
    if model.signals is None:
        return 0
    return size_of(Group("", tuple(_Writer(model, model.signals, model.name).members)))


class _Writer:
    """Writes the C of signals.

    Attributes:
        members: of the state.
    """

    def __init__(self, model: AnyModel, signals: Signals, name: str) -> None:
        self.model, self.signals, self.name = model, signals, name
        self.upper = name.upper()
        self.tables = Tables(name)
        self.out = number_type(signals, model.dtype)
        self.is_window = is_window_itself(signals, model.dtype)
        # Who asks for other answers than classes brings an arena along.
        is_callers = isinstance(model, Network) and model.arena == _CALLER
        self.has_arena = is_callers and answers_classes(model)
        self.kind = window_kind(signals)
        self.describe_at = "state->scratch." + ("steps." if signals.steps else "") + "describe."
        self.headers = {"status.h", "stream.h"}
        self.private: list[str] = []
        self.members: list[Item] = []
        self.make = ""
        self._build()

    def _build(self) -> None:
        describe = self._describe()
        others = [*describe]
        if self.has_arena and isinstance(self.model, Network):
            size = arena_size(self.model)
            others.append(Member("arena", "uint32_t", size // 4, "a network's layers"))
        spare = max(map(size_of, others), default=0)
        stream = stream_code(self.signals, self.name, self.tables, self.kind, spare)
        self.stream = stream
        self.headers |= stream.headers
        window, window_reset = window_members(self.signals, self.kind)
        self.reset = window_reset + stream.reset
        self.private.insert(0, stream.functions)
        first, _ = raw_frames(self.signals)
        counters: list[Item] = [
            Member("missing", missing_type(self.signals), comment="raw frames until an answer")
        ]
        if self.signals.restart > first:
            counters.append(
                Member(
                    "skipped", counter_type(self.signals.restart), comment="raw frames until all begins anew"
                )
            )
        kept: list[Item] = [*window, *stream.kept]
        if not self.is_window:
            kept.append(Member("features", self.out, self.model.n_features))
        scratch = [Group("stream", tuple(stream.scratch), comment="while frames come in"), *others]
        self.members = [
            *kept,
            *counters,
            *union("scratch", scratch, "what is only in use during a call"),
        ]
        self.has_scratch = len(self.members) > len(kept) + len(counters)

    def _describe(self) -> list[Item]:
        """Features out of the window; returns scratch."""
        if self.is_window:
            return []
        branches = branch_code(self.signals, self.name, self.tables, self.out, self.describe_at)
        self.headers |= branches.headers
        self.private.append(branches.functions)
        inner = union("describe", branches.scratch, "while a window is described")
        if not self.signals.steps:
            self.make = f"{self.name}_describe(state, state->features);\n"
            return list(inner)
        at = "state->scratch.steps."
        steps = steps_code(self.signals, self.tables, at, "state->features")
        self.headers.add("vectors.h")
        self.make = f"{self.name}_describe(state, {at}numbers);\n{self.name}_steps(state);\n"
        signature = f"static void {self.name}_steps({self.name}_state *state)"
        self.private.append(f"{signature}\n{{\n{indented(steps.body)}}}\n")
        # Numbers are written while windows are described: so both are there at once.
        return [Group("steps", (*steps.members, *inner))]

    # -- files ---------------------------------------------------------------------------------

    def added_to(self, code: Code) -> Code:
        """The model's C and that of its signals."""
        parts = Parts(
            self.signals,
            "state->memory" if self.is_window else "state->features",
            self.out,
            self.stream.block,
            self.reset,
            self.make,
            self.has_arena,
        )
        private = [self.tables.text(), *self.private, private_functions(self.model, self.name, parts)]
        return dataclasses.replace(
            code,
            further=tuple(push_functions(self.model, self.name, parts)),
            further_private="\n".join(filter(None, private)),
            headers=tuple(sorted({*code.headers, *self.headers})),
            macros=(*code.macros, *self._macros()),
            types=self._types(),
        )

    def _macros(self) -> list[str]:
        signals, upper = self.signals, self.upper
        first, hop = raw_frames(signals)
        kind = "int16_t" if signals.dtype == INT16 else "float"
        names = ", ".join(channel_names(signals)) if signals.channels <= 64 else ""
        lines = [
            f"/* Raw samples: {kind}, frames of {names}. */",
            f"#define {upper}_N_CHANNELS {signals.channels}",
        ]
        if signals.rate:
            whole = signals.rate == int(signals.rate)
            value = str(int(signals.rate)) if whole else text.float_literal(signals.rate)
            lines += ["/* Frames a second. */", f"#define {upper}_RATE {value}"]
        return [
            *self._feature_words(),
            *lines,
            "/* Frames in a window, after all stages before it. */",
            f"#define {upper}_WINDOW {signals.length}",
            "/* Raw frames until the first answer, and from one to the next. */",
            f"#define {upper}_FIRST {_count(first)}",
            f"#define {upper}_HOP {_count(hop)}",
        ]

    def _feature_words(self) -> list[str]:
        """What features are: their units too, which names that the model has do not tell."""
        words = number_words(self.signals)
        if words is None or (self.model.feature_names and self.out == "float"):
            return []
        lines = [f"/*   {index}: {text.comment_text(what)} */" for index, what in enumerate(words)]
        return ["/* What they are: */", *lines]

    def _types(self) -> str:
        lines = typedef(f"{self.name}_state", self.members)
        scratch = "0"
        if self.has_scratch:
            scratch = f"sizeof(((const {self.name}_state *) 0)->scratch)"
        return (
            "/** What is known of a stream of samples: the caller's, one a stream. All of it is private. */\n"
            f"{lines}"
            "/* Bytes of it; and how many of them matter only during a call, and may be shared else. */\n"
            f"#define {self.upper}_STATE_SIZE sizeof({self.name}_state)\n"
            f"#define {self.upper}_SCRATCH_SIZE {scratch}\n\n"
        )


def _count(value: int) -> str:
    return str(value) if value < 32768 else text.integer(value, 32)
