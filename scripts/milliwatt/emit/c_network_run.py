"""The C that runs a network: its tables, and one function that calls the kernels layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.net_plan import Plan
from milliwatt.emit.net_steps import (
    ACTIVATE,
    COPY,
    FEATURES,
    INPUT,
    LOOK_UP,
    PAD,
    PART,
    RUN,
    SUM,
    WIDEN,
    Step,
    Value,
    bits_of,
    label,
)  # fmt: skip
from milliwatt.emit.net_tables import activation_kernel, input_kernel, input_tables, kernel, layer_tables
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.network import WITH_ALPHA, Activation, Add, Conv, Dense, Depthwise
from milliwatt.ir.network_integers import Table


class Runner:
    """Writes the tables of one network and ``<name>_run``, which answers a pointer to the scores.

    Attributes:
        score_type: C type of a score.
        features_type: C type of a feature.
    """

    def __init__(self, plan: Plan, name: str) -> None:
        self.plan = plan
        self.model = plan.model
        self.name = name
        self.bits = bits_of(plan.model)
        self.score_type = plan.values[plan.scores].c_type
        self.features_type = FEATURE_TYPES[plan.model.dtype].c_type

    # -- tables --------------------------------------------------------------------------------

    def tables(self) -> Iterator[str]:
        """Everything constant, layer by layer."""
        for step in self.plan.steps:
            if step.do == INPUT:
                yield from self._input_tables()
            elif step.do == PAD:
                yield self._pad_table(step)
            elif step.do in (RUN, LOOK_UP) or (step.do == SUM and self.bits):
                assert step.layer is not None
                yield from layer_tables(
                    step.layer, self._layer(step), step.before, *step.grids, bits=self.bits
                )

    def _layer(self, step: Step) -> str:
        return f"{self.name}_l{step.tensor - 1}"

    def _input_tables(self) -> Iterator[str]:
        given = self.model.input_map
        if given is None:
            if len(set(self.model.scale)) > 1:
                inverse = (text.float_literal(1.0 / scale) for scale in self.model.scale)
                yield text.array("float", f"{self.name}_inverse", inverse)
        else:
            yield from input_tables(given, self.model.dtype, self.model.n_features, f"{self.name}_input")

    def _pad_table(self, step: Step) -> str:
        size = self.plan.values[step.writes].size
        top, left, bottom, right = step.padding
        height, width, channels = step.before
        row = (left + width + right) * channels * size
        if size > 1 and step.zero:
            raise UnsupportedModelError(
                f"around an image of numbers of {size} bytes only zeros can lie, not {step.zero}",
                option=label(self.model, step.tensor),
                cure="convert again with quantize=int16",
            )
        fields = (
            top * row, bottom * row, left * channels * size, right * channels * size, height,
            width * channels * size, step.zero,
        )  # fmt: skip
        return _struct("mw_pad", f"{self.name}_p{step.tensor - 1}", fields)

    # -- the function --------------------------------------------------------------------------

    def run(self) -> str:
        """``<name>_run``."""
        plan = self.plan
        pointers = [
            f"    {value.c_type} *const {value.name} = ({value.c_type} *) {_place(offset)};\n"
            for number, (value, offset) in enumerate(zip(plan.values, plan.offsets, strict=True))
            if number != FEATURES
        ]
        lines, told = [], -1
        for step in plan.steps:
            if step.tensor != told:
                told = step.tensor
                lines.append(f"    /* {label(self.model, told)} */\n")
            lines.append(self._call(step))
        scores = plan.values[plan.scores].name
        return (
            f"/* The scores of features that were checked. The arena holds {plan.size} bytes. */\n"
            f"static const {self.score_type} *{self.name}_run(const {self.features_type} *features,"
            f" uint32_t *arena)\n{{\n{''.join(pointers)}\n{''.join(lines)}    return {scores};\n}}\n"
        )

    def _call(self, step: Step) -> str:
        write: dict[str, Callable[[Step, list[Value], Value], str]] = {
            INPUT: self._input,
            COPY: self._copy,
            PAD: self._pad,
            RUN: self._run_layer,
            SUM: self._sum,
            ACTIVATE: self._activate,
            LOOK_UP: self._look_up,
            PART: self._part,
            WIDEN: self._widen,
        }
        values = self.plan.values
        return write[step.do](step, [values[number] for number in step.reads], values[step.writes])

    def _input(self, step: Step, reads: list[Value], out: Value) -> str:
        given, dtype = self.model.input_map, self.model.dtype
        if given is not None:
            return f"    {input_kernel(given, dtype)}(&{self.name}_input, features, {out.name});\n"
        scale = sorted(set(self.model.scale))
        factor = ""
        if len(scale) > 1:
            factor = f" * mw_read_float({self.name}_inverse + i)"
        elif scale:
            factor = f" * {text.float_literal(1.0 / scale[0])}"
        return self._loop(out, f"(float) features[i]{factor}")

    def _widen(self, step: Step, reads: list[Value], out: Value) -> str:
        zero = f" - {text.integer(step.zero, 32)}" if step.zero else ""
        return self._loop(out, f"(int32_t) {reads[0].name}[i]{zero}")

    def _loop(self, out: Value, element: str) -> str:
        return f"    for (int i = 0; i < {out.n}; ++i) {{\n        {out.name}[i] = {element};\n    }}\n"

    def _copy(self, step: Step, reads: list[Value], out: Value) -> str:
        return f"    memcpy({out.name}, {reads[0].name}, {out.n * out.size});\n"

    def _pad(self, step: Step, reads: list[Value], out: Value) -> str:
        return f"    mw_pad_run(&{self.name}_p{step.tensor - 1}, {reads[0].name}, {out.name});\n"

    def _run_layer(self, step: Step, reads: list[Value], out: Value) -> str:
        assert step.layer is not None
        return f"    {kernel(step.layer, self.bits)}(&{self._layer(step)}, {reads[0].name}, {out.name});\n"

    def _sum(self, step: Step, reads: list[Value], out: Value) -> str:
        assert step.layer is not None
        names = ", ".join(value.name for value in reads)
        if self.bits:
            call = f"{kernel(step.layer, self.bits)}(&{self._layer(step)}, x, {out.name});"
        else:
            call = f"mw_add_f32(x, {len(reads)}, {out.n}, {out.name});"
        return f"    {{\n        const {out.c_type} *const x[] = {{{names}}};\n        {call}\n    }}\n"

    def _activate(self, step: Step, reads: list[Value], out: Value) -> str:
        layer = step.layer
        assert isinstance(layer, Dense | Conv | Depthwise | Add | Activation)
        alpha = f", {text.float_literal(layer.alpha)}" if layer.activation in WITH_ALPHA else ""
        return f"    {activation_kernel(layer.activation)}({out.name}, {out.n}{alpha});\n"

    def _look_up(self, step: Step, reads: list[Value], out: Value) -> str:
        assert isinstance(step.layer, Table)
        return f"    {kernel(step.layer, self.bits)}({out.name}, {out.n}, {self._layer(step)});\n"

    def _part(self, step: Step, reads: list[Value], out: Value) -> str:
        assert step.layer is not None
        rows, channels, pitch = prod(step.before[:-1]), step.before[-1], step.layer.shape[-1]
        to = f"{out.name} + {step.at}" if step.at else out.name
        return (
            f"    mw_copy_rows({reads[0].name}, {rows}, {channels * out.size}, {to}, {pitch * out.size});\n"
        )


def _place(offset: int) -> str:
    return f"(arena + {offset // 4})" if offset else "arena"


def _struct(c_type: str, name: str, fields: tuple[object, ...]) -> str:
    return f"static const {c_type} {name} MW_FLASH = {{{', '.join(map(str, fields))}}};\n"
