"""The public functions of a model that takes raw samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from milliwatt.emit.c_interface import Function
from milliwatt.emit.signal_spot import C_TYPES, indented
from milliwatt.emit.signal_stream import UNLIMITED
from milliwatt.emit.signal_words import channel_names
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.signal_shapes import raw_frames
from milliwatt.ir.signals import Signals

MOST_ARGUMENTS = 6


@dataclass(frozen=True)
class Parts:
    """What the functions are made of.

    Attributes:
        features: the expression that points to features.
        type: their C type.
        block: raw frames that are taken at once.
        reset: statements that make everything begin anew.
        make: the statement that makes features of the window; empty: they are the window.
        arena: the network's arena is in the scratch.
    """

    signals: Signals
    features: str
    type: str
    block: int
    reset: str
    make: str
    arena: bool


def answers_classes(model: AnyModel) -> bool:
    """Whether a push answers a class."""
    return model.is_classifier and not (isinstance(model, Network) and model.is_multilabel)


def counter_type(frames: int) -> str:
    """The type that counts raw frames."""
    return "uint16_t" if frames < 1 << 16 else "uint32_t"


def missing_type(signals: Signals) -> str:
    """The type of ``missing``."""
    return counter_type(max(raw_frames(signals)))


def _as_u16(value: str) -> str:
    return f"(uint16_t) ({value})" if " " in value else value


def push_functions(model: AnyModel, name: str, parts: Parts) -> Iterator[Function]:
    """``_reset``, ``_push_block``, ``_push``, ``_features``, in the order of the header."""
    yield _reset(name, parts)
    yield _push_block(model, name, parts)
    if parts.signals.channels <= MOST_ARGUMENTS:
        yield _push(model, name, parts)
    yield _features(model, name, parts)


def private_functions(model: AnyModel, name: str, parts: Parts) -> str:
    """What they share: a fresh start, the answer to a complete window, and what leads to it."""
    signals, (first, _) = parts.signals, raw_frames(parts.signals)
    lines = parts.reset + f"state->missing = {name.upper()}_FIRST;\n"
    begin = f"static void {name}_begin({name}_state *state)\n{{\n{indented(lines)}}}\n"
    lines = parts.make
    if answers_classes(model):
        arena = ""
        if parts.arena:
            arena = ", state->scratch.arena, sizeof state->scratch.arena"
        call = f"{name}_predict({parts.features}, {name.upper()}_N_FEATURES{arena})"
        if signals.restart:
            lines += f"answer = {call};\n"
        else:
            lines += f"return {call};\n"
    if signals.restart:
        declared = "int answer" if answers_classes(model) else "const int answer = MW_OK"
        lines = f"{declared};\n{lines}{name}_begin(state);\n"
        if signals.restart > first:
            lines += f"state->skipped = {signals.restart - first};\n"
        lines += "return answer;\n"
    elif answers_classes(model):
        lines = f"state->missing = {name.upper()}_HOP;\n{lines}"
    else:
        lines = f"state->missing = {name.upper()}_HOP;\n{lines}return MW_OK;\n"
    answer = f"static int {name}_answer({name}_state *state)\n{{\n{indented(lines)}}}\n"
    return f"{begin}\n{answer}\n{_take(name, signals)}"


def _take(name: str, signals: Signals) -> str:
    """The function that takes frames, no more than a window misses."""
    lines = (
        f"{name}_stream0(state, frames, n);\n"
        f"state->missing = ({missing_type(signals)}) (state->missing - n);\n"
        f"return state->missing == 0 ? {name}_answer(state) : MW_NOT_YET;\n"
    )
    arguments = f"{name}_state *state, const {C_TYPES[signals.dtype]} *frames, uint16_t n"
    return f"static int {name}_take({arguments})\n{{\n{indented(lines)}}}\n"


def _reset(name: str, parts: Parts) -> Function:
    comment = (
        "/**\n * Makes everything begin anew: before the first sample, and after a gap.\n *\n"
        " * @param state the caller's; it must not be moved or copied afterwards. One for each stream of"
        " samples.\n */"
    )
    skipped = ""
    if parts.signals.restart > raw_frames(parts.signals)[0]:
        skipped = "        state->skipped = 0;\n"
    body = f"{{\n    if (state != NULL) {{\n{skipped}        {name}_begin(state);\n    }}\n}}\n"
    return Function(comment, f"void {name}_reset({name}_state *state)", body)


def _answers(model: AnyModel, name: str) -> str:
    """What a push answers, for comments."""
    if answers_classes(model):
        found = f"the class index 0 to {len(model.classes) - 1} of a window that is complete"
    else:
        asked = "predict_labels" if model.is_classifier else "regress"
        found = f"MW_OK where a window is complete: ask {name}_{asked}({name}_features(state), ...)"
    return f" * @return MW_NOT_YET, or {found};\n *         or a negative mw_status"


def _push(model: AnyModel, name: str, parts: Parts) -> Function:
    signals = parts.signals
    kind, names = C_TYPES[signals.dtype], channel_names(signals)
    comment = (
        f"/**\n * Takes one frame of raw samples.\n *\n{_answers(model, name)}: see {name}_push_block().\n */"
    )
    arguments = ", ".join(f"{kind} {channel}" for channel in names)
    lines = f"const {kind} frame[{len(names)}] = {{{', '.join(names)}}};\n" if len(names) > 1 else ""
    lines += "if (state == NULL) {\n    return MW_ERROR_ARGUMENT;\n}\n" + _ready(name)
    if signals.restart > raw_frames(signals)[0]:
        lines += "if (state->skipped != 0) {\n    --state->skipped;\n    return MW_NOT_YET;\n}\n"
    lines += f"return {name}_take(state, {'frame' if len(names) > 1 else f'&{names[0]}'}, 1);\n"
    body = f"{{\n{indented(lines)}}}\n"
    return Function(comment, f"int {name}_push({name}_state *state, {arguments})", body)


def _ready(name: str) -> str:
    """The statement that resets what was not yet."""
    return f"if (state->missing == 0) {{ /* zeros */\n    {name}_reset(state);\n}}\n"


def _push_block(model: AnyModel, name: str, parts: Parts) -> Function:
    signals = parts.signals
    kind = C_TYPES[signals.dtype]
    nan = ""
    if kind == "float":
        nan = (
            "\n *                 One that is not finite need not show in an answer, and may spoil all that"
            "\n *                 follows: reset then."
        )
    comment = (
        "/**\n * Takes frames of raw samples until a window is complete. Answers do not depend on how they\n"
        " * come in blocks; blocks take less time than single frames.\n *\n"
        f" * @param state    see {name}_reset().\n"
        f" * @param frames   {name.upper()}_N_CHANNELS samples each, one frame after the other.{nan}\n"
        " * @param n_frames how many there are, 0 or more.\n"
        " * @param taken    receives how many were taken: less than n_frames only if a window is complete,\n"
        " *                 or on an error. May be NULL if n_frames is 1.\n"
        f"{_answers(model, name)}: MW_ERROR_ARGUMENT, MW_ERROR_LENGTH"
        f"{_further(model)}.\n */"
    )
    signature = f"int {name}_push_block({name}_state *state, const {kind} *frames, int n_frames, int *taken)"
    return Function(comment, signature, f"{{\n{indented(_block_body(name, parts))}}}\n")


def _further(model: AnyModel) -> str:
    """Errors of the model itself."""
    if model.dtype == "float" and model.check_nan and not model.handles_missing and answers_classes(model):
        return ", MW_ERROR_NAN"
    return ""


def _block_body(name: str, parts: Parts) -> str:
    signals, channels = parts.signals, parts.signals.channels
    first, _ = raw_frames(signals)
    kind = missing_type(signals)
    limit = f"state->missing < {parts.block}U ? state->missing : {parts.block}U"
    if parts.block == UNLIMITED and kind == "uint16_t":
        limit = "state->missing"
    step = f"(size_t) n * {channels}" if channels > 1 else "n"
    skips = ""
    if signals.restart > first:
        skips = (
            "if (state->skipped != 0) { /* what is left until everything begins anew */\n"
            "    const int left = n_frames - at;\n"
            f"    const {counter_type(signals.restart)} n ="
            f" (long) state->skipped < left ? state->skipped : ({counter_type(signals.restart)}) left;\n"
            f"    state->skipped = ({counter_type(signals.restart)}) (state->skipped - n);\n"
            f"    frames += {step};\n"
            "    at += (int) n;\n"
            "    continue;\n}\n"
        )
    small = parts.block < 32767
    block = (
        f"uint16_t n = {_as_u16(limit)};\n"
        f"if (({'int' if small else 'long'}) n > n_frames - at) {{\n    n = (uint16_t) (n_frames - at);\n}}\n"
        f"answer = {name}_take(state, frames, n);\n"
        f"frames += {step};\n"
        "at += (int) n;\n"
    )
    return (
        "int at = 0, answer = MW_NOT_YET;\n"
        "if (taken != NULL) {\n    *taken = 0;\n}\n"
        "if (state == NULL || frames == NULL || (taken == NULL && n_frames > 1)) {\n"
        "    return MW_ERROR_ARGUMENT;\n}\n"
        "if (n_frames < 0) {\n    return MW_ERROR_LENGTH;\n}\n"
        f"{_ready(name)}"
        f"while (at < n_frames && answer == MW_NOT_YET) {{\n{indented(skips + block)}}}\n"
        "if (taken != NULL) {\n    *taken = at;\n}\n"
        "return answer;\n"
    )


def _features(model: AnyModel, name: str, parts: Parts) -> Function:
    comment = (
        "/**\n * The features of the last complete window, as the functions above take them.\n *\n"
        f" * @param state not NULL.\n"
        f" * @return {name.upper()}_N_FEATURES numbers within state: from the push that answered\n"
        " *         until the next one, or a reset.\n */"
    )
    body = f"{{\n    return {parts.features};\n}}\n"
    return Function(comment, f"const {parts.type} *{name}_features(const {name}_state *state)", body)
