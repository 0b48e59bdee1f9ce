"""Between what limits a model's answers lie, as its leaves say."""

from __future__ import annotations

import math

from milliwatt.ir import Tree, TreeEnsemble, TreeModel
from milliwatt.ir.model import EXP, MEAN, MEDIAN, SIGMOID, SOFTMAX

_LARGEST_EXPONENT = 709.0  # e to that is a float64

Range = tuple[float, float]


def score_ranges(model: TreeEnsemble) -> list[Range]:
    """For each output the lowest and the highest score there can be, were all trees independent."""
    if model.aggregate == MEDIAN:
        values = [row[0] for row in model.leaves]
        return [(min(values), max(values))]
    low, high = [0.0] * model.n_outputs, [0.0] * model.n_outputs
    for index, tree in enumerate(model.trees):
        columns = list(zip(*_reached(model, tree), strict=True))
        outputs = [model.outputs[index]] if model.outputs else range(model.n_outputs)
        for output, column in zip(outputs, columns, strict=True):
            low[output] += min(column)
            high[output] += max(column)
    share = len(model.trees) if model.aggregate == MEAN else 1
    base = model.base or (0.0,) * model.n_outputs
    return [(b + lo / share, b + hi / share) for b, lo, hi in zip(base, low, high, strict=True)]


def answer_ranges(model: TreeModel) -> list[Range]:
    """For each answer (probability, value or vote) the lowest and the highest there can be."""
    if isinstance(model, TreeEnsemble):
        return _through_link(model, score_ranges(model))
    width = model.n_outputs
    if model.counts_votes:
        all_votes = sum(model.weights) if model.weights and not model.has_probabilities else 1.0
        return [(0.0, all_votes)] * width
    low, high = [0.0] * width, [0.0] * width
    for member, share, columns in zip(model.members, model.shares, model.columns, strict=True):
        for column, (lowest, highest) in zip(columns, answer_ranges(member), strict=True):
            low[column] += share * lowest
            high[column] += share * highest
    return list(zip(low, high, strict=True))


def _reached(model: TreeEnsemble, tree: Tree) -> list[tuple[float, ...]]:
    found = {~child for child in (tree.root, *tree.left, *tree.right) if child < 0}
    return [model.leaves[row] for row in found]


def _through_link(model: TreeEnsemble, scores: list[Range]) -> list[Range]:
    if model.link == EXP:
        return [(_exp(low), _exp(high)) for low, high in scores]
    if model.link in (SIGMOID, SOFTMAX):
        return [(0.0, 1.0)] * model.n_answers
    if model.is_binary and model.has_probabilities:
        low, high = scores[0]
        return [(1.0 - high, 1.0 - low), (low, high)]
    return scores


def _exp(score: float) -> float:
    return math.exp(min(score, _LARGEST_EXPONENT))
