"""Models that take raw samples, many in one program, on this PC, an emulated Arm core or an ATmega328P."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.emit import emit_c
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.signal_shapes import raw_frames
from milliwatt.ir.signals import INT16
from mwtest.dsp_programs import run_program
from mwtest.models import NUMPY
from mwtest.net_cases import Machine

# Blocks and states are exactly as long as needed, so that the address sanitizer sees one byte too many.
# Half of the states hold rubbish before they are reset, the other half are zeros and are not reset.
_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take(void *to, size_t size)
{
    if (fread(to, 1, size, stdin) != size) {
        exit(9);
    }
}

static void put(const void *from, size_t size)
{
    if (fwrite(from, 1, size, stdout) != size) {
        exit(8);
    }
}

static void *room(size_t size, int fill)
{
    void *block = malloc(size + (size == 0));
    if (block == NULL) {
        exit(7);
    }
    memset(block, fill, size);
    return block;
}

#define MODEL(NAME, TYPE, CHANNELS, N, RESETS)                                               \\
    static void run_##NAME(void)                                                             \\
    {                                                                                        \\
        int32_t given[2]; /* frames, and how many come at once */                            \\
        NAME##_state *state = (NAME##_state *) room(sizeof *state, RESETS ? 0xa5 : 0);       \\
        take(given, sizeof given);                                                           \\
        if (RESETS) {                                                                        \\
            NAME##_reset(state);                                                             \\
        }                                                                                    \\
        while (given[0] > 0) {                                                               \\
            const int n = (int) (given[0] < given[1] ? given[0] : given[1]);                 \\
            TYPE *frames = (TYPE *) room((size_t) n * CHANNELS * sizeof *frames, 0);         \\
            int at = 0;                                                                      \\
            take(frames, (size_t) n * CHANNELS * sizeof *frames);                            \\
            while (at < n) {                                                                 \\
                int taken;                                                                   \\
                const int32_t answer =                                                       \\
                    NAME##_push_block(state, frames + (size_t) at * CHANNELS, n - at, &taken); \\
                at += taken;                                                                 \\
                if (answer == MW_NOT_YET ? at != n : taken == 0) {                           \\
                    exit(6);                                                                 \\
                }                                                                            \\
                if (answer != MW_NOT_YET) {                                                  \\
                    put(&answer, sizeof answer);                                             \\
                    put(NAME##_features(state), N * sizeof *NAME##_features(state));         \\
                }                                                                            \\
            }                                                                                \\
            free(frames);                                                                    \\
            given[0] -= n;                                                                   \\
        }                                                                                    \\
        free(state);                                                                         \\
    }
"""


@dataclass(frozen=True)
class Case:
    """A model, what is pushed, and how many frames at once: several ways, which have to give the same bits."""

    model: TreeEnsemble
    frames: NDArray[np.generic]
    blocks: tuple[int, ...]

    @property
    def windows(self) -> int:
        """How many windows are complete."""
        assert self.model.signals is not None
        first, step = raw_frames(self.model.signals)
        return 0 if len(self.frames) < first else 1 + (len(self.frames) - first) // step


@dataclass(frozen=True)
class Answer:
    """Of each window: what the push answered, and the features."""

    answers: NDArray[np.int32]
    features: NDArray[np.generic]


def run(cases: Sequence[Case], machine: Machine, directory: Path) -> list[Answer]:
    """What the C of each case answers, whatever its blocks."""
    parts, calls, given = [_DRIVER], [], b""
    for index, case in enumerate(cases):
        name = f"m{index}"
        files = emit_c(case.model, name=name).files
        parts += [files[f"{name}.h"], files[f"{name}.c"].replace(f'#include "{name}.h"', "")]
        signals = case.model.signals
        assert signals is not None
        kind = "int16_t" if signals.dtype == INT16 else "float"
        parts.append(f"MODEL({name}, {kind}, {signals.channels}, {case.model.n_features}, {index % 2})\n")
        for block in case.blocks:
            calls.append(f"    run_{name}();\n")
            given += struct.pack("<2i", len(case.frames), block)
            given += np.ascontiguousarray(case.frames).tobytes()
    source = "".join(parts) + "int main(void)\n{\n" + "".join(calls) + "    return 0;\n}\n"
    files_needed = [path.name for path in sdk.signal_sources(source)]
    written = run_program(source, files_needed, given, machine, directory)
    found, at = [], 0
    for case in cases:
        kind = NUMPY[case.model.dtype]
        row = np.dtype([("answer", np.int32), ("features", kind, (case.model.n_features,))])
        several = []
        for _ in case.blocks:
            several.append(np.frombuffer(written, row, case.windows, at))
            at += several[-1].nbytes
        assert all(rows.tobytes() == several[0].tobytes() for rows in several), case.model.signals
        found.append(Answer(several[0]["answer"], several[0]["features"]))
    assert at == len(written)
    return found
