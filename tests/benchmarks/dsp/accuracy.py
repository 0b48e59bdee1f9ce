"""How far off every kernel of signals is, from numpy and scipy in float64.

    python -m tests.benchmarks.dsp.accuracy           the table
    python -m tests.benchmarks.dsp.accuracy --save    … into docs/accuracy.md, a part of it into signals.md

Kernels run on this PC, compiled from the same C as for boards; those of fixed point give the same bits on
emulated cores, which tests/python/test_dsp_*.py and the benchmark show.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# So that this runs from a plain checkout.
sys.path[:0] = [*map(str, (HERE, HERE.parent, ROOT / "tests" / "python", ROOT / "scripts"))]

import accuracy_audio  # noqa: E402
import accuracy_filters  # noqa: E402
import accuracy_time  # noqa: E402
import accuracy_transforms  # noqa: E402
import docs_tables  # noqa: E402
from accuracy_kernels import SIGNALS, Kernel, Result, measured, sources  # noqa: E402
from goal_tables import markdown_table  # noqa: E402

TARGET = ROOT / "docs" / "accuracy.md"
_ABOUT = """# Accuracy of kernels of signals

Written by `python -m tests.benchmarks.dsp.accuracy --save`. Every kernel of `<milliwatt/…>` against numpy or
scipy in float64, over six signals: uniform noise, a sine wave, a step, an impulse, both ends of the range at
random, and zeros; 16 bits reach from -32768 to 32767, floats from -1 to 1. The C of the library runs on a PC,
compiled with `-O2`. Fixed-point kernels give the same bits on every CPU; floats nearly the same: FPUs that
multiply and add in one step round once less.

**dB**: signal to noise, over all numbers of all calls; more is better. **ulp**: the largest error in units in
the last place of a float32; of means and running figures those of 0.5, of skewness and correlation of 1, of
kurtosis of 3, or of the result if that is larger. **units**: the largest error in units of the result, which
the name tells (1/256, …), or else in its integers: what is rounded down is off by up to 1. **exact**: not a
bit differs.
**±1 of 0**: zeros go in, and not all that comes out is zero, but within one unit of it: rounding of a
recursive filter does not always come to rest.

**Overflow**, of fixed point: a kernel *saturates* (the reference is clipped, too) or *cannot* overflow,
whatever comes in; its header says why. Nothing wraps around.

What has no value in numpy or scipy is what headers say it is: the logarithm of an integer 0 is that of 1/2,
silence is the least level, skewness and kurtosis of equal samples are 0 and -3, their correlation is 0.
Logarithms and roots of floats get numbers of 2^-60 to 2^60, made of the signals.
"""


def kernels() -> list[Kernel]:
    modules = (accuracy_transforms, accuracy_filters, accuracy_audio, accuracy_time)
    return [one for module in modules for one in module.kernels()]


def markdown(results: Sequence[Result]) -> str:
    lines = [_ABOUT]
    groups = dict.fromkeys(result.kernel.group for result in results)
    columns = ("kernel", "numbers", "in", *SIGNALS, "overflow")
    for group in groups:
        cells = [_cells(result) for result in results if result.kernel.group == group]
        lines += [f"## {group}", "", *markdown_table(columns, cells, 3), ""]
    return "\n".join(lines).rstrip() + "\n"


def _cells(result: Result) -> list[str]:
    one = result.kernel
    errors = [_cell(result.errors[name], one) for name in SIGNALS]
    return [one.name, one.numbers, one.measure, *errors, one.overflow]


def _cell(error: float | None, kernel: Kernel) -> str:
    if error is None:
        return "exact"
    if kernel.measure == "dB":
        return f"{error:.0f}" if error > 0 else f"±{-error:.0f} of 0"
    return f"{error:.2f}" if error >= 0.005 else "< 0.01"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.dsp.accuracy", description="How far off every kernel of signals is."
    )
    parser.add_argument("--save", action="store_true", help="write docs/accuracy.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        text = markdown(measured(kernels(), Path(work), sources()))
    if options.save:
        TARGET.write_text(text, encoding="utf-8")
        docs_tables.write("accuracy", docs_tables.accuracies(text))
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
