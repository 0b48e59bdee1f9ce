"""Calls of signal kernels with several buffers, many in one program; see ``net_cases``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mwtest.avr_programs import run_avr
from mwtest.net_cases import Call, Machine, run

C_TYPES = {
    "float32": "float",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


@dataclass(frozen=True)
class Case:
    """A call, what it puts out, and how far off each number may be (none: not a bit)."""

    made: Call
    want: NDArray[Any]
    dtype: np.dtype[Any]
    allowed: NDArray[np.float64] | None = None


def case(
    headers: Sequence[str],
    tables: str,
    invoke: str,
    given: Mapping[str, NDArray[Any]],
    want: NDArray[Any],
    allowed: NDArray[np.float64] | float | None = None,
    *,
    out: str = "out",
    dtype: Any = None,
    status: int = 0,
) -> Case:
    """A case whose buffers have the names of ``given``, and just the room they need.

    Args:
        invoke: C that calls; it may set ``status``, which has to be ``status`` in the end.
        want: what the buffer ``out`` holds afterwards; made unless it is one of ``given``.
        dtype: of ``out``, if not that of ``want``.
    """
    kind = np.dtype(dtype or want.dtype)
    code = "    int status = 0;\n"
    sizes = {name: array.nbytes for name, array in given.items()}
    kinds = {name: C_TYPES[array.dtype.name] for name, array in given.items()}
    if out not in given:
        sizes[out], kinds[out] = want.size * kind.itemsize, C_TYPES[kind.name]
    for name, size in sizes.items():
        code += f"    {kinds[name]} *{name} = ({kinds[name]} *) room({size}U);\n"
    code += "".join(f"    take({name}, {array.nbytes}U);\n" for name, array in given.items())
    code += f"    {invoke};\n    if (status != {status}) {{\n        exit(7);\n    }}\n"
    code += f"    put({out}, {want.size * kind.itemsize}U);\n"
    code += "".join(f"    free({name});\n" for name in sizes)
    include = "".join(f"#include <milliwatt/{header}.h>\n" for header in headers)
    data = b"".join(np.ascontiguousarray(array).tobytes() for array in given.values())
    made = Call(include + tables, code, data, want.size * kind.itemsize)
    limit = None if allowed is None else np.broadcast_to(np.asarray(allowed, np.float64), want.shape)
    return Case(made, want, kind, limit)


def check(cases: Sequence[Case], work: Path, machine: Machine, kernels: Sequence[str]) -> None:
    """Runs all cases in one program; every number has to be as close as its case says.

    Args:
        kernels: beginnings of names of the C files that are linked.
    """
    _compare(cases, run([one.made for one in cases], work, machine, kernels))


_AVR = """
#include <stdint.h>
#include <stdlib.h>
#include <mw_board.h>

static void *room(size_t size)
{
    uint8_t *block = (uint8_t *) malloc(size);
    if (block == NULL) {
        mw_board_exit(6);
    }
    for (size_t i = 0; i < size; ++i) {
        block[i] = (uint8_t) (171U * i + 77U);
    }
    return block;
}

static void take(void *block, size_t size)
{
    for (size_t i = 0; i < size; ++i) {
        ((uint8_t *) block)[i] = (uint8_t) mw_board_read();
    }
}

#define put(from, size) mw_board_write((const char *) (from), size)
#define exit mw_board_exit
"""


def check_avr(cases: Sequence[Case], work: Path, parts: Sequence[str]) -> None:
    """The same on an ATmega328P, whose memory has room for few cases."""
    source = _AVR
    for index, one in enumerate(cases):
        # Not inlined: locals of all cases would not fit the stack.
        body = f"{one.made.tables}static __attribute__((noinline)) void run_@(void)\n{{\n{one.made.code}}}\n"
        source += body.replace("@", f"c{index}")
    calls = "".join(f"    run_c{index}();\n" for index in range(len(cases)))
    source += f"int main(void)\n{{\n{calls}    return 0;\n}}\n"
    answer = run_avr(source, parts, b"".join(one.made.given for one in cases), work)
    assert len(answer) == sum(one.made.size for one in cases)
    ends = list(accumulate((one.made.size for one in cases), initial=0))
    _compare(cases, [answer[a:b] for a, b in pairwise(ends)])


def _compare(cases: Sequence[Case], found: Sequence[bytes]) -> None:
    for one, got in zip(cases, found, strict=True):
        numbers = np.frombuffer(got, one.dtype)
        want, about = one.want.reshape(-1), one.made.code
        if one.allowed is None:
            np.testing.assert_array_equal(numbers, want, about)
            continue
        off = np.abs(numbers.astype(np.float64) - want)
        assert (off <= one.allowed.reshape(-1)).all(), (
            about,
            off.max(),
            (off / one.allowed.reshape(-1)).max(),
        )


def snr_db(want: NDArray[Any], got: NDArray[Any]) -> float:
    """Signal by error, in dB."""
    exact = want.astype(np.float64)
    error = got.astype(np.float64) - exact
    return float(10.0 * np.log10(np.sum(exact**2) / max(float(np.sum(error**2)), 1e-300)))
