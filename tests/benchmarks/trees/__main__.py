"""Flash and cost of forests by Milliwatt and by emlearn, side by side on emulated boards.

    python -m tests.benchmarks.trees                    all, about ten minutes; the table
    python -m tests.benchmarks.trees --save             … and RESULTS.md and results.json beside this file
    python -m tests.benchmarks.trees --check            … exit 1 unless every goal is met
    python -m tests.benchmarks.trees --forest digits-10 --target qemu_cortex_m4f:-O2

Everything is built in ``build/benchmarks``, emlearn in a virtual environment of its own there, or
with ``--peer-python``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# So that this runs from a plain checkout, as a module and as a directory.
sys.path[:0] = [str(HERE), str(ROOT / "scripts")]

import numpy as np  # noqa: E402
from candidates import Candidate, Exporter, candidates  # noqa: E402
from firmware import SKELETON, Builder, Image, Target, run  # noqa: E402
from forests import NAMES, Forest, make  # noqa: E402
from report import Row, goals, markdown, rich_tables  # noqa: E402
from rich.console import Console  # noqa: E402

from milliwatt.host import compare_classes  # noqa: E402
from milliwatt.version import __version__  # noqa: E402

TARGETS = (
    Target("qemu_cortex_m0", "-Os"),
    Target("qemu_cortex_m4f", "-Os"),
    Target("qemu_cortex_m4f", "-O2"),
    Target("simavr_atmega328p", "-Os"),
)


def measure(builder: Builder, exporter: Exporter, forest: Forest, candidate: Candidate) -> Row:
    """Build and run one candidate."""
    target = builder.target
    row = Row(
        forest.name, target.board, target.optimize, candidate.library, candidate.method, candidate.dtype,
        candidate.votes, len(forest.rows),
    )  # fmt: skip
    sources = exporter.export(forest, candidate)
    name = f"{forest.name}/{candidate.name}"
    image = builder.build(name, sources.files, sources.includes, candidate.row_type(forest))
    if image is None:
        return row
    empty = _empty(builder, forest, candidate)
    answers = run(target, image.path, candidate.rows(forest))
    agreement = compare_classes(np.array(answers.classes), forest.probabilities)
    return Row(
        **{
            **row.as_json(),
            "flash_bytes": image.flash - empty.flash,
            "ram_bytes": image.ram - empty.ram,
            "cost_mean": round(float(np.mean(answers.cost)), 2),
            "cost_max": max(answers.cost),
            "cost_unit": builder.virtual["counter_unit"],
            "agree": agreement.agree,
            "ties": agreement.ties,
        }
    )


def _empty(builder: Builder, forest: Forest, candidate: Candidate) -> Image:
    nothing = [SKELETON / "predict_nothing.c"]
    name = f"{forest.name}/{candidate.name}/empty"
    image = builder.build(name, nothing, [], candidate.row_type(forest))
    assert image is not None, "the empty firmware fits every board"
    return image


def _measure_all(options: argparse.Namespace, forests: Sequence[Forest], exporter: Exporter) -> list[Row]:
    builders = [Builder(target, options.build / "firmware") for target in options.target or TARGETS]
    jobs = [(b, f, c) for f in forests for b in builders for c in candidates(f)]
    started = time.monotonic()
    rows = []
    with ThreadPoolExecutor(options.jobs) as pool:
        measured = pool.map(lambda job: measure(job[0], exporter, job[1], job[2]), jobs)
        for done, ((builder, forest, candidate), row) in enumerate(zip(jobs, measured, strict=True), 1):
            rows.append(row)
            if sys.stderr.isatty():
                where = f"{forest.name} {builder.target.label} {candidate.name}"
                print(f"\r\x1b[K{done}/{len(jobs)} {where}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    print(f"{len(rows)} measurements in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return rows


def _header(options: argparse.Namespace, exporter: Exporter) -> list[str]:
    lines = [
        f"{date.today()}, Milliwatt {__version__}, emlearn {exporter.emlearn_version}, "
        f"scikit-learn {version('scikit-learn')}. Written by `python -m tests.benchmarks.trees --save`.",
        "",
        "Flash and RAM: what the model adds to the same firmware without one, soft-float library included.",
        "Cost: exact instructions (QEMU `-icount`) or cycles (simavr) of one prediction, argument checks and",
        f"call included; mean and maximum of {options.rows} held-out rows, fed through the serial port.",
        "Agreement: the class is scikit-learn's `predict_proba().argmax()`, ties as in `milliwatt check`.",
        "Milliwatt is converted with its defaults, NaN check of float features included; emlearn without",
        "`predict_proba`, which makes its `inline` code smaller and faster, and it has no NaN check.",
        "",
        "Goals: `loadable` takes at most the flash, `inline` at most the mean cost of emlearn with the same",
        "feature type. They hold for forests with pure leaves, where all do the same job. With mixed leaves",
        "Milliwatt adds up exact proportions, 4 bytes a class, as scikit-learn does; emlearn has hard votes,",
        "its default, and proportions of 8 bits, which give other answers: shown, but not compared.",
        "",
    ]
    for target in options.target or TARGETS:
        builder = Builder(target, options.build / "firmware")
        lines.append(f"- {target.label}: {builder.version()}: `{' '.join(builder.flags)}`")
    return lines


def _target(text: str) -> Target:
    board, _, optimize = text.partition(":")
    return Target(board, optimize or "-Os")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.trees", description="Trees against emlearn.")
    parser.add_argument("--forest", action="append", choices=NAMES, help="only this one; may be repeated")
    parser.add_argument("--target", action="append", type=_target, metavar="BOARD[:-Ox]", help="likewise")
    parser.add_argument("--rows", type=int, default=200, help="held-out rows, at least 100 (default 200)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "benchmarks", metavar="DIR")
    parser.add_argument("--peer-python", type=Path, help="a Python that has emlearn and joblib")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md and results.json")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every goal is met")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    exporter = Exporter(options.build.resolve() / "sources", options.peer_python)
    forests = [make(name, options.rows) for name in options.forest or NAMES]
    rows = _measure_all(options, forests, exporter)
    console = Console(width=None if sys.stdout.isatty() else 120)
    header = _header(options, exporter)
    console.print("\n".join(header), highlight=False)
    for table in rich_tables(rows):
        console.print(table)
    if options.save:
        described = {forest.name: forest.describe() for forest in forests}
        (HERE / "RESULTS.md").write_text(markdown(rows, header, described), encoding="utf-8")
        text = json.dumps([row.as_json() for row in rows], indent=1)
        (HERE / "results.json").write_text(text + "\n", encoding="utf-8")
    found = goals(rows)
    missed = [goal for goal in found if not goal.met]
    for goal in missed:
        console.print(f"[red]missed[/red] {goal}", highlight=False)
    console.print(f"{len(found) - len(missed)} of {len(found)} goals met")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
