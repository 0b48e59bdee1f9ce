"""Trains the wine classifier with scikit-learn and exports what the firmware is built from.

python model.py            train, print the figures, write models/ and src/recorded_wines.h
python model.py --check    the figures of the model that is there, beside one trained now
python model.py --out DIR  the held-out wines as wines.csv too
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import milliwatt
from milliwatt.model import Model

HERE = Path(__file__).resolve().parent
NAME = "wine_mlp"
MODEL_FILE = HERE / "models" / f"{NAME}.mw.json"
WINES_FILE = HERE / "src" / "recorded_wines.h"

# What a photometer measures of a wine and its dilutions, in scikit-learn's names for the columns.
MEASURED = (
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
)
PER_UNIT = 1000  # the device reads thousandths: integers of 16 bits
# scikit-learn calls them class_0 to class_2; the grapes are those of Forina's paper, see README.md.
GRAPES = ("Barolo", "Grignolino", "Barbera")


@dataclass(frozen=True)
class Wines:
    """Readings in thousandths, shape (n, 7), and the grape of each."""

    readings: npt.NDArray[np.int16]
    grape: npt.NDArray[np.str_]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trains and exports the wine classifier.")
    parser.add_argument("--check", action="store_true", help="figures of the model that is there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write wines.csv there")
    options = parser.parse_args(arguments)
    learn, held_out = load()
    if options.out is not None:
        write_csv(options.out, held_out)
    estimator = train(learn)
    model = milliwatt.load(MODEL_FILE) if options.check else convert(estimator, learn)
    print_figures(estimator, model, learn, held_out)
    if options.check:
        return 0 if accuracy(model, held_out) >= 0.9 else 1
    MODEL_FILE.parent.mkdir(exist_ok=True)
    model.save(MODEL_FILE)
    WINES_FILE.write_text(wines_text(model, held_out), encoding="utf-8", newline="\n")
    return 0


def load() -> tuple[Wines, Wines]:
    """What is learnt from, and a third that is held out."""
    data = load_wine()
    columns = [list(data.feature_names).index(name) for name in MEASURED]
    readings = np.rint(data.data[:, columns] * PER_UNIT).astype(np.int16)
    grape = np.asarray(GRAPES)[data.target]
    split = train_test_split(readings, grape, test_size=1 / 3, stratify=grape, random_state=0)
    return Wines(split[0], split[2]), Wines(split[1], split[3])


def train(learn: Wines) -> MLPClassifier:
    """A network that takes readings as they are: its first layer does what the scaler before it did."""
    pipeline = _pipeline().fit(learn.readings, learn.grape)
    scaler, network = pipeline[0], pipeline[1]
    network.coefs_[0] /= scaler.scale_[:, np.newaxis]
    network.intercepts_[0] -= scaler.mean_ @ network.coefs_[0]
    return network


def _pipeline() -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier((16,), alpha=0.1, max_iter=3000, random_state=0))


def convert(estimator: MLPClassifier, learn: Wines) -> Model:
    """In bytes; the readings, which are integers, stay what they are."""
    return milliwatt.convert(estimator, name=NAME, quantize="int8", calibration=learn.readings)


def accuracy(model: Model, wines: Wines) -> float:
    return float((model.predict(wines.readings) == wines.grape).mean())


def print_figures(estimator: MLPClassifier, model: Model, learn: Wines, held_out: Wines) -> None:
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    scores = cross_val_score(_pipeline(), learn.readings, learn.grape, cv=folds)
    exact, whole = estimator.predict(held_out.readings), model.predict(held_out.readings)
    print(f"learnt from  {len(learn.grape)} wines; cross-validated on them, ten folds: {scores.mean():.1%}")
    print(f"held out     {len(held_out.grape)} wines")
    print(f"scikit-learn {(exact == held_out.grape).mean():.1%}")
    print(f"int8         {(whole == held_out.grape).mean():.1%}, {(whole != exact).sum()} other answers")
    print(f"arena        {model.arena_size} bytes")


def write_csv(directory: Path, held_out: Wines) -> None:
    """``wines.csv``: a wine a line, its readings and its grape."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "wines.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*MEASURED, "label"])
        writer.writerows([*readings, grape] for readings, grape in zip(*_columns(held_out), strict=True))


def _columns(wines: Wines) -> tuple[list[list[int]], list[str]]:
    return wines.readings.tolist(), wines.grape.tolist()


def wines_text(model: Model, held_out: Wines) -> str:
    """``src/recorded_wines.h``: nine wines, the first three of each grape: picked by place, not by answer."""
    chosen = np.concatenate([np.flatnonzero(held_out.grape == grape)[:3] for grape in GRAPES])
    classes = model.classes_.tolist()
    answers = model.predict(held_out.readings[chosen])
    rows = ",\n".join("    {" + ", ".join(map(str, readings)) + "}" for readings in held_out.readings[chosen])
    return _WINES_H.format(
        n=len(chosen),
        classes=", ".join(f"{i} {name}" for i, name in enumerate(classes)),
        grapes=", ".join(str(classes.index(grape)) for grape in held_out.grape[chosen]),
        predicted=", ".join(str(classes.index(answer)) for answer in answers),
        features=", ".join(MEASURED),
        rows=rows,
    )


_WINES_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by model.py. Measurements: the wine data of scikit-learn, see README.md. */
#ifndef RECORDED_WINES_H
#define RECORDED_WINES_H

#include <stdint.h>

#include <milliwatt/config.h>

/* clang-format off */

#define RECORDED_WINES {n}

/* Classes: {classes}. */
static const uint8_t recorded_grape[RECORDED_WINES] = {{{grapes}}};

/* What the model says on the PC. */
static const uint8_t recorded_predicted[RECORDED_WINES] = {{{predicted}}};

/* In thousandths: {features}. */
static const int16_t recorded_readings[RECORDED_WINES][7] MW_FLASH = {{
{rows},
}};

#endif
"""


if __name__ == "__main__":
    sys.exit(main())
