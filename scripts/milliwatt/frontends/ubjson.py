"""Universal Binary JSON (https://ubjson.org, draft 12), the part of it that holds data: read only."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from milliwatt.errors import ModelFileError

_CURE = "save the model again, as *.ubj or *.json"
_MAX_DEPTH = 100
# Markers of numbers: big-endian, as a struct format and as a numpy type.
_NUMBERS = {"i": "b", "U": "B", "I": "h", "l": "i", "L": "q", "d": "f", "D": "d"}
_ARRAYS = {"i": "i1", "U": "u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_INTEGERS = "iUIlL"
_WORDS = {"Z": None, "T": True, "F": False}


def loads(data: bytes) -> Any:
    """The value in a file's bytes, all of them.

    Arrays of one type of number become numpy arrays, everything else what ``json.loads`` gives.
    No count is believed before as many bytes are there, so memory stays within a small multiple of
    the file's size.

    Raises:
        ModelFileError: says at which byte the data stop making sense.
    """
    reader = _Reader(data)
    value = reader.value(reader.marker(), 0)
    if reader.at != len(data):
        raise reader.error("more data than one value")
    return value


class _Reader:
    """A place in the data that moves on as values are taken out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def error(self, problem: str) -> ModelFileError:
        return ModelFileError(f"not valid UBJSON: {problem} at byte {self.at}", cure=_CURE)

    def marker(self) -> str:
        """The next byte that is not padding."""
        while (found := chr(self._take(1)[0])) == "N":
            pass
        return found

    def value(self, marker: str, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise self.error("nested too deeply")
        if marker in _NUMBERS:
            return self._number(marker)
        if marker in _WORDS:
            return _WORDS[marker]
        if marker in "SH":
            text = self._text()
            return text if marker == "S" else self._precise(text)
        if marker == "C":
            return chr(self._take(1)[0])
        if marker == "[":
            return self._array(depth)
        if marker == "{":
            return self._object(depth)
        raise self.error(f"unknown marker {marker!r}")

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise self.error("the data end too early")
        self.at += count
        return self._data[self.at - count : self.at]

    def _peek(self, marker: str) -> bool:
        return self._data[self.at : self.at + 1] == marker.encode()

    def _number(self, marker: str) -> Any:
        form = ">" + _NUMBERS[marker]
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _length(self) -> int:
        marker = self.marker()
        if marker not in _INTEGERS:
            raise self.error("a length is not an integer")
        length = int(self._number(marker))
        if length < 0:
            raise self.error("a length is negative")
        return length

    def _text(self) -> str:
        try:
            return self._take(self._length()).decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("a text is not UTF-8") from None

    def _precise(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise self.error("a number written as text is none") from None

    def _header(self) -> tuple[str, int | None]:
        """The type that all items share (or ``""``), and their number (or None)."""
        kind, count = "", None
        if self._peek("$"):
            self.at += 1
            kind = self.marker()
            if not self._peek("#"):
                raise self.error("a type without a count")
        if self._peek("#"):
            self.at += 1
            count = self._length()
            # Each item takes at least a byte, unless its type says everything.
            if count > len(self._data) - self.at or (kind and kind in "ZTFN"):
                raise self.error("a count of more items than there are bytes")
        return kind, count

    def _array(self, depth: int) -> Any:
        kind, count = self._header()
        if kind in _ARRAYS and count is not None:
            form = np.dtype(_ARRAYS[kind])
            column = np.frombuffer(self._take(count * form.itemsize), dtype=form)
            return column.astype(form.newbyteorder("="))
        items: list[Any] = []
        while count is None or len(items) < count:
            marker = kind or self.marker()
            if count is None and marker == "]":
                break
            items.append(self.value(marker, depth + 1))
        return items

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._header()
        items: dict[str, Any] = {}
        read = 0
        while read != count:
            if count is None and self._peek("}"):
                self.at += 1
                break
            if self._peek("N"):
                self.at += 1
                continue
            key = self._text()
            items[key] = self.value(kind or self.marker(), depth + 1)
            read += 1
        return items
