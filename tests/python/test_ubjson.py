"""The reader of Universal Binary JSON: what is well formed, and everything else."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.errors import ModelFileError
from milliwatt.frontends import ubjson


def _text(value: str) -> bytes:
    encoded = value.encode()
    return b"i" + bytes([len(encoded)]) + encoded


WELL_FORMED: list[tuple[bytes, Any]] = [
    (b"Z", None),
    (b"T", True),
    (b"F", False),
    (b"i\xff", -1),
    (b"U\xff", 255),
    (b"I\x80\x00", -32768),
    (b"l\x00\x01\x00\x00", 65536),
    (b"L" + struct.pack(">q", -(2**40)), -(2**40)),
    (b"d" + struct.pack(">f", 0.25), 0.25),
    (b"D" + struct.pack(">d", 1e300), 1e300),
    (b"H" + _text("1.5e3"), 1500.0),
    (b"CA", "A"),
    (b"S" + _text("größe"), "größe"),
    (b"NNT", True),
    (b"[]", []),
    (b"[i\x01NT]", [1, True]),
    (b"[#i\x02i\x01Z", [1, None]),
    (b"[$S#i\x02" + _text("a") + _text("b"), ["a", "b"]),
    (b"{}", {}),
    (b"{" + _text("a") + b"i\x01N" + _text("b") + b"[]}", {"a": 1, "b": []}),
    (b"{#i\x01" + _text("a") + b"T", {"a": True}),
    (b"{$i#i\x02" + _text("a") + b"\x01" + _text("b") + b"\x02", {"a": 1, "b": 2}),
]


@pytest.mark.parametrize(("data", "value"), WELL_FORMED)
def test_ubjson(data: bytes, value: Any) -> None:
    found = ubjson.loads(data)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("marker", "form"), [("i", "b"), ("U", "B"), ("I", "h"), ("l", "i"), ("L", "q"), ("d", "f"), ("D", "d")]
)
def test_ubjson_columns(marker: str, form: str) -> None:
    data = f"[${marker}#i\x03".encode() + struct.pack(f">3{form}", 1, 2, 100)
    found = ubjson.loads(data)
    assert found.tolist() == [1, 2, 100]
    assert found.dtype.isnative


HUGE = b"L\x7f" + b"\xff" * 7  # a count of 2**63 - 1
MALFORMED = [
    b"", b"N", b"x", b"i", b"L\0", b"S", b"Si\x05ab", b"Si\xff", b"Sd\0\0\0\0", b"Si\x01\xff", b"Hi\x01x",
    b"[", b"]", b"[T", b"[$i", b"[$i]", b"[$i#", b"[$i#i\x05\0", b"[$T#" + HUGE, b"[#" + HUGE, b"[$D#" + HUGE,
    b"[$Z#i\x01", b"[#i\xff", b"{", b"{i\x01", b"{i\x01a", b"{T", b"{#i\x02i\x01aT", b"{#" + HUGE, b"TT",
    b"S" + HUGE, b"[" * 10_000, b"{i\x01a" * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: repr(data[:12]))
def test_malformed_ubjson(data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"not valid UBJSON: .* at byte \d+"):
        ubjson.loads(data)


@settings(max_examples=500)
@given(st.binary(max_size=60) | st.text("[]{}$#iULdSZTF\x00\x01\x02", max_size=40).map(str.encode))
def test_any_ubjson(data: bytes) -> None:
    with contextlib.suppress(ModelFileError):
        ubjson.loads(data)
