"""From a window to numbers: the branches, those with equal stages together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from milliwatt.emit.signal_chain import chain_of
from milliwatt.emit.signal_layout import Group, Item
from milliwatt.emit.signal_spot import C_TYPES, frame_bytes, indented
from milliwatt.emit.signal_stages import is_in_place
from milliwatt.emit.signal_tables import Tables, read_index
from milliwatt.emit.signal_time import Wanted, time_code
from milliwatt.ir.signal_shapes import Stream, branch_shape, branch_width, windowed
from milliwatt.ir.signals import FLOAT, Branch, Choose, Length, Signals, Stage

RING, SLIDE = "mw_ring", "mw_slide"


@dataclass(frozen=True)
class Samples:
    """Samples that are numbers themselves: which, and where the first of them goes."""

    chosen: tuple[int, ...]
    at: int


@dataclass
class Wish:
    """What is wanted of a window after some stages."""

    features: list[Wanted] = field(default_factory=list)
    samples: list[Samples] = field(default_factory=list)


@dataclass
class BranchCode:
    """The C that describes a window.

    Attributes:
        functions: the one to call is ``<name>_describe(state, out)``.
        scratch: what it needs meanwhile, of which only one is in use at a time.
    """

    functions: str = ""
    scratch: list[Item] = field(default_factory=list)
    headers: set[str] = field(default_factory=set)


def number_type(signals: Signals, model_dtype: str) -> str:
    """The C type of numbers: that of the model's features; steps take floats, whatever they are made of."""
    return C_TYPES[FLOAT if signals.steps else model_dtype]


def window_kind(signals: Signals) -> str:
    """A window in one piece where branches need an array, else in a ring."""
    return SLIDE if any(branch.stages or not branch.features for branch in signals.branches) else RING


def is_window_itself(signals: Signals, model_dtype: str) -> bool:
    """Whether the features are the window as it lies in memory."""
    if len(signals.branches) != 1 or signals.steps or signals.chosen:
        return False
    branch = signals.branches[0]
    plain = not branch.stages and not branch.features and not branch.chosen
    return plain and number_type(signals, model_dtype) == C_TYPES[windowed(signals).dtype]


def wishes(signals: Signals) -> dict[tuple[Stage, ...], Wish]:
    """What is wanted, by stages; numbers that no feature is made of are left out."""
    before, first = windowed(signals), 0
    found: dict[tuple[Stage, ...], Wish] = {}
    kept = None
    if signals.chosen and not signals.steps:
        kept = {number: place for place, number in enumerate(signals.chosen)}
    for branch in signals.branches:
        width = branch_width(branch, before, signals.length)
        places = [
            (i, first + i if kept is None else kept[first + i])
            for i in range(width)
            if kept is None or first + i in kept
        ]
        first += width
        if not places:
            continue
        wish = found.setdefault(branch.stages, Wish())
        if branch.features:
            wish.features += [Wanted(branch.features[i], at) for i, at in places]
        else:
            chosen = [branch.chosen[i] if branch.chosen else i for i, _ in places]
            wish.samples.append(Samples(tuple(chosen), places[0][1]))
    return found


def branch_code(signals: Signals, name: str, tables: Tables, out: str, at: str) -> BranchCode:
    """The C of all branches.

    Args:
        out: C type of numbers.
        at: before scratch members.
    """
    return _Writer(signals, name, tables, out, at).code


