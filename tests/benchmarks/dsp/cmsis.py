"""Transforms and filters of floats with and without CMSIS-DSP (MW_CMSIS_DSP=1), on emulated Arm cores.

    python -m tests.benchmarks.dsp.cmsis --cmsis CMSIS-DSP --core CMSIS/Core/Include

``--cmsis`` is a checkout of CMSIS-DSP, compiled with -Ofast as it asks for. The table of docs/signals.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# So that this runs from a plain checkout.
sys.path[:0] = [*map(str, (HERE, HERE.parent, ROOT / "tests" / "python", ROOT / "scripts"))]

import fft_cost  # noqa: E402
import filter_cost  # noqa: E402
from dsp_build import machine  # noqa: E402
from dsp_rows import M0, M3, M4F, M55, Row  # noqa: E402
from goal_tables import markdown_table  # noqa: E402
from mwtest.cmsis_dsp import checkout  # noqa: E402
from mwtest.net_cases import Machine  # noqa: E402

_CORES = (M55, M4F, M3, M0)
_TRANSFORMS = (("fft", 64), ("fft", 256), ("fft", 1024), ("rfft", 256), ("irfft", 256))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.dsp.cmsis", description="Floats with and without CMSIS-DSP."
    )
    parser.add_argument("--cmsis", type=Path, required=True, help="a checkout of CMSIS-DSP")
    parser.add_argument("--core", required=True, help="CMSIS's Core/Include")
    options = parser.parse_args(arguments)
    provider = checkout(options.cmsis.resolve(), options.core)
    lines: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for core in _CORES:
            for name in ("without", "with"):
                work = Path(directory, f"{core}-{name}")
                work.mkdir()
                built_for = machine(core) if name == "without" else provider.on(machine(core), work)
                for row in _rows(core, work, built_for):
                    db = min(value for value in row.snr_db.values() if value is not None)
                    cell = f"{row.cost:,} / {row.flash_bytes:,} / {db:.0f}"
                    lines.setdefault(row.kernel, [row.kernel]).append(cell)
    columns = [f"{core}{name}" for core in _CORES for name in ("", ", CMSIS-DSP")]
    print("Instructions / bytes of flash / dB:\n")
    print("\n".join(markdown_table(("floats", *columns), lines.values(), 1)))
    return 0


def _rows(core: str, work: Path, built_for: Machine) -> Iterator[Row]:
    for kind, n in _TRANSFORMS:
        yield fft_cost.ours(kind, "f32", n, core, work, built_for)
    for row in filter_cost.rows(core, work, built_for):
        if row.kernel.startswith(filter_cost.SECTIONS) and row.numbers == "f32":
            yield row


if __name__ == "__main__":
    sys.exit(main())
