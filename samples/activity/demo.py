"""`make demo`: the sample's forest on every virtual board, compared with scikit-learn.

    python samples/activity/demo.py --out build/demo [--board NAME …]

Trains on seven people, converts, builds and runs the firmware on each board by both methods, and sends it
every window of the three people the forest never saw. Writes report.json and report.png; the exit status
is 1 if one answer differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import model as sample
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

import milliwatt
from milliwatt.errors import MilliwattError
from milliwatt.report import plain, write_json
from milliwatt.report.picture import write_picture
from milliwatt.rig import CheckReport, check, load_board

BOARDS = (
    "qemu_cortex_m0",
    "qemu_cortex_m3",
    "qemu_cortex_m4f",
    "qemu_cortex_m7",
    "qemu_cortex_m33",
    "qemu_riscv32",
    "simavr_atmega328p",
    "host",
)
METHODS = ("inline", "loadable")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="for report.json and report.png"
    )
    parser.add_argument("--board", action="append", choices=BOARDS, help="only this one; may be repeated")
    options = parser.parse_args()
    try:
        reports = run(options.board or BOARDS)
        write_json(reports, options.out / "report.json")
        write_picture(reports, options.out / "report.png")
    except MilliwattError as error:
        print(f"milliwatt: {error}", file=sys.stderr)
        return 1
    print(f"\n{plain(reports)}\n")
    print(f"written: {options.out / 'report.json'}, {options.out / 'report.png'}")
    return 0 if all(report.perfect for report in reports) else 1


def run(boards: Sequence[str]) -> list[CheckReport]:
    """One report a board and method, over all windows of the people the forest never saw."""
    recordings = sample.load_dataset()
    learn, unseen = sample.training(recordings), sample.held_out(recordings)
    forest = sample.train(recordings)["forest"]
    features = sample.features_of(unseen)
    probabilities = forest.predict_proba(features)
    print(
        f"forest of {len(forest.estimators_)} trees, trained on {len(learn)} windows; "
        f"{len(unseen)} windows of people it never saw go to every board"
    )
    reports = []
    with _progress() as progress:
        task = progress.add_task("", total=len(boards) * len(METHODS))
        for board in map(load_board, boards):
            for method in METHODS:
                progress.update(task, description=f"{board.name}, {method}")
                model = milliwatt.convert(forest, name=sample.NAME, method=method, dtype="int32")
                reports.append(check(model, board, features, expected=probabilities))
                progress.advance(task)
    return reports


def _progress() -> Progress:
    """A line that moves on a terminal; nothing when piped."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed}/{task.total} {task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


if __name__ == "__main__":
    sys.exit(main())
