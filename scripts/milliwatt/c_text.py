"""Small pieces of C text: literals, arrays, comments, identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Context

from milliwatt.dtypes import FEATURE_TYPES, float32_bits, float32_from_bits

_WIDTH = 100


def integer(value: int, bits: int) -> str:
    """A signed integer constant that is right where ``int`` has 16 bits too."""
    if bits <= 16:
        return "(-32767 - 1)" if value == -32768 else str(value)
    if bits <= 32:
        return "(-INT32_C(2147483647) - 1)" if value == -(1 << 31) else f"INT32_C({value})"
    return f"INT64_C({value})"


def float_literal(value: float) -> str:
    """A float32 constant that reads back to the same bits: nine significant digits do."""
    # Rounded once: nine digits of a float64 in between could read back as a neighbour.
    text = f"{float32_from_bits(float32_bits(value)):.9g}"
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"


def bound(value: float, digits: int = 2) -> str:
    """A bound with few digits, rounded up, so that it stays one."""
    return f"{float(Context(prec=digits, rounding=ROUND_CEILING).create_decimal(value)):.{digits}g}"


def array(c_type: str, name: str, values: Iterable[str]) -> str:
    """A constant table in flash."""
    body = wrap(list(values))
    return f"static const {c_type} {name}[] MW_FLASH = {{\n{body}\n}};\n"


def row_table(name: str, rows: Iterable[Sequence[int]], bits: int) -> str:
    """Rows of unsigned integers as one constant table in flash."""
    return array(f"uint{bits}_t", name, (f"{value}U" for row in rows for value in row))


def wrap(items: Sequence[str]) -> str:
    """Items separated by commas, in lines of at most 100 columns."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line])


def comment_text(text: str) -> str:
    """Any text made safe for a C comment, on one line."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    # Backslashes first: what they become must not complete a comment's end.
    plain = printable.replace("\\", "/").replace("*/", "* /").replace("/*", "/ *")
    return re.sub(r"\?(?=\?)", "? ", plain)


def string_literal(text: str) -> str:
    """A C string constant: UTF-8, everything but plain ASCII as octal escapes."""
    out = []
    for byte in text.encode("utf-8", "surrogatepass"):
        char = chr(byte)
        if char in '"\\?' or not 32 <= byte < 127:
            out.append(f"\\{byte:03o}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def identifier(text: str) -> str:
    """A text as the tail of an upper-case macro name."""
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def condition(dtype: str, operand: str, threshold: float, missing_left: bool | None) -> str:
    """The C expression that is true when a sample goes left."""
    kind = FEATURE_TYPES[dtype]
    if kind.is_integer:
        return f"{operand} <= {integer(int(threshold), 8 * kind.size)}"
    bits = float32_bits(threshold + 0.0)  # a threshold of -0 is one of +0
    if bits < 0x8000_0000:
        test = f"mw_float_le_positive({operand}, INT32_C(0x{bits:08x}))"
    else:
        test = f"mw_float_le_negative({operand}, UINT32_C(0x{bits:08x}))"
    return with_missing(test, operand, missing_left)


def category_condition(dtype: str, operand: str, table: str, offset: int, missing_left: bool | None) -> str:
    """The same for a split on categories; the set is `offset` bytes into a table."""
    kind = "int" if FEATURE_TYPES[dtype].is_integer else "float"
    test = f"mw_in_set({table} + {offset}, mw_category_of_{kind}({operand}))"
    return with_missing(test, operand, missing_left)


def with_missing(test: str, operand: str, missing_left: bool | None) -> str:
    """A test that sends missing values where the split says (None: there are none)."""
    if missing_left is None:
        return test
    return f"mw_is_nan({operand}) || {test}" if missing_left else f"!mw_is_nan({operand}) && {test}"


def negated(test: str) -> str:
    """The opposite of a test."""
    if " <= " in test and "(" not in test:
        return test.replace(" <= ", " > ")
    return f"!({test})" if " " in test.split("(")[0] or "||" in test or "&&" in test else f"!{test}"
