"""The networks that are measured, and how each becomes a model."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from net_problems import PROBLEMS, ROOT, Problem
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import milliwatt
from milliwatt.host.quantization import quantize_network
from milliwatt.model import Model

MODELS = Path(__file__).resolve().parent / "models"
FLOAT = "none"


@dataclass(frozen=True)
class Case:
    """A network.

    Attributes:
        about: its layers, as a part of a sentence.
        quantize: what is measured, in the words of the option of that name.
        fit: of a multi-layer perceptron: hidden layers and activation; else it is a file.
        file: of a convolutional network: the committed model, in floats or already in integers.
        most_rows: how many held-out rows go to the boards.
    """

    name: str
    about: str
    problem_name: str
    quantize: tuple[str, ...]
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    file: Path | None = None
    most_rows: int = 360

    @property
    def problem(self) -> Problem:
        return PROBLEMS[self.problem_name]()

    @property
    def is_perceptron(self) -> bool:
        return self.file is None

    def estimator(self) -> Any:
        """The fitted scikit-learn estimator of a perceptron."""
        return _fitted(self)

    def model(self, quantize: str) -> Model:
        """Converted: float features for floats, else the integers that the features are."""
        return _converted(self, quantize)


CASES = {
    case.name: case
    for case in (
        Case("mlp", "MLP 64-64-32-10, ReLU", "digits", (FLOAT, "int8", "int16"), (64, 32)),
        Case("mlp-tanh", "MLP 64-64-32-10, tanh", "digits", (FLOAT, "int8", "int16"), (64, 32), "tanh"),
        Case("mlp-small", "MLP 32-16-8-4, ReLU", "halves", (FLOAT, "int8", "int16"), (16, 8)),
        Case(
            "cnn",
            "8×8 pixels, convolution 8@3×3, convolution 16@3×3 stride 2, dense 10, ReLU",
            "digits",
            (FLOAT, "int8", "int16"),
            file=MODELS / "cnn.mw.json",
        ),
        Case(
            "cnn-separable",
            "8×8 pixels, convolution 8@3×3, two times depthwise 3×3 and pointwise (16, 32), mean, dense 10",
            "digits",
            (FLOAT, "int8"),
            file=MODELS / "cnn_separable.mw.json",
        ),
        Case(
            "cnn-signal",
            "six axes of 100 samples, convolutions 8@5/2, 16@5/2, 24@5/2, mean, dense 7",
            "watch",
            (FLOAT, "int8"),
            file=MODELS / "cnn_signal.mw.json",
            most_rows=100,
        ),
        Case(
            "mnist",
            "samples/digits_cnn, 28×28 pixels",
            "mnist",
            ("int8",),
            file=ROOT / "samples" / "digits_cnn" / "models" / "digits_cnn.mw.json",
            most_rows=100,
        ),
    )
}


@cache
def _fitted(case: Case) -> MLPClassifier:
    """Learnt from features of 0 to 1, then told that they come 16 or 32 times as large."""
    problem = case.problem
    largest = 16.0 if problem.learn.max() <= 16 else 32.0
    estimator = MLPClassifier(case.hidden, activation=case.activation, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(problem.learn / largest, problem.learn_labels)
    estimator.coefs_[0] /= largest  # a power of two: exact
    return estimator


@cache
def _converted(case: Case, quantize: str) -> Model:
    problem = case.problem
    options: dict[str, Any] = {"dtype": "float"} if quantize == FLOAT else {"dtype": problem.dtype}
    if case.is_perceptron:
        return milliwatt.convert(
            case.estimator(),
            name="model",
            quantize=quantize,
            calibration=problem.learn.astype(np.float64),
            **options,
        )
    assert case.file is not None
    network: Any = dataclasses.replace(milliwatt.load(case.file).ir, name="model")
    if network.is_integer or quantize == FLOAT:
        return Model(network)
    typed = dataclasses.replace(network, quantize=quantize, dtype=problem.dtype)
    return Model(quantize_network(typed, problem.learn.astype(np.float64))[0])
