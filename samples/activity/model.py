"""Trains the activity classifier and exports what the firmware is built from.

Four ways to run it::

    python model.py               train, print the figures, write models/ and src/recorded_motion.h
    python model.py --check       the same, but compare with the files there instead of writing them
    python model.py --out DIR     the held-out people's recordings as CSV too
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
from sklearn.pipeline import Pipeline

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # so that this file can also be loaded by its path
    sys.path.insert(0, str(HERE))

from watch import (  # noqa: E402
    AXES,
    HELD_OUT,
    RATE_HZ,
    TRAINING_STEP,
    WINDOW,
    Int16Array,
    Recording,
    Windows,
    held_out,
    load_dataset,
    training,
)

import milliwatt  # noqa: E402
from milliwatt.features import SlidingWindow, TimeFeatures  # noqa: E402
from milliwatt.model import Model  # noqa: E402

__all__ = ["held_out", "load_dataset", "train", "training"]

NAME = "activity"
MODEL_FILE = HERE / "models" / "activity.mw.json"
MOTION_FILE = HERE / "src" / "recorded_motion.h"

# Of each axis of acceleration. The mean says which way is down, hence how the arm is held; deviation and
# jerk, how strongly and how suddenly it moves; crossings of the mean, how fast it goes back and forth.
FEATURES = ("mean", "std", "jerk", "mean_crossings")

# Trees grown to the end have pure leaves: each tree has one vote, and leaves need no memory on the
# device. What keeps the trees small is that each learns from few windows, drawn at random. The README
# says how the two numbers were chosen. (A share instead of a number would be rounded differently by
# different versions of scikit-learn, and give different forests.)
N_TREES = 31
WINDOWS_PER_TREE = 200

RECORDED_SAMPLES = 4 * RATE_HZ  # that the firmware gets of each exercise


def pipeline(n_trees: int = N_TREES, per_tree: int = WINDOWS_PER_TREE, random_state: int = 0) -> Pipeline:
    """From raw acceleration to the exercise: windows of two seconds, one a second."""
    return Pipeline(
        [
            ("window", SlidingWindow(WINDOW, TRAINING_STEP, rate=RATE_HZ)),
            ("features", TimeFeatures(list(FEATURES))),
            ("forest", _forest(n_trees, per_tree, random_state)),
        ]
    )


def train(recordings: Iterable[Recording]) -> Pipeline:
    """Fitted to the people that are not held out; the same data give the same forest."""
    known = [r for r in recordings if r.person not in HELD_OUT]
    return pipeline().fit([r.acceleration for r in known], training(known).exercise)


def features_of(windows: Windows) -> Any:
    """Shape (m, 12), of the pipeline's own kind."""
    return TimeFeatures(list(FEATURES)).fit_transform(np.ascontiguousarray(windows.counts[:, :, :3]))


def convert(fitted: Pipeline) -> Model:
    return milliwatt.convert(fitted, name=NAME)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    recordings = load_dataset()
    if options.sizes:
        print_sizes(training(recordings))
        return 0
    fitted = train(recordings)
    print_figures(fitted["forest"], training(recordings), held_out(recordings))
    model = convert(fitted)
    if options.out is not None:
        write_csv(options.out, recordings)
    texts = {MODEL_FILE: model_text(model), MOTION_FILE: motion_text(model, recordings)}
    return check(texts) if options.check else write(texts)


def print_figures(forest: Any, learn: Windows, unseen: Windows) -> None:
    """Sizes, accuracy per unseen person, macro F1 and the confusion matrix."""
    predicted = forest.predict(features_of(unseen))
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
    features = features_of(learn)
    print("trees  windows per tree  splits  accuracy on people left out")
    for n_trees in (11, 21, 31, 51):
        for per_tree in (100, 200, 400, 800):
            forests = [_forest(n_trees, per_tree, seed) for seed in range(4)]
            accuracy = np.mean([_accuracy_on_new_people(forest, features, learn) for forest in forests])
            splits = np.mean([_splits(forest.fit(features, learn.exercise)) for forest in forests])
            print(f"{n_trees:5} {per_tree:17} {splits:7.0f} {accuracy:9.1%}", flush=True)


