"""Trains the activity classifier and exports what the firmware is built from.

Four ways to run it::

    python model.py               train, print the figures, write models/ and src/recorded_windows.h
    python model.py --check       the same, but compare with the files there instead of writing them
    python model.py --out DIR     the held-out windows and scikit-learn's answers as CSV too
    python model.py --sizes       how accuracy grows with the forest, on the training people only
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # so that this file can also be loaded by its path
    sys.path.insert(0, str(HERE))

import motion_features as features  # noqa: E402
from watch import Windows, held_out, load_dataset, training  # noqa: E402

__all__ = ["held_out", "load_dataset", "train", "training"]

NAME = "activity"
MODEL_FILE = HERE / "models" / "activity.mw.json"
WINDOWS_FILE = HERE / "src" / "recorded_windows.h"

# Trees grown to the end have pure leaves: each tree has one vote, and leaves need no memory on the
# device. What keeps the trees small is that each learns from few windows, drawn at random. The README
# says how the two numbers were chosen. (A share instead of a number would be rounded differently by
# different versions of scikit-learn, and give different forests.)
N_TREES = 31
WINDOWS_PER_TREE = 200


def train(windows: Windows, *, n_trees: int = N_TREES, per_tree: int = WINDOWS_PER_TREE) -> Any:
    """A fitted forest; the same data give the same forest."""
    forest = _forest(n_trees, per_tree)
    forest.fit(windows.features, windows.exercise)
    return forest


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    recordings = load_dataset()
    learn, unseen = training(recordings), held_out(recordings)
    if options.sizes:
        print_sizes(learn)
        return 0
    forest = train(learn)
    print_figures(forest, learn, unseen)
    if options.out is not None:
        write_csv(options.out, forest, unseen)
    texts = {MODEL_FILE: model_text(forest), WINDOWS_FILE: windows_text(forest, unseen)}
    return check(texts) if options.check else write(texts)


def print_figures(forest: Any, learn: Windows, unseen: Windows) -> None:
    """Sizes, accuracy per unseen person, macro F1 and the confusion matrix."""
    predicted = forest.predict(unseen.features)
    right = predicted == unseen.exercise
    depth = max(tree.get_depth() for tree in forest.estimators_)
    print(f"training   {len(learn)} windows of people {_people(learn)}")
    print(f"held out   {len(unseen)} windows of people {_people(unseen)}")
    print(f"forest     {len(forest.estimators_)} trees, {_splits(forest)} splits, depth up to {depth}\n")
    for person in np.unique(unseen.person):
        mine = unseen.person == person
        print(f"person {person:<3} accuracy {right[mine].mean():6.1%}  ({mine.sum()} windows)")
    print(f"all        accuracy {right.mean():6.1%}")
    print(f"           macro F1 {f1_score(unseen.exercise, predicted, average='macro'):6.3f}\n")
    print("confusion: a row is the exercise done, a column what the forest says")
    print("      " + "".join(f"{name:>6}" for name in forest.classes_))
    for name, row in zip(forest.classes_, confusion_matrix(unseen.exercise, predicted), strict=True):
        print(f"{name:<6}" + "".join(f"{count:6}" for count in row))


def print_sizes(learn: Windows) -> None:
    """Accuracy against size: each training person in turn left out, mean of four random states."""
    print("trees  windows per tree  splits  accuracy on people left out")
    for n_trees in (11, 21, 31, 51):
        for per_tree in (100, 200, 400, 800):
            forests = [_forest(n_trees, per_tree, seed) for seed in range(4)]
            accuracy = np.mean([_accuracy_on_new_people(forest, learn) for forest in forests])
            splits = np.mean([_splits(forest.fit(learn.features, learn.exercise)) for forest in forests])
            print(f"{n_trees:5} {per_tree:17} {splits:7.0f} {accuracy:9.1%}", flush=True)


def write_csv(directory: Path, forest: Any, unseen: Windows) -> None:
    """``windows.csv``: features and the exercise done; ``probabilities.csv``: scikit-learn's answers."""
    directory.mkdir(parents=True, exist_ok=True)
    rows = ([*map(int, x), y] for x, y in zip(unseen.features, unseen.exercise, strict=True))
    _write_rows(directory / "windows.csv", [*features.NAMES, "label"], rows)
    probabilities, predicted = forest.predict_proba(unseen.features), forest.predict(unseen.features)
    answers = ([*map(float, p), y] for p, y in zip(probabilities, predicted, strict=True))
    _write_rows(directory / "probabilities.csv", [*forest.classes_, "predicted"], answers)