class _Writer:
    def __init__(self, signals: Signals, name: str, tables: Tables, out: str, at: str) -> None:
        self.signals, self.name, self.tables, self.out, self.at = signals, name, tables, out, at
        self.kind = window_kind(signals)
        self.code = BranchCode()
        wanted = wishes(signals)
        self.last = _last(signals, list(wanted))
        functions = [self._function(index, *wish) for index, wish in enumerate(wanted.items())]
        order = sorted(range(len(wanted)), key=lambda index: index == self.last)
        calls = "".join(f"{name}_branch{index}(state, &window, out);\n" for index in order)
        body = f"const mw_frames window = {self.kind}_window(&state->window);\n{calls}"
        functions.append(
            f"static void {name}_describe({name}_state *state, {out} *out)\n{{\n{indented(body)}}}\n"
        )
        self.code.functions = "\n".join(functions)

    def _function(self, index: int, stages: tuple[Stage, ...], wish: Wish) -> str:
        before = windowed(self.signals)
        own = f"branch{index}"
        at = f"{self.at}{own}."
        owned = index == self.last
        chain = chain_of(
            stages, before, self.signals.length, self.tables, key="s", at=at, streamed=False, owned=owned
        )
        self.code.headers |= chain.headers
        members: list[Item] = [*chain.blocks.values(), *chain.kept]
        lines = chain.pointers(at)
        if stages or wish.samples:
            kind = C_TYPES[before.dtype]
            if owned:
                lines += f"{kind} *const x = state->memory; /* the window, which is not needed any more */\n"
            else:
                lines += f"const {kind} *const x = (const {kind} *) window->first;\n"
        if stages:
            lines += f"uint16_t n = {self.signals.length};\n{chain.run}(void) n;\n"
        functions = ""
        stream, frames = branch_shape(Branch(stages), before, self.signals.length)
        if wish.features:
            made = time_code(wish.features, f"{self.name}_{own}", stream.dtype, frames, self.out, at)
            members += made.members
            self.code.headers |= set(made.headers)
            functions += made.functions
            lines += self._window(stages, stream, frames, chain.result) + made.body
        lines += "".join(self._samples(one, chain.result, stream) for one in wish.samples)
        if owned and not wish.features:
            lines += "(void) window;\n"
        if members:
            self.code.scratch.append(Group(own, tuple(members)))
        elif not owned:
            lines = "(void) state;\n" + lines
        body = indented(lines)
        signature = f"{self.name}_{own}({self.name}_state *state, const mw_frames *window, {self.out} *out)"
        return f"{functions}{chr(10) if functions else ''}static void {signature}\n{{\n{body}}}\n"

    def _window(self, stages: tuple[Stage, ...], stream: Stream, frames: int, result: str) -> str:
        """After stages: ``window`` is what they made."""
        if not stages:
            return ""
        size = frame_bytes(stream, "branches")
        return f"const mw_frames made = {{{result}, {result}, {frames}, 0, {size}}};\nwindow = &made;\n"

    def _samples(self, one: Samples, source: str, stream: Stream) -> str:
        """Copies samples that are numbers."""
        count, first = len(one.chosen), one.chosen[0]
        to = f"out + {one.at}" if one.at else "out"
        same = C_TYPES[stream.dtype] == self.out
        if one.chosen == tuple(range(first, first + count)):
            begin = f"{source} + {first}" if first else source
            if same:
                return f"memcpy({to}, {begin}, {count} * sizeof *out);\n"
            value = f"({self.out}) {source}[{f'{first} + ' if first else ''}i]"
        else:
            places = self.tables.indices(one.chosen)
            value = f"{source}[{read_index(places, one.chosen, 'i')}]"
            value = value if same else f"({self.out}) {value}"
        target = f"out[{f'{one.at} + ' if one.at else ''}i]"
        return f"for ({_counter(count)} i = 0; i < {count}; ++i) {{\n    {target} = {value};\n}}\n"


def _last(signals: Signals, chains: list[tuple[Stage, ...]]) -> int:
    """The branch that may change the window in place, after all others: where no frame is seen again; or -1.

    It is one that would take a copy of all the window.
    """
    if signals.hop < signals.length:
        return -1
    fitting = [index for index, stages in enumerate(chains) if stages and is_in_place(stages[0])]
    sizes = {index: 0 if isinstance(chains[index][0], Choose | Length) else 1 for index in fitting}
    return max(fitting, key=lambda index: sizes[index], default=-1)


def _counter(count: int) -> str:
    return "uint16_t" if count < 65536 else "uint32_t"


def features_used(signals: Signals) -> Iterator[str]:
    """The names of time features that are computed."""
    for wish in wishes(signals).values():
        for one in wish.features:
            yield one.feature.name