def write_csv(directory: Path, recordings: Iterable[Recording]) -> None:
    """``recording.csv``: the acceleration of all held-out people, one recording after the other."""
    directory.mkdir(parents=True, exist_ok=True)
    counts = np.concatenate([r.acceleration for r in recordings if r.person in HELD_OUT])
    with (directory / "recording.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(AXES[:3])
        writer.writerows(counts.tolist())


def model_text(model: Model) -> str:
    """The hand-over file that firmware builds read."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / MODEL_FILE.name
        model.save(path)
        return path.read_text(encoding="utf-8")


def motion_text(model: Model, recordings: Sequence[Recording]) -> str:
    """``src/recorded_motion.h``: of each exercise four seconds, of the unseen people in turn."""
    classes = model.classes_.tolist()
    pieces = [_middle(recordings, exercise, HELD_OUT[i % 3]) for i, exercise in enumerate(classes)]
    answers = [model.predict([piece]) for piece in pieces]
    hashes = [[f"0x{fnv1a(row):08x}" for row in model.features([piece])] for piece in pieces]
    return _MOTION_H.format(
        rate=RATE_HZ,
        count=len(pieces),
        samples=RECORDED_SAMPLES,
        windows=len(answers[0]),
        classes=", ".join(f"{i} {name}" for i, name in enumerate(classes)),
        people=", ".join(str(HELD_OUT[i % 3]) for i in range(len(classes))),
        predicted=_rows([str(classes.index(label)) for label in labels] for labels in answers),
        hashes=_rows(hashes),
        tables=",\n".join(map(_table, pieces)),
    )


def fnv1a(features: Iterable[int]) -> int:
    """The hash by Fowler, Noll and Vo of features, 32 bits at a time: the firmware computes it too."""
    value = 0x811C9DC5
    for feature in features:
        value = (value ^ (int(feature) & 0xFFFFFFFF)) * 0x01000193 & 0xFFFFFFFF
    return value


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


def _accuracy_on_new_people(forest: Any, features: Any, learn: Windows) -> float:
    predicted = cross_val_predict(
        forest, features, learn.exercise, groups=learn.person, cv=LeaveOneGroupOut()
    )
    right = predicted == learn.exercise
    return float(np.mean([right[learn.person == person].mean() for person in np.unique(learn.person)]))


def _people(windows: Windows) -> str:
    return ", ".join(str(person) for person in np.unique(windows.person))


def _middle(recordings: Iterable[Recording], exercise: str, person: int) -> Int16Array:
    """From the middle of that person's first recording of the exercise: picked by place, not by answer."""
    whole = next(r for r in recordings if (r.exercise, r.person) == (exercise, person)).acceleration
    begin = (len(whole) - RECORDED_SAMPLES) // 2
    return whole[begin : begin + RECORDED_SAMPLES]


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return ", ".join("{" + ", ".join(row) + "}" for row in rows)


def _table(piece: Int16Array) -> str:
    lines = [", ".join(map(str, row)) for row in piece.reshape(-1, 15)]
    return "    {\n        " + ",\n        ".join(lines) + ",\n    }"


def _differs(path: Path, text: str) -> bool:
    if not path.exists():
        return True
    old = path.read_text(encoding="utf-8")
    if path.suffix != ".json" or old == text:
        return old != text
    # The model file also names the scikit-learn version it came from, which may be another one.
    return bool({**json.loads(old), "origin": None} != {**json.loads(text), "origin": None})


_MOTION_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by model.py. Recordings: the smartwatch data of seglearn (BSD-3-Clause), see README.md. */
#ifndef RECORDED_MOTION_H
#define RECORDED_MOTION_H

#include <stdint.h>

#include <milliwatt/config.h>

/* clang-format off */

#define RECORDED_RATE_HZ {rate}
#define RECORDINGS {count}
#define RECORDED_SAMPLES {samples} /* of three axes */
#define RECORDED_WINDOWS {windows}

/* The exercises done are 0 to {count} - 1 in turn: {classes}.
 * By people, none of them seen in training: {people}. */

/* What the pipeline says on the PC. */
static const uint8_t recorded_predicted[RECORDINGS][RECORDED_WINDOWS] MW_FLASH = {{{predicted}}};

/* Hashes of the windows' features on the PC. */
static const uint32_t recorded_features[RECORDINGS][RECORDED_WINDOWS] MW_FLASH = {{{hashes}}};

static const int16_t recorded_samples[RECORDINGS][RECORDED_SAMPLES * 3] MW_FLASH = {{
{tables},
}};

#endif
"""


if __name__ == "__main__":
    sys.exit(main())
