"""Writes the constant tables of ``<milliwatt/fft.h>``: one C file a size and family, in ``src/``.

    python scripts/fft_tables.py           writes them
    python scripts/fft_tables.py --check   says which are not what it would write

Only Python's standard library is needed.
"""

from __future__ import annotations

import argparse
import math
import struct
from collections.abc import Sequence
from pathlib import Path

from milliwatt.emit.text import wrap

SOURCES = Path(__file__).resolve().parent.parent / "src"
LENGTHS = tuple(1 << power for power in range(3, 13))
FAMILIES = {"f32": "float", "i32": "uint16_t", "q15": "int16_t"}


def quarter_wave(n: int) -> list[float]:
    """``cos(2 pi k / n)`` for k from 0 to n / 4, the last bit of a float64 right or nearly so."""
    eighth = [k / n * 2 * math.pi for k in range(n // 8 + 1)]
    return [*map(math.cos, eighth), *map(math.sin, eighth[n // 4 - n // 8 - 1 :: -1])]


def floats(n: int) -> list[float]:
    """The table of floats, as float64 with float32's values."""
    return [float(n), *(struct.unpack("f", struct.pack("f", value))[0] for value in quarter_wave(n))]


def i32(n: int) -> list[int]:
    """The table of transforms of 32 bits, in 2^-16, without sign: 1 is not in it, nor asked for."""
    _, *rest = quarter_wave(n)
    return [n, 65535, *(min(65535, math.floor(value * 65536 + 0.5)) for value in rest)]


def q15(n: int) -> list[int]:
    """The table of 16 bits: minus the cosines, since -1 is a number of q15 and 1 is not.

    No other number is -32768, so that each has its opposite.
    """
    first, *rest = quarter_wave(n)
    assert first == 1.0
    return [n, -32768, *(-min(32767, math.floor(value * 32768 + 0.5)) for value in rest)]


def source(n: int, family: str) -> str:
    """The C file with one table."""
    if family == "f32":
        texts = [_c_float(value) for value in floats(n)[1:]]  # the macro writes the first
    else:
        texts = [str(value) for value in (i32 if family == "i32" else q15)(n)]
    head = "/* SPDX-License-Identifier: MIT */\n/* Written by scripts/fft_tables.py. */\n"
    if family == "f32":
        return (
            f'{head}#include "fft_table_f32.h"\n\n/* clang-format off */\n'
            f"MW_FFT_TABLE_F32_BEGIN({n})\n{wrap(texts)}\nMW_FFT_TABLE_F32_END({n}, {n // 2})\n"
        )
    name = f"mw_fft_table_{n}_{family}[MW_FFT_TABLE_SIZE({n})]"
    return (
        f"{head}#include <milliwatt/fft.h>\n\n/* clang-format off */\n"
        f"const {FAMILIES[family]} {name} MW_FLASH = {{\n{wrap(texts)}\n}};\n"
    )


def _c_float(value: float) -> str:
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def path(n: int, family: str) -> Path:
    """Where the table is."""
    return SOURCES / f"fft_table_{n}_{family}.c"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all files are, or now are, what they should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    wrong = 0
    for n in LENGTHS:
        for family in FAMILIES:
            file, text = path(n, family), source(n, family)
            if check and (not file.is_file() or file.read_text(encoding="utf-8") != text):
                print(f"fft_tables: {file.name} is not what this script writes: run it without --check")
                wrong = 1
            if not check:
                file.write_text(text, encoding="utf-8", newline="\n")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
