"""Writes what the firmware is built from: the A-weighting filter, and three seconds of sound.

    python tables.py            write src/a_weighting.h and src/recorded_sound.h
    python tables.py --check    compare with the files there instead

The levels in ``recorded_sound.h`` are computed here, with scipy and in floats: the reference that the board
is held against.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import adpcm
import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter, sosfilt

from milliwatt.filters import iir_q15, iir_tables
from milliwatt.signal_weighting import FAST_S, SLOW_S, time_share, weighting_sos

HERE = Path(__file__).resolve().parent
FILTER_FILE = HERE / "src" / "a_weighting.h"
SOUND_FILE = HERE / "src" / "recorded_sound.h"

RATE_HZ = 16_000
BLOCK = 160  # samples between two values of the fast and the slow level: 10 ms
SECONDS = 3
TONE_DB = -20.0  # of full scale: the calibrator's tone

Int16Array = npt.NDArray[np.int16]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """A-weighted, in dB of a full scale of 1, of each second: a full-scale sine of 1 kHz is -3.01.

    Attributes:
        equivalent: LAeq.
        fast: the highest fast level, LAFmax.
        slow: the slow level at the end of the second.
    """

    equivalent: FloatArray
    fast: FloatArray
    slow: FloatArray


def reference(samples: Int16Array) -> Levels:
    """By scipy, in float64, sample by sample; fast and slow are looked at every BLOCK samples."""
    sections = np.array(weighting_sos("a", RATE_HZ))
    squares = sosfilt(sections, samples / 32768.0) ** 2
    fast, slow = (_smoothed(squares, seconds).reshape(SECONDS, -1) for seconds in (FAST_S, SLOW_S))
    return Levels(_db(squares.reshape(SECONDS, -1).mean(axis=1)), _db(fast.max(axis=1)), _db(slow[:, -1]))


def _smoothed(squares: FloatArray, seconds: float) -> FloatArray:
    share = time_share(RATE_HZ, seconds)
    means: FloatArray = lfilter([share], [1.0, share - 1.0], squares)
    return means[BLOCK - 1 :: BLOCK]


def _db(power: FloatArray) -> FloatArray:
    decibels: FloatArray = 10.0 * np.log10(power)
    return decibels


def sound() -> tuple[list[int], Int16Array]:
    """A tone of 1 kHz, a drum roll, a crow in the hiss of a record: a second each, as ADPCM and decoded."""
    sys.path.insert(0, str(HERE.parent / "sound_event"))
    import sounds

    moments = np.arange(RATE_HZ) / RATE_HZ
    tone = 10 ** (TONE_DB / 20) * np.sin(2 * np.pi * 1000 * moments)
    roll = 0.25 * sounds.decoded("drum_roll")[3 * RATE_HZ : 4 * RATE_HZ]
    crow = 0.02 * sounds.decoded("vinyl_hiss")[RATE_HZ : 2 * RATE_HZ]
    call = sounds.decoded("misc_crow")[: RATE_HZ // 2]
    crow[RATE_HZ // 4 : RATE_HZ // 4 + len(call)] += 0.1 * call
    return adpcm.encode(np.rint(32767 * np.concatenate([tone, roll, crow])).astype(np.int16))


def filter_text() -> str:
    """``src/a_weighting.h``."""
    shares = [round(time_share(RATE_HZ, seconds, BLOCK) * (1 << 24)) for seconds in (FAST_S, SLOW_S)]
    table = iir_tables(iir_q15(weighting_sos("a", RATE_HZ)), "a_weighting")
    return _FILTER_H.format(rate=RATE_HZ, block=BLOCK, fast=shares[0], slow=shares[1], table=table)


def sound_text() -> str:
    """``src/recorded_sound.h``."""
    codes, samples = sound()
    levels = reference(samples)
    columns = (levels.equivalent, levels.fast, levels.slow)
    rows = ", ".join(
        "{" + ", ".join(str(round(100 * x)) for x in row) + "}" for row in zip(*columns, strict=True)
    )
    return _SOUND_H.format(seconds=SECONDS, rows=rows, table=adpcm.table(codes, "recorded_words"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Writes the filter and the recording as C.")
    parser.add_argument("--check", action="store_true", help="compare with the files there")
    check = parser.parse_args(arguments).check
    texts = {FILTER_FILE: filter_text(), SOUND_FILE: sound_text()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    if check:
        for path in stale:
            print(f"{path}: is something else. Type: python tables.py", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path], encoding="utf-8", newline="\n")
        print(f"wrote {path} ({len(texts[path])} bytes)")
    return 0


_FILTER_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by tables.py: A-weighting (IEC 61672-1) at {rate} samples a second. */
#ifndef A_WEIGHTING_H
#define A_WEIGHTING_H

#include <milliwatt/config.h>
#include <milliwatt/iir.h>

/* clang-format off */

#define RATE_HZ {rate}
#define BLOCK {block} /* samples; what a block counts in the fast and the slow level, in 2^-24: */
#define FAST_SHARE {fast}
#define SLOW_SHARE {slow}

{table}
#endif
"""

_SOUND_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by tables.py. A tone; then files of Debian's sonic-pi-samples, all of them CC0: drum_roll by
 * Heigh-hoo, vinyl_hiss by veezay, misc_crow by davidworksonline. */
#ifndef RECORDED_SOUND_H
#define RECORDED_SOUND_H

#include <stdint.h>

#include <milliwatt/config.h>

/* clang-format off */

#define RECORDED_SECONDS {seconds}

/* What scipy says in floats: LAeq, LAFmax and LAS of each second, in 1/100 dB of full scale. */
static const int16_t recorded_levels[RECORDED_SECONDS][3] MW_FLASH = {{{rows}}};

{table}
#endif
"""


if __name__ == "__main__":
    sys.exit(main())
