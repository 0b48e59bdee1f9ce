"""Flash and cost of forests by Milliwatt and by other libraries, side by side on emulated boards.

    python -m tests.benchmarks.trees                    all; the tables
    python -m tests.benchmarks.trees --save             … and RESULTS.md, results.json and results.png
    python -m tests.benchmarks.trees --check            … exit 1 unless every goal is met
    python -m tests.benchmarks.trees --forest digits-10 --target qemu_cortex_m4f:-O2 --library milliwatt

Everything is built in ``build/benchmarks``: compiled objects and measurements are kept there by what
they were made from, so that a second run repeats only what changed. The peers get a virtual environment
of their own there, unless ``--peer-python`` names one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# So that this runs from a plain checkout, as a module and as a directory.
sys.path[:0] = [str(HERE), str(ROOT / "scripts")]

import ours  # noqa: E402
import peers  # noqa: E402
import plot  # noqa: E402
from emulation import Boards  # noqa: E402
from firmware import Builder, Target  # noqa: E402
from forests import NAMES, Forest, make  # noqa: E402
from goals import Goal, goals  # noqa: E402
from header import header  # noqa: E402
from measure import Bench, Exporter, Job  # noqa: E402
from peers.environment import PeerEnvironment  # noqa: E402
from report import PLOT, markdown, rich_goals, rich_ratios, rich_tables, rich_walks  # noqa: E402
from rich.console import Console  # noqa: E402
from rows import Row  # noqa: E402
from walk import Walk, WalkFit, fits  # noqa: E402

TARGETS = (
    Target("qemu_cortex_m0", "-Os"),
    Target("qemu_cortex_m4f", "-Os"),
    Target("qemu_cortex_m4f", "-O2"),
    Target("simavr_atmega328p", "-Os"),
)
LIBRARIES = ("milliwatt", *peers.ALL)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    build = options.build.resolve()
    builders = [Builder(target, build / "firmware") for target in options.target or TARGETS]
    forests = [make(name, options.rows) for name in options.forest or NAMES]
    environment = PeerEnvironment(build / "peers", options.peer_python, peers.requirements())
    boards = Boards(build / "measurements")
    bench = Bench(Exporter(build / "sources", environment), boards)
    jobs = _jobs(builders, forests, options.library or LIBRARIES)
    for builder in builders:
        builder.prepare()
    rows, walks, failures = _measure(bench, jobs, options.jobs)
    if failures:
        print("\n\n".join(failures), file=sys.stderr)
        print(f"{len(failures)} of {len(jobs)} measurements failed; nothing is reported", file=sys.stderr)
        return 2
    print(f"{len(rows)} measurements, {boards.runs} of them new", file=sys.stderr)
    found, walk_fits = goals(rows, fits(walks)), fits(walks)
    lines = header(builders, options.rows, rows)
    _show(Console(width=None if sys.stdout.isatty() else 200), lines, rows, found, walk_fits)
    if options.save:
        _save(forests, lines, rows, found, walk_fits)
    return 1 if options.check and not all(goal.met for goal in found) else 0


def _jobs(builders: Sequence[Builder], forests: Sequence[Forest], libraries: Sequence[str]) -> list[Job]:
    return [
        Job(builder, forest, candidate)
        for forest in forests
        for candidate in (*ours.candidates(forest), *peers.candidates(forest))
        for builder in builders
        if candidate.library in libraries
    ]


def _measure(bench: Bench, jobs: Sequence[Job], n_threads: int) -> tuple[list[Row], list[Walk], list[str]]:
    """Rows in the order of the jobs; a failure does not keep the others from being measured."""
    started = time.monotonic()
    rows: dict[int, Row] = {}
    walks: dict[int, list[Walk]] = {}
    failures = []

    def one(job: Job) -> tuple[Row, list[Walk]]:
        return bench.measure(job), list(bench.walk(job)) if _is_walked(job) else []

    with ThreadPoolExecutor(n_threads) as pool:
        futures: dict[Future[Any], int] = {pool.submit(one, job): i for i, job in enumerate(jobs)}
        for n_done, future in enumerate(as_completed(futures), 1):
            index = futures[future]
            try:
                rows[index], walks[index] = future.result()
            except Exception as error:
                failures.append(f"{jobs[index]}: {type(error).__name__}: {error}")
            _progress(n_done, len(jobs), str(jobs[index]), started)
    in_order = sorted(rows)
    return [rows[i] for i in in_order], [walk for i in in_order for walk in walks[i]], failures


def _is_walked(job: Job) -> bool:
    candidate = job.candidate
    return (
        candidate.is_ours
        and candidate.method == "loadable"
        and not candidate.leaf_bits
        and not job.forest.is_boosted
        and job.builder.family == "arm"
    )


def _progress(n_done: int, n_jobs: int, what: str, started: float) -> None:
    text = f"{n_done}/{n_jobs} {time.monotonic() - started:.0f} s {what}"
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="\n" if n_done == n_jobs else "", file=sys.stderr, flush=True)
    elif n_done % 20 == 0 or n_done == n_jobs:
        print(text, file=sys.stderr, flush=True)


def _show(
    console: Console,
    lines: Sequence[str],
    rows: Sequence[Row],
    found: Sequence[Goal],
    walks: Sequence[WalkFit],
) -> None:
    console.print("\n".join(lines), highlight=False)
    for table in rich_tables(rows):
        console.print(table)
    if walks:
        console.print(rich_walks(walks))
    console.print(rich_ratios(found))
    console.print(rich_goals(found))
    console.print(f"{sum(goal.met for goal in found)} of {len(found)} goals met")


def _save(
    forests: Sequence[Forest],
    lines: Sequence[str],
    rows: Sequence[Row],
    found: Sequence[Goal],
    walks: Sequence[WalkFit],
) -> None:
    described = {forest.name: forest.describe() for forest in forests}
    (HERE / "RESULTS.md").write_text(markdown(rows, found, walks, lines, described), encoding="utf-8")
    record = {
        "about": list(lines),
        "forests": described,
        "goals": [{k: v for k, v in asdict(goal).items() if k != "ratios"} for goal in found],
        "walks": [asdict(fit) for fit in walks],
        "rows": [row.as_json() for row in rows],
    }
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (HERE / "results.json").write_text(text + "\n", encoding="utf-8")
    plot.save(rows, HERE / PLOT)


def _target(text: str) -> Target:
    board, _, optimize = text.partition(":")
    return Target(board, optimize or "-Os")


def _rows(text: str) -> int:
    if int(text) < 100:
        raise argparse.ArgumentTypeError("at least 100 rows, or agreement says little")
    return int(text)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.trees", description="Trees beside other libraries."
    )
    parser.add_argument("--forest", action="append", choices=NAMES, help="only this one; may be repeated")
    parser.add_argument("--target", action="append", type=_target, metavar="BOARD[:-Ox]", help="likewise")
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="likewise")
    parser.add_argument("--rows", type=_rows, default=200, help="held-out rows, at least 100 (default 200)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "benchmarks", metavar="DIR")
    parser.add_argument("--peer-python", type=Path, help="a Python that has the peers and joblib")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md, results.json and the picture")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every goal is met")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
