"""What stands above the results: how they were made, and what to know of each library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version

import peers
from emulation import emulator
from firmware import Builder
from rows import QUALIFIES, Row

from milliwatt.version import __version__


def header(builders: Sequence[Builder], n_rows: int, rows: Sequence[Row]) -> list[str]:
    return [
        f"{date.today()}, Milliwatt {__version__}, scikit-learn {version('scikit-learn')}. "
        "Written by `python -m tests.benchmarks.trees --save`.",
        "",
        "**Flash and RAM**: what the model adds to the same firmware without one, soft-float library",
        "included. **Cost**: exact instructions (QEMU `-icount`) or cycles (simavr) of one prediction of the",
        f"class, argument checks and call included; mean and maximum of up to {n_rows} held-out rows, fed",
        "through the serial port. **Agreement**: the class is scikit-learn's `predict_proba().argmax()`,",
        "ties as in `milliwatt check`.",
        "",
        "**Features**: int16 where they are integers by nature, or scaled, each by itself, to fill int16;",
        "emlearn truncates thresholds and tests `<`, so narrow integers would cost it accuracy. Candidates",
        "for float features take the same integers as floats, or the real numbers where the data set has",
        "such: then their forest is another one, fitted to those numbers. Rows arrive in the type that the",
        "library takes. Scaling keeps how many values a feature has: 17 in digits, 101 in pendigits, 49 to",
        "103 in satimage; tables of distinct thresholds profit from that, as they would on a device.",
        "",
        f"**Best peer**: the smallest or fastest of those that fit and agree in {100 * QUALIFIES:.1f} % of",
        "rows or more; the others are marked †. Ours have to qualify in the same way. Ratios are ours / best",
        "peer of one forest, goals their geometric mean; a forest that no peer fits is left out of it, and",
        "counted. **Soft votes**: where leaves are mixed, those who add up proportions, whatever the feature",
        "type. The forests were chosen before any figure of ours was known.",
        "",
        "**Milliwatt** is converted with its defaults and the training data as calibration data, NaN check",
        "of float features included. Mixed leaves become narrower by default where that changes no class on",
        "the calibration data; `exact`, `8 bit` and `hard` are settings of its option `leaf_bits`. A row",
        "whose leaves are not exact says what that gave up on the held-out rows; the goal table has a column",
        "with only those rows of ours that agree everywhere.",
        "",
        *peers.notes(),
        *_refusals(rows),
        "",
        *[
            f"- {builder.target.label}: {builder.compiler.version}: `{' '.join(builder.flags)} -std=gnu11`, "
            f"C++ as gnu++14; {emulator(builder.target.board)}"
            for builder in builders
        ],
    ]


def _refusals(rows: Sequence[Row]) -> list[str]:
    """What a library would not do, once each."""
    noted = {(row.library, row.forest, row.detail) for row in rows if row.detail}
    return [f"- {library} on {forest}: {detail}" for library, forest, detail in sorted(noted)]
