"""Fields of parsed JSON, with their types checked.

Numbers are written so that they come back bit for bit: Python's shortest round-trip form for
floats, and the strings ``"inf"`` and ``"-inf"`` where JSON has no word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from milliwatt.errors import ModelFileError

REEXPORT = "export the model again with `milliwatt export`"
_T = TypeVar("_T")


class Fields:
    """Takes fields out of a JSON object; whatever is not as it should be is a :class:`ModelFileError`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    def field(self, key: str, kind: type[_T]) -> _T:
        """What is there under a key, of that type."""
        value = self.data.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ModelFileError(f"missing, or not a {kind.__name__}", option=key, cure=REEXPORT)
        return value

    def tuple_of(self, key: str, convert: Callable[[Any], _T]) -> tuple[_T, ...]:
        """A list, every value of it converted."""
        return all_of(self.field(key, list), convert, key)

    def number(self, key: str) -> float:
        """A number, infinite ones among them."""
        return all_of([self.data.get(key)], real, key)[0]


def number_to_json(value: float) -> float | str:
    """What :func:`real` reads."""
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def all_of(values: Iterable[Any], convert: Callable[[Any], _T], where: str) -> tuple[_T, ...]:
    """Every value converted by one of the functions below, or an error that names the place."""
    try:
        # Nearly all of a large model is lists of one type, of which nothing more is asked.
        if isinstance(values, list) and set(map(type, values)) == {_EXACT_TYPE.get(convert)}:
            return tuple(values)
        return tuple([convert(value) for value in values])
    except (TypeError, ValueError, OverflowError):
        raise ModelFileError("a value has the wrong type", option=where, cure=REEXPORT) from None


def integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def flag(value: Any) -> bool:
    if type(value) is not int or value not in (0, 1):
        raise TypeError
    return bool(value)


def real(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        float(value)  # raises for what no float can hold
        return value  # an int threshold stays an int: integer features compare as integers
    if value == "inf" or value == "-inf":
        return float(value)
    raise TypeError


_EXACT_TYPE: dict[Callable[[Any], Any], type] = {integer: int, real: float}


def string(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def label(value: Any) -> int | float | str | bool:
    if isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError
