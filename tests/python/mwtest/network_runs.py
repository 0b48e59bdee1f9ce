"""Networks as C, many in one program, each run in ways that have to give the same bits.

A network's ``<name>_run`` is called with an arena that is filled with one byte and with another, and with
every buffer in a block of its own that is exactly as long as planned, so that an address sanitizer sees what
reads or writes beyond it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import emit_c
from milliwatt.emit.net_plan import Plan, plan_network
from milliwatt.ir import Network
from mwtest.objects import objects

SANITIZERS = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
QUICK = ("-O1",)

_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *blocks[4096];
static int n_blocks;

static void *block(size_t size, int fill)
{
    void *found = malloc(size);
    if (found == NULL || n_blocks == 4096) {
        exit(9);
    }
    memset(found, fill, size);
    blocks[n_blocks++] = found;
    return found;
}

#define MODEL(NAME, TYPE, N, SCORE, K, SIZE)                             \\
    static void run_##NAME(int rows)                                     \\
    {                                                                    \\
        for (int row = 0; row < rows; ++row) {                           \\
            SCORE kept[K];                                               \\
            TYPE *const x = (TYPE *) block(N * sizeof *x, 0);            \\
            if (fread(x, sizeof *x, N, stdin) != N) {                    \\
                exit(8);                                                 \\
            }                                                            \\
            memcpy(kept, NAME##_run(x, (uint32_t *) block(SIZE, 0xa5)), sizeof kept); \\
            if (memcmp(kept, NAME##_run(x, (uint32_t *) block(SIZE, 0x5a)), sizeof kept) != 0) { \\
                exit(7);                                                 \\
            }                                                            \\
            if (memcmp(kept, NAME##x_run(x, NULL), sizeof kept) != 0) {  \\
                exit(6);                                                 \\
            }                                                            \\
            fwrite(kept, 1, sizeof kept, stdout);                        \\
            while (n_blocks > 0) {                                       \\
                free(blocks[--n_blocks]);                                \\
            }                                                            \\
        }                                                                \\
    }
"""
_ENDS = {9: "too many blocks", 8: "no input", 7: "the arena's old content matters", 6: "buffers interfere"}


@dataclass(frozen=True)
class Case:
    """A network, and device features to feed it."""

    model: Network
    samples: NDArray[np.generic]


def run(cases: Sequence[Case], directory: Path, flags: Sequence[str] = QUICK) -> list[NDArray[np.generic]]:
    """The scores of each case: float32 or int32, shape (rows, outputs)."""
    program = _build(cases, directory, tuple(flags))
    data = b"".join(np.ascontiguousarray(case.samples).tobytes() for case in cases)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([str(program)], input=data, capture_output=True, env=env, check=False)
    told = result.stderr.decode(errors="replace")[-4000:]
    assert result.returncode == 0, f"{_ENDS.get(result.returncode, result.returncode)}\n{told}"
    found, at = [], 0
    for case in cases:
        kind = np.dtype(np.int32 if case.model.is_integer else np.float32)
        n = len(case.samples) * case.model.n_outputs
        found.append(
            np.frombuffer(result.stdout, kind, n, at).reshape(len(case.samples), case.model.n_outputs)
        )
        at += n * kind.itemsize
    assert at == len(result.stdout)
    return found


def _build(cases: Sequence[Case], directory: Path, flags: tuple[str, ...]) -> Path:
    parts, calls = [_DRIVER], []
    for index, case in enumerate(cases):
        name = f"m{index}"
        model = dataclasses.replace(case.model, arena="caller")
        plan = plan_network(model)
        parts += [_source(model, name), exploded(_source(model, f"{name}x"), plan)]
        kind = FEATURE_TYPES[model.dtype].c_type
        score = plan.values[plan.scores].c_type
        numbers = f"{model.n_features}, {score}, {model.n_outputs}, {plan.size}"
        parts.append(f"MODEL({name}, {kind}, {numbers})\n")
        calls.append(f"    run_{name}({len(case.samples)});\n")
    source = "".join(parts) + "int main(void)\n{\n" + "".join(calls) + "    return 0;\n}\n"
    stem = directory / f"networks-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    command = ["gcc", "-std=c99", "-Wall", "-Werror", *flags, f"-I{sdk.include_dir()}", f"{stem}.c"]
    subprocess.run([*command, *objects(("net_",), flags), "-o", str(stem)], check=True)
    return stem


def _source(model: Network, name: str) -> str:
    files = emit_c(model, name=name).files
    return files[f"{name}.h"] + files[f"{name}.c"].replace(f'#include "{name}.h"', "")


def exploded(source: str, plan: Plan) -> str:
    """The C with each of its buffers in a block of its own instead of an arena."""
    homes = homes_of(plan)
    sizes: dict[int, int] = {}
    for value, home in homes.items():
        found = plan.values[value]
        sizes[home] = max(sizes.get(home, 0), found.room * found.size)
    numbers = {value.name: number for number, value in enumerate(plan.values)}

    def replaced(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        home = homes[numbers[name]]
        known = plan.values[home].name
        place = f"({kind} *) block({sizes[home]}, 0xc3)" if known == name else f"({kind} *) {known}"
        return f"    {kind} *const {name} = {place};\n"

    text, count = re.subn(r"    (\w+) \*const (\w+) = \(\1 \*\) \(?arena.*;\n", replaced, source)
    assert count == len(homes)
    return text


def homes_of(plan: Plan) -> dict[int, int]:
    """For each value in the arena the first one of those that a kernel made of each other in place."""
    homes: dict[int, int] = {}
    last = {value: index for index, step in enumerate(plan.steps) for value in (*step.reads, step.writes)}
    last[plan.scores] = len(plan.steps)
    for index, step in enumerate(plan.steps):
        if step.writes in homes:
            continue
        own = [
            value
            for value in step.may_be
            if last[value] == index and plan.offsets[value] == plan.offsets[step.writes]
        ]
        homes[step.writes] = homes[own[0]] if own else step.writes
    return homes
