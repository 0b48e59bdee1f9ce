"""everywhereml: Arduino C++, a function a tree over floats, votes weighted by class shares."""

from __future__ import annotations

from collections.abc import Iterator

from candidate import Candidate
from forests import Forest

REQUIREMENTS = ("everywhereml==0.2.40",)
NOTE = (
    "0.2.40. It times itself with Arduino's `micros()`: ours returns 0, which costs it nothing. A tree's "
    "vote is weighted by how frequent the class was in training, which scikit-learn does not do. "
    "No GradientBoosting."
)


def candidates(forest: Forest) -> Iterator[Candidate]:
    if not forest.is_boosted:
        yield Candidate("everywhereml", "default", "float", "hard", "predict_everywhereml.cpp")
