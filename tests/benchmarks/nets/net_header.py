"""What stands above the results: how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version

import net_emlearn
from emulation import emulator
from net_build import NetBuilder
from net_quoted import SOURCE

from milliwatt.version import __version__


def header(builders: Sequence[NetBuilder]) -> list[str]:
    return [
        f"{date.today()}, Milliwatt {__version__}, scikit-learn {version('scikit-learn')}. "
        "Written by `python -m tests.benchmarks.nets --save`.",
        "",
        "**Instructions**: exact ones (QEMU `-icount`) of one prediction of the class, the mean of the rows",
        "that went to the board, argument checks and call included. The class is the largest score: no",
        "softmax. **a MAC**: instructions over multiplications with a weight. **Flash**: what the model adds",
        "to the same firmware without one: weights, code, libraries, soft float. **RAM**: data that it adds",
        "(the arena; weights are in flash), and the stack of a prediction. Rows come from outside, in the",
        "type of `features`, and are not counted.",
        "",
        "**Accuracy**: of all held-out rows, on the PC. **PC = board**: rows whose class is the PC's; of",
        "integers also rows whose scores, all of them, have the PC's bits. In floats, on cores without FPU,",
        "60 rows go to the board, else those that the sections name.",
        "",
        "**Milliwatt** is converted with `quantize=int8`, `int16`, or `none` (floats), calibrated with what",
        "was learnt from. -O2 everywhere first, as the quoted figures are; then -Os.",
        "",
        f"- {net_emlearn.NOTE}.",
        f"- ¹ {SOURCE}.",
        "- Convolutional networks were trained with PyTorch by `train.py`; their models are committed.",
        "",
        *[
            f"- {builder.target.label}: {builder.compiler.version}: `{' '.join(builder.flags)} -std=gnu11`; "
            f"{emulator(builder.target.board)}"
            for builder in builders
        ],
    ]
