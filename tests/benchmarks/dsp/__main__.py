"""Instructions, flash and accuracy of kernels of signals, beside other libraries, on emulated cores.

    python -m tests.benchmarks.dsp                      all; the tables
    python -m tests.benchmarks.dsp --save               … and RESULTS.md, results.json, a table of the docs
    python -m tests.benchmarks.dsp --check              … exit 1 unless every goal is met
    python -m tests.benchmarks.dsp --part filters --core Cortex-M0

emlearn gets the virtual environment that the trees' benchmark makes in ``build/benchmarks``, unless
``--peer-python`` names one; ``--without-peers`` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# So that this runs from a plain checkout; the trees' benchmark has the peers.
sys.path[:0] = [
    *map(str, (HERE, HERE.parent, HERE.parent / "trees", ROOT / "tests" / "python", ROOT / "scripts"))
]

import docs_tables  # noqa: E402
import dsp_emlearn  # noqa: E402
import fft_cost  # noqa: E402
import filter_cost  # noqa: E402
import mel_cost  # noqa: E402
import time_cost  # noqa: E402
from dsp_goals import goals  # noqa: E402
from dsp_header import header  # noqa: E402
from dsp_quoted import quoted  # noqa: E402
from dsp_report import markdown, rich_tables  # noqa: E402
from dsp_rows import AVR, M0, M3, M4F, PARTS, Row  # noqa: E402
from goal_tables import Goal, rich_goals  # noqa: E402
from rich.console import Console  # noqa: E402

CORES = (M4F, M3, M0, AVR)
_OURS = {
    "transforms": fft_cost.rows,
    "filters": filter_cost.rows,
    "time": time_cost.rows,
    "audio": mel_cost.rows,
}
_EMLEARN = {"transforms": fft_cost.emlearn_rows, "filters": filter_cost.emlearn_rows}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    parts, cores = options.part or PARTS, options.core or CORES
    include = None
    if not options.without_peers and set(parts) & set(_EMLEARN):
        include = dsp_emlearn.include(options.build.resolve() / "peers", options.peer_python)
    with tempfile.TemporaryDirectory() as work:
        rows = list(_measured(parts, cores, include, Path(work)))
    rows += quoted(parts, cores)
    found, lines = goals(rows), header(cores)
    console = Console(width=None if sys.stdout.isatty() else 200)
    for table in rich_tables(rows):
        console.print(table)
    console.print(rich_goals(found))
    console.print(f"{sum(goal.met for goal in found)} of {len(found)} goals met")
    if options.save:
        _save(rows, found, lines)
    return 1 if options.check and not all(goal.met for goal in found) else 0


def _measured(parts: Sequence[str], cores: Sequence[str], include: Path | None, work: Path) -> Iterator[Row]:
    started = time.monotonic()
    for part in parts:
        for core in cores:
            if core == AVR and part != "time":
                continue
            yield from _OURS[part](core, work)
            if include is not None and part in _EMLEARN:
                yield from _EMLEARN[part](core, work, include)
            print(f"{time.monotonic() - started:.0f} s: {part}, {core}", file=sys.stderr, flush=True)


def _save(rows: Sequence[Row], found: Sequence[Goal], lines: Sequence[str]) -> None:
    (HERE / "RESULTS.md").write_text(markdown(rows, found, lines), encoding="utf-8")
    record = {
        "about": list(lines),
        "goals": [asdict(goal) for goal in found],
        "rows": [row.as_json() for row in rows],
    }
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (HERE / "results.json").write_text(text + "\n", encoding="utf-8")
    docs_tables.write("cost", docs_tables.costs(rows))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.dsp", description="Kernels of signals beside other libraries."
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be repeated")
    parser.add_argument("--core", action="append", choices=CORES, help="likewise")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "benchmarks", metavar="DIR")
    parser.add_argument("--peer-python", type=Path, help="a Python that has emlearn")
    parser.add_argument("--without-peers", action="store_true", help="Milliwatt only")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md and results.json")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every goal is met")
    options = parser.parse_args(arguments)
    if options.save and (options.part or options.core or options.without_peers):
        parser.error("--save: saved results hold everything: leave out --part, --core and --without-peers")
    return options


if __name__ == "__main__":
    sys.exit(main())
