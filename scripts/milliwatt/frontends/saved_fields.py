"""Fields of files that other programs wrote, taken out with their types checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import ModelFileError
from milliwatt.frontends.saved_trees import RESAVE

_LARGEST = 2**31 - 1


class Fields:
    """An object of a parsed file. Whatever is wrong in it is a :class:`ModelFileError` naming the field.

    Args:
        data: what was parsed, a mapping if the file is sound.
        where: the object's place in the file, such as ``learner.objective``.
    """

    def __init__(self, data: object, where: str = "") -> None:
        self._where = where
        if not isinstance(data, Mapping):
            raise self.error("missing, or not an object")
        self._data: Mapping[str, Any] = data

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def error(self, problem: str, key: str = "") -> ModelFileError:
        """The error for a field, or for the object itself."""
        return ModelFileError(problem, option=self._place(key) or None, cure=RESAVE)

    def _place(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where and key else self._where or key

    def group(self, key: str) -> Fields:
        """An object in this one."""
        return Fields(self._data.get(key), self._place(key))

    def groups(self, key: str) -> list[Fields]:
        """A list of objects."""
        return [Fields(item, f"{self._place(key)}[{i}]") for i, item in enumerate(self._list(key))]

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if not isinstance(value, str):
            raise self.error("missing, or not a text", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when there is none."""
        values = self._list(key) if key in self._data else []
        if not all(isinstance(value, str) for value in values):
            raise self.error("not a list of texts", key)
        return tuple(values)

    def count(self, key: str, default: int | None = None) -> int:
        """A number >= 0, which may be written as text."""
        value = self._data.get(key, default)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if type(value) is not int or not 0 <= value <= _LARGEST:
            raise self.error("missing, or not a count", key)
        return value

    def integers(self, key: str, length: int | None = None) -> NDArray[np.int64]:
        """A column of integers, or of flags."""
        column = self._column(key, "iub", length)
        if column.dtype.kind == "u" and column.size and int(column.max()) > np.iinfo(np.int64).max:
            raise self.error("holds a number that is too large", key)
        return column.astype(np.int64)

    def reals(self, key: str, length: int | None = None) -> NDArray[np.float32]:
        """A column of numbers as float32."""
        with np.errstate(over="ignore"):
            return self._column(key, "iuf", length).astype(np.float32)

    def numbers_in_text(self, key: str) -> NDArray[np.float32]:
        """A number, or a list of numbers, written as text: ``"5E-1"`` or ``"[1E0,2E0]"``."""
        try:
            value = json.loads(self.text(key))
        except (ValueError, RecursionError):
            value = []
        values = value if isinstance(value, list) else [value]
        if not values or not all(type(number) in (int, float) for number in values):
            raise self.error("neither a number nor a list of numbers", key)
        try:
            column = np.array(values, dtype=np.float64)
        except OverflowError:
            raise self.error("holds a number that is too large", key) from None
        with np.errstate(over="ignore"):
            return column.astype(np.float32)

    def _list(self, key: str) -> list[Any]:
        value = self._data.get(key)
        if isinstance(value, np.ndarray) and value.size == 0:
            return []  # an empty list that was written with a type
        if not isinstance(value, list):
            raise self.error("missing, or not a list", key)
        return value

    def _column(self, key: str, kinds: str, length: int | None) -> NDArray[Any]:
        value = self._data.get(key)
        if not isinstance(value, (list, np.ndarray)):
            raise self.error("missing, or not a list", key)
        try:
            column = np.asarray(value)
        except (ValueError, OverflowError):
            column = np.zeros((0, 0))
        if column.ndim != 1 or (column.size and column.dtype.kind not in kinds):
            raise self.error("holds something of another type than it should", key)
        if length is not None and len(column) != length:
            raise self.error(f"{len(column)} values instead of {length}", key)
        return column
