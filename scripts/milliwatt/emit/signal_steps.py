"""The C of what is done to all numbers together: affine maps, norms, logarithms."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.signal_layout import Member
from milliwatt.emit.signal_tables import Tables, read_index
from milliwatt.ir.signal_shapes import n_numbers
from milliwatt.ir.signals import Affine, Log1p, Normalize, ScaleEach, Signals, VectorStep


@dataclass(frozen=True)
class StepsCode:
    """The C of vector steps.

    Attributes:
        body: statements, from ``numbers`` to the features.
        members: scratch: ``numbers``, and where maps write to.
    """

    body: str
    members: tuple[Member, ...]


def steps_code(signals: Signals, tables: Tables, at: str, features: str) -> StepsCode:
    """The C of a model's steps.

    Args:
        at: before scratch members.
        features: where the last step writes to.
    """
    chosen, width = signals.chosen, n_numbers(signals)
    sizes = {"numbers": width}
    now, body = "numbers", ""
    for index, step in enumerate(signals.steps):
        if isinstance(step, Affine):
            ends = index == len(signals.steps) - 1 and not chosen
            other = "" if ends else "mapped" if now == "numbers" else "numbers"
            to = at + other if other else features
            body += _affine(step, tables, at + now, width, to)
            width, now = len(step.offset), other
            if other:
                sizes[other] = max(width, sizes.get(other, 0))
        else:
            body += _in_place(step, tables, at + now, width)
    if chosen:
        places = read_index(tables.indices(chosen), chosen, "i")
        body += (
            f"for (uint16_t i = 0; i < {len(chosen)}; ++i) {{\n    {features}[i] = {at}{now}[{places}];\n}}\n"
        )
    elif now:
        body += f"memcpy({features}, {at}{now}, sizeof {features});\n"
    return StepsCode(body, tuple(Member(name, "float", size) for name, size in sizes.items()))


def _affine(step: Affine, tables: Tables, x: str, width: int, out: str) -> str:
    weights = tables.floats([weight for row in step.weights for weight in row])
    offset = tables.floats(step.offset)
    return f"mw_affine_f32({x}, {width}, {weights}, {offset}, {out}, {len(step.offset)});\n"


def _in_place(step: VectorStep, tables: Tables, x: str, width: int) -> str:
    if isinstance(step, ScaleEach):
        centre, scale = tables.floats(step.centre), tables.floats(step.scale)
        return f"mw_scale_each_f32({x}, {width}, {centre}, {scale});\n"
    if isinstance(step, Log1p):
        return f"mw_log1p_f32({x}, {width});\n"
    assert isinstance(step, Normalize)
    return f"mw_normalize_{step.norm}_f32({x}, {width});\n"
