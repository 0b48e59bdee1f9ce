"""Flash, RAM and instructions of networks by Milliwatt and others, side by side on emulated boards.

    python -m tests.benchmarks.nets                    all; the tables
    python -m tests.benchmarks.nets --save             … and RESULTS.md, results.json and results.png
    python -m tests.benchmarks.nets --check            … exit 1 unless every goal is met
    python -m tests.benchmarks.nets --network mlp --target qemu_cortex_m4f:-O2 --library milliwatt

Everything is built in ``build/benchmarks``, where compiled objects and measurements are kept by what they
were made from, so that a second run repeats only what changed. emlearn gets the virtual environment that
the trees' benchmark makes there, unless ``--peer-python`` names one. Needs neither PyTorch nor Keras.
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
# So that this runs from a plain checkout; the trees' benchmark has the emulators and the compilers.
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "trees"), str(ROOT / "scripts")]

import net_emlearn  # noqa: E402
import net_plot  # noqa: E402
from emulation import Boards  # noqa: E402
from firmware import Target  # noqa: E402
from goal_tables import Goal, rich_goals  # noqa: E402
from net_build import NetBuilder  # noqa: E402
from net_cases import CASES, FLOAT, Case  # noqa: E402
from net_goals import goals  # noqa: E402
from net_header import header  # noqa: E402
from net_measure import Bench, Job  # noqa: E402
from net_quoted import quoted  # noqa: E402
from net_report import PLOT, markdown, rich_tables  # noqa: E402
from net_rows import MILLIWATT, Row  # noqa: E402
from rich.console import Console  # noqa: E402

BOARDS = ("qemu_cortex_m4f", "qemu_cortex_m3", "qemu_cortex_m0")
TARGETS = tuple(Target(board, level) for level in ("-O2", "-Os") for board in BOARDS)
LIBRARIES = (MILLIWATT, net_emlearn.EMLEARN)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    build = options.build.resolve()
    cases = _able([CASES[name] for name in options.network or CASES])
    builders = [NetBuilder(target, build / "firmware") for target in options.target or TARGETS]
    boards = Boards(build / "measurements")
    peer = net_emlearn.environment(build / "peers", options.peer_python)
    bench = Bench(build / "sources-nets", peer, boards)
    jobs = _jobs(builders, cases, options.library or LIBRARIES)
    for builder in builders:
        builder.prepare()
    rows, failures = _measure(bench, jobs, options.jobs)
    if failures:
        print("\n\n".join(failures), file=sys.stderr)
        print(f"{len(failures)} of {len(jobs)} measurements failed; nothing is reported", file=sys.stderr)
        return 2
    print(f"{len(rows)} measurements, {boards.runs} runs of them new", file=sys.stderr)
    rows += quoted([case.name for case in cases], [builder.target.label for builder in builders])
    found, lines = goals(rows), header(builders)
    _show(Console(width=None if sys.stdout.isatty() else 200), lines, rows, cases, found)
    if options.save:
        _save(lines, rows, cases, found)
    return 1 if options.check and not all(goal.met for goal in found) else 0


def _able(cases: Sequence[Case]) -> list[Case]:
    """Without those whose data are not to be had here."""
    able = []
    for case in cases:
        try:
            _ = case.problem
            able.append(case)
        except SystemExit as missing:
            print(f"{case.name} is left out: {missing}", file=sys.stderr)
    return able


def _jobs(builders: Sequence[NetBuilder], cases: Sequence[Case], libraries: Sequence[str]) -> list[Job]:
    jobs = []
    for builder in builders:
        for case in cases:
            if MILLIWATT in libraries:
                jobs += [Job(builder, case, MILLIWATT, quantize) for quantize in case.quantize]
            if net_emlearn.EMLEARN in libraries and case.is_perceptron:
                jobs.append(Job(builder, case, net_emlearn.EMLEARN, FLOAT))
    return jobs


def _measure(bench: Bench, jobs: Sequence[Job], n_threads: int) -> tuple[list[Row], list[str]]:
    """Rows in the order of the jobs; a failure does not keep the others from being measured."""
    for job in jobs:  # converting is for one thread
        if job.library == MILLIWATT:
            job.case.model(job.quantize)
        else:
            job.case.estimator()
    started = time.monotonic()
    rows: dict[int, Row] = {}
    failures = []
    with ThreadPoolExecutor(n_threads) as pool:
        futures: dict[Future[Any], int] = {pool.submit(bench.measure, job): i for i, job in enumerate(jobs)}
        for n_done, future in enumerate(as_completed(futures), 1):
            index = futures[future]
            try:
                rows[index] = future.result()
            except Exception as error:
                failures.append(f"{jobs[index]}: {type(error).__name__}: {error}")
            if n_done % 10 == 0 or n_done == len(jobs):
                took = time.monotonic() - started
                print(f"{n_done}/{len(jobs)} {took:.0f} s {jobs[index]}", file=sys.stderr, flush=True)
    return [rows[i] for i in sorted(rows)], failures


def _show(
    console: Console, lines: Sequence[str], rows: Sequence[Row], cases: Sequence[Case], found: Sequence[Goal]
) -> None:
    console.print("\n".join(lines), highlight=False, markup=False)
    for table in rich_tables(rows, _macs(cases)):
        console.print(table)
    console.print(rich_goals(found))
    console.print(f"{sum(goal.met for goal in found)} of {len(found)} goals met")


def _save(lines: Sequence[str], rows: Sequence[Row], cases: Sequence[Case], found: Sequence[Goal]) -> None:
    about, macs = {case.name: _about(case) for case in cases}, _macs(cases)
    (HERE / "RESULTS.md").write_text(markdown(rows, found, lines, about, macs), encoding="utf-8")
    record = {
        "about": list(lines),
        "networks": about,
        "goals": [asdict(goal) for goal in found],
        "rows": [row.as_json() for row in rows],
    }
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (HERE / "results.json").write_text(text + "\n", encoding="utf-8")
    net_plot.save(rows, HERE / PLOT)


def _about(case: Case) -> str:
    problem, macs = case.problem, _macs([case])[case.name]
    return (
        f"{case.about}: {macs:,} multiplications. {problem.about}; "
        f"{min(case.most_rows, len(problem.rows))} of these go to the board"
    )


def _macs(cases: Sequence[Case]) -> dict[str, int]:
    return {case.name: sum(layer.macs for layer in case.model(case.quantize[-1]).layers) for case in cases}


def _target(text: str) -> Target:
    board, _, optimize = text.partition(":")
    return Target(board, optimize or "-O2")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.nets", description="Networks beside other libraries."
    )
    parser.add_argument("--network", action="append", choices=CASES, help="only this one; may be repeated")
    parser.add_argument("--target", action="append", type=_target, metavar="BOARD[:-Ox]", help="likewise")
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="likewise")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "benchmarks", metavar="DIR")
    parser.add_argument("--peer-python", type=Path, help="a Python that has emlearn and joblib")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md, results.json and the picture")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every goal is met")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