def model_text(forest: Any) -> str:
    """The forest as the hand-over file that firmware builds read."""
    import milliwatt

    converted = milliwatt.convert(forest, name=NAME, dtype="int16")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / MODEL_FILE.name
        converted.save(file=str(path), format="json")
        return path.read_text(encoding="utf-8")


def windows_text(forest: Any, unseen: Windows) -> str:
    """``src/recorded_windows.h``: for each exercise one recorded window, of the unseen people in turn."""
    chosen = [_middle_window(unseen, exercise, i) for i, exercise in enumerate(forest.classes_)]
    classes = list(forest.classes_)
    performed = [classes.index(unseen.exercise[i]) for i in chosen]
    predicted = [classes.index(label) for label in forest.predict(unseen.features[chosen])]
    tables = ",\n".join(_table(unseen.counts[i]) for i in chosen)
    return _WINDOWS_H.format(
        count=len(chosen),
        classes=", ".join(f"{i} {name}" for i, name in enumerate(classes)),
        people=", ".join(str(unseen.person[i]) for i in chosen),
        performed=", ".join(map(str, performed)),
        predicted=", ".join(map(str, predicted)),
        tables=tables,
    )


def write(texts: dict[Path, str]) -> int:
    print()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {path} ({len(text)} bytes)")
    return 0


def check(texts: dict[Path, str]) -> int:
    """0 if the files on disk are what training gives, whichever scikit-learn version says so."""
    stale = [path for path, text in texts.items() if _differs(path, text)]
    for path in stale:
        trained = f"training with scikit-learn {sklearn.__version__}"
        print(f"{path}: missing, or not what {trained} gives. Type: python model.py", file=sys.stderr)
    return 1 if stale else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains and exports the activity classifier.")
    parser.add_argument("--check", action="store_true", help="compare with the files there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the held-out data there")
    parser.add_argument("--sizes", action="store_true", help="print accuracy against size and stop")
    return parser.parse_args(arguments)


def _forest(n_trees: int, per_tree: int, random_state: int = 0) -> Any:
    return RandomForestClassifier(n_estimators=n_trees, max_samples=per_tree, random_state=random_state)


def _splits(forest: Any) -> int:
    return sum(int(tree.tree_.n_leaves) - 1 for tree in forest.estimators_)


def _accuracy_on_new_people(forest: Any, learn: Windows) -> float:
    predicted = cross_val_predict(
        forest, learn.features, learn.exercise, groups=learn.person, cv=LeaveOneGroupOut()
    )
    right = predicted == learn.exercise
    return float(np.mean([right[learn.person == person].mean() for person in np.unique(learn.person)]))


def _people(windows: Windows) -> str:
    return ", ".join(str(person) for person in np.unique(windows.person))


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _middle_window(unseen: Windows, exercise: str, turn: int) -> int:
    """From the middle of that person's windows of the exercise: picked by place, not by answer."""
    people = np.unique(unseen.person)
    mine = np.flatnonzero((unseen.exercise == exercise) & (unseen.person == people[turn % len(people)]))
    return int(mine[len(mine) // 2])


def _table(window: features.Int16Array) -> str:
    lines = [", ".join(map(str, row)) for row in window.reshape(-1, 2 * len(features.AXES))]
    return "    {\n        " + ",\n        ".join(lines) + ",\n    }"


def _differs(path: Path, text: str) -> bool:
    if not path.exists():
        return True
    old = path.read_text(encoding="utf-8")
    if path.suffix != ".json" or old == text:
        return old != text
    # The model file also names the scikit-learn version it came from, which may be another one.
    return bool({**json.loads(old), "origin": None} != {**json.loads(text), "origin": None})


_WINDOWS_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by model.py. Recordings: the smartwatch data of seglearn (BSD-3-Clause), see README.md. */
#ifndef RECORDED_WINDOWS_H
#define RECORDED_WINDOWS_H

#include <stdint.h>

#include <milliwatt/config.h>

#include "motion_features.h"

/* clang-format off */

#define RECORDED_WINDOWS {count}

/* Classes: {classes}.
 * People, none of them seen in training: {people}. */

/* What the person did. */
static const uint8_t recorded_performed[RECORDED_WINDOWS] = {{{performed}}};

/* What scikit-learn says of the same window on the PC. */
static const uint8_t recorded_predicted[RECORDED_WINDOWS] = {{{predicted}}};

static const int16_t recorded_samples[RECORDED_WINDOWS][MOTION_SAMPLES] MW_FLASH = {{
{tables},
}};

#endif
"""


if __name__ == "__main__":
    sys.exit(main())
