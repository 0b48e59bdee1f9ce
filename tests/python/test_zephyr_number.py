"""The numbers that the Zephyr shell command reads, without a C library: compiled here, against Python's."""

from __future__ import annotations

import ctypes
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.toolchain import STRICT

SOURCE = Path(__file__).resolve().parents[2] / "zephyr" / "src" / "number.c"
Parse = Callable[[str], "tuple[float, str] | None"]


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Parse:
    library = tmp_path_factory.mktemp("number") / "number.so"
    command = ["gcc", "-std=c99", *STRICT, "-shared", "-fPIC", str(SOURCE), "-o", str(library)]
    subprocess.run(command, check=True)
    function = ctypes.CDLL(str(library)).mw_parse_number
    function.restype = ctypes.c_bool

    def parse(text: str) -> tuple[float, str] | None:
        data = ctypes.create_string_buffer(text.encode())
        end, value = ctypes.c_char_p(), ctypes.c_double()
        if not function(data, ctypes.byref(end), ctypes.byref(value)):
            return None
        return value.value, (end.value or b"").decode()

    return parse


@given(st.floats(width=32, allow_nan=False))
def test_floats_come_back(parse: Parse, number: float) -> None:
    for text in (f"{number:.9g}", repr(number), f"{number:.12e}"):
        found = parse(text)
        assert found is not None
        value, rest = found
        assert rest == ""
        with np.errstate(over="ignore"):
            assert np.float32(value).tobytes() == np.float32(number).tobytes()


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_are_exact(parse: Parse, number: int) -> None:
    assert parse(str(number)) == (float(number), "")


@pytest.mark.parametrize(
    ("text", "value", "rest"),
    [
        ("12", 12.0, ""), ("+12,13", 12.0, ",13"), ("-.5", -0.5, ""), ("1.", 1.0, ""), ("1.e3", 1000.0, ""),
        ("1e", 1.0, "e"), ("1e+", 1.0, "e+"), ("1e-2x", 0.01, "x"), ("inf", math.inf, ""),
        ("-inf", -math.inf, ""), ("1e400", math.inf, ""), ("1e-400", 0.0, ""),
        ("1e99999999999", math.inf, ""),
        ("0e99999999999", 0.0, ""), ("9" * 40, 1e40, ""),
        ("0." + "0" * 40 + "1", 1e-41, ""), ("1..2", 1.0, ".2"),
    ],
)  # fmt: skip
def test_forms(parse: Parse, text: str, value: float, rest: str) -> None:
    found = parse(text)
    assert found is not None
    assert found == (pytest.approx(value, rel=1e-15), rest)


@pytest.mark.parametrize("text", ["", "-", "+", ".", "e5", "--1", "x", " 1", "NaN", "i", "na"])
def test_no_numbers(parse: Parse, text: str) -> None:
    assert parse(text) is None


def test_nan(parse: Parse) -> None:
    found = parse("nan")
    assert found is not None
    assert math.isnan(found[0])
