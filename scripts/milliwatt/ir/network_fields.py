"""Fields of layers in ``*.mw.json``: each as JSON, and back, checked.

Weights are base64 of little-endian numbers, under the name of their type.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from milliwatt.errors import ModelFileError
from milliwatt.ir.network import Array, Shape
from milliwatt.ir.network_array import KINDS
from milliwatt.ir.network_integers import Grid, InputMap, Requantize
from milliwatt.ir.validate_network import check_array_shape, check_shape

Reader = Callable[[object, str], Any]


def to_json(value: object) -> object:
    """A field's value: numbers, texts, tuples, arrays, records."""
    if isinstance(value, Array):
        return {"shape": list(value.shape), value.kind: base64.b64encode(value.data).decode("ascii")}
    if isinstance(value, Grid | Requantize | InputMap):
        names = (field.name for field in dataclasses.fields(value))
        return {name: to_json(getattr(value, name)) for name in names}
    return list(value) if isinstance(value, tuple) else value


class WrongFieldError(Exception):
    """Something that is not what it should be, and the field it is in."""

    def __init__(self, problem: str, field: str = "") -> None:
        super().__init__(problem)
        self.problem, self.field = problem, field


def _numbers(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(number) is int for number in value):
        raise WrongFieldError("not a list of whole numbers", name)
    return tuple(value)


def _shape(value: object, name: str) -> Shape:
    found = _numbers(value, name)
    check_shape(found)
    return found


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise WrongFieldError("not a text", name)
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise WrongFieldError("not true or false", name)
    return value


def _real(value: object, name: str) -> float:
    if type(value) not in (int, float):
        raise WrongFieldError("not a number", name)
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise WrongFieldError("not a number that a float can hold", name) from None


def _array(value: object, name: str) -> Array:
    kinds = [kind for kind in KINDS if isinstance(value, Mapping) and kind in value]
    if not isinstance(value, Mapping) or len(kinds) != 1 or set(value) != {"shape", kinds[0]}:
        raise WrongFieldError(f"not an object of shape and one of {', '.join(KINDS)}", name)
    shape, kind = _numbers(value["shape"], name), kinds[0]
    try:
        check_array_shape(shape)
    except ModelFileError as error:
        raise error.inside(name) from None
    expected = KINDS[kind][1]
    for side in shape:
        expected *= side
    text = value[kind]
    if not isinstance(text, str) or len(text) != -(-expected // 3) * 4:
        raise WrongFieldError(f"not {expected} bytes as base64", name)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WrongFieldError("not base64", name) from None
    if len(data) != expected:
        raise WrongFieldError(f"not {expected} bytes as base64", name)
    return Array(shape, kind, data)


def _integer(value: object, name: str) -> int:
    if type(value) is not int:
        raise WrongFieldError("not a whole number", name)
    return value


def _reals(value: object, name: str) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise WrongFieldError("not a list of numbers", name)
    return tuple(_real(number, name) for number in value)


def _record(kind: type[Any], readers: Mapping[str, Reader]) -> Reader:
    """A reader of a JSON object with exactly the fields of a dataclass."""

    def read(value: object, name: str) -> Any:
        if not isinstance(value, Mapping) or set(value) != set(readers):
            raise WrongFieldError(f"not an object of {', '.join(readers)}", name)
        return kind(**{field: reader(value[field], f"{name}.{field}") for field, reader in readers.items()})

    return read


_GRID = _record(Grid, {"unit": _real, "zero": _integer, "low": _integer, "high": _integer})
_INPUT_MAP = _record(
    InputMap,
    {
        "bits": _integer, "unit": _reals, "zero": _numbers, "low": _integer, "high": _integer,
        "scale": _numbers, "offset": _numbers, "shift": _integer,
    },
)  # fmt: skip


def _grid_or_none(value: object, name: str) -> Grid | None:
    found: Grid | None = None if value is None else _GRID(value, name)
    return found


def input_map(value: object, name: str) -> InputMap | None:
    """How features become integers, or None."""
    found: InputMap | None = None if value is None else _INPUT_MAP(value, name)
    return found


READERS: dict[str, Reader] = {
    "weights": _array, "bias": _array, "inputs": _numbers, "shape": _shape, "size": _numbers,
    "strides": _numbers, "dilation": _numbers, "padding": _numbers, "activation": _text, "alpha": _real,
    "counts_padding": _flag, "values": _array, "scale": _integer, "scales": _numbers, "offset": _integer,
    "shift": _integer, "bits": _integer, "grid": _grid_or_none, "units": _reals,
    "requantize": _record(
        Requantize, {"sum_shift": _integer, "scale": _array, "offset": _integer, "shift": _integer}
    ),
}  # fmt: skip
