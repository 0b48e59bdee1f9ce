"""Signals in ``*.mw.json``: fields that hold what a stage has anyway are left out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from milliwatt.errors import ModelFileError
from milliwatt.ir import signals as nodes
from milliwatt.ir.signals import Signals

# What a JSON object calls each kind of stage or step.
_STAGES: dict[str, type] = {
    "iir": nodes.Iir,
    "fir": nodes.Fir,
    "length": nodes.Length,
    "choose": nodes.Choose,
    "to_float": nodes.ToFloat,
    "emphasis": nodes.Emphasis,
    "remove_dc": nodes.RemoveDc,
    "centre": nodes.Centre,
    "spectrum": nodes.Spectrum,
    "goertzel": nodes.Goertzel,
    "affine": nodes.Affine,
    "scale_each": nodes.ScaleEach,
    "normalize": nodes.Normalize,
    "log1p": nodes.Log1p,
}
_WORDS = {kind: word for word, kind in _STAGES.items()}
_MISSING: Any = object()


def signals_to_json(signals: Signals | None) -> object:
    """A JSON object, or None where there are none."""
    return None if signals is None else _to_json(signals)


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    word = _WORDS.get(type(value))
    data = {} if word is None else {"kind": word}
    for field in dataclasses.fields(value):
        found = getattr(value, field.name)
        if found != _usual(field):
            data[field.name] = _to_json(found)
    return data


def _usual(field: dataclasses.Field[Any]) -> Any:
    """What a field holds where nobody says; else something that equals nothing."""
    return _MISSING if field.default is dataclasses.MISSING else field.default


def signals_from_json(value: object, cure: str) -> Signals | None:
    """What :func:`signals_to_json` has written, every number of the type it has to be.

    Raises:
        ModelFileError: with the place of what is wrong, and ``cure``.
    """
    if value is None:
        return None
    try:
        found: Signals = _record(Signals, value, "signals")
        return found
    except _WrongError as error:
        raise ModelFileError(error.args[0], option=error.args[1], cure=cure) from None


class _WrongError(Exception):
    """What is wrong, and where."""


def _record(kind: type, value: object, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise _WrongError("not an object", where)
    hints = _hints(kind)
    extra = {"kind"} if kind in _WORDS else set()
    unknown = sorted(set(map(str, value)) - set(hints) - extra)
    if unknown:
        raise _WrongError(f"unknown to {_WORDS.get(kind, kind.__name__)}", f"{where}.{unknown[0]}")
    made: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        place = f"{where}.{field.name}"
        if field.name in value:
            made[field.name] = _read(hints[field.name], value[field.name], place)
        elif _usual(field) is _MISSING:
            raise _WrongError("missing", place)
    return kind(**made)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: object, where: str) -> Any:
    """A value of the type that a field is annotated with."""
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise _WrongError("not a list", where)
        of = get_args(hint)[0]
        return tuple(_read(of, item, f"{where}[{index}]") for index, item in enumerate(value))
    if get_origin(hint) in (Union, UnionType):
        return _one_of(get_args(hint), value, where)
    if dataclasses.is_dataclass(hint):
        return _record(hint, value, where)  # type: ignore[arg-type]
    return _plain(hint, value, where)


def _one_of(kinds: tuple[type, ...], value: object, where: str) -> Any:
    word = value.get("kind") if isinstance(value, Mapping) else None
    kind = _STAGES.get(word) if isinstance(word, str) else None
    if kind not in kinds:
        known = ", ".join(sorted(_WORDS[kind] for kind in kinds))
        raise _WrongError(f"its kind is {word!r}, and none of {known}", where)
    return _record(kind, value, where)


_NAMES = {int: "a whole number", float: "a finite number", str: "a text", bool: "true or false"}


def _plain(hint: type, value: object, where: str) -> Any:
    if hint is float and type(value) in (int, float):
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    elif type(value) is hint:
        return value
    raise _WrongError(f"not {_NAMES[hint]}", where)
