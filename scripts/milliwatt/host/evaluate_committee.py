"""Committees evaluated by numpy, and one way to evaluate models of every kind, networks among them.

An oracle as ``evaluate`` is: votes are added up in float64, in the order of the members, as scikit-learn
does, not in the device's integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.host.batches import in_batches
from milliwatt.host.evaluate import answers as ensemble_answers
from milliwatt.host.evaluate import class_columns as ensemble_columns
from milliwatt.host.evaluate import decide as ensemble_decides
from milliwatt.host.evaluate import scores as ensemble_scores
from milliwatt.host.evaluate_integers import scores as integer_scores
from milliwatt.host.evaluate_network import answers as network_answers
from milliwatt.host.evaluate_network import scores as network_scores
from milliwatt.ir import AnyModel, Committee, Network, TreeEnsemble, TreeModel
from milliwatt.ir.committee import HARD

# The scores of one sum of trees.
Scorer = Callable[[TreeEnsemble], NDArray[np.float64]]


def evaluate(model: AnyModel, samples: NDArray[Any]) -> NDArray[np.float64]:
    """The answer to each sample: probabilities (scores or votes, where there are none) or values.

    Args:
        samples: device features (already scaled, where the model has a scale).

    Returns:
        float64, shape (rows, classes) or (rows, outputs).
    """
    return answers(model, scores(model, samples))


def scores(model: AnyModel, samples: NDArray[Any], scorer: Scorer | None = None) -> NDArray[np.float64]:
    """The scores of each sample, shape (rows, outputs); a committee's votes, probabilities or values.

    Args:
        scorer: what gives the scores of a sum of trees; by default :func:`evaluate.scores`.
    """
    scorer = scorer or (lambda ensemble: ensemble_scores(ensemble, samples))
    if isinstance(model, TreeEnsemble):
        return scorer(model)
    if isinstance(model, Network):
        network, score = model, integer_scores if model.is_integer else network_scores
        return in_batches(network, np.asarray(samples), lambda some: score(network, some))
    total: NDArray[np.float64] = np.zeros((len(samples), model.n_outputs))
    rows = np.arange(len(samples))
    weights = model.weights or (1.0,) * len(model.members)
    for member, weight, columns in zip(model.members, weights, model.columns, strict=True):
        reached = scores(member, samples, scorer)
        if model.counts_votes:
            total[rows, np.asarray(columns)[decide(member, reached)]] += weight
        else:
            total[:, list(columns)] += weight * answers(member, reached)
    # Weighted votes that are no probabilities stay sums of weights.
    return total if model.vote == HARD and model.weights else total / sum(weights)


def answers(model: AnyModel, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores through the model's link: probabilities or values, one column a class or output."""
    if isinstance(model, Network):
        return network_answers(model, scores)
    return ensemble_answers(model, scores) if isinstance(model, TreeEnsemble) else scores


def decide(model: AnyModel, scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """A classifier's class indices; not for labels that are answered each for itself."""
    if isinstance(model, TreeEnsemble):
        return ensemble_decides(model, scores)
    if isinstance(model, Network) and model.is_binary:
        return (scores[:, 0] > 0.0).astype(np.intp)
    best: NDArray[np.intp] = scores.argmax(axis=1)
    return best


def class_columns(model: AnyModel, given: NDArray[Any]) -> NDArray[np.float64]:
    """A classifier's answers with one column a class, of which the largest is the class answered."""
    if isinstance(model, TreeEnsemble):
        return ensemble_columns(model, given)
    return np.asarray(given, dtype=np.float64)


def undecided(
    model: AnyModel, samples: NDArray[Any], slack: Callable[[TreeModel], float] | None = None
) -> NDArray[np.bool_]:
    """Rows in which a vote is given by a member whose best two classes are too close to each other.

    Args:
        slack: how close a member's scores (a committee's probabilities) may be so that rounding
            decides; by default the estimator's own ``noise``.

    Returns:
        shape (rows,); nothing for models in which nobody votes.
    """
    slack = slack or (lambda member: member.noise)
    found = np.zeros(len(samples), dtype=bool)
    if not isinstance(model, Committee):
        return found
    for member in model.members:
        found |= undecided(member, samples, slack)
        if model.counts_votes:
            found |= _margin(member, samples) <= slack(member)
    return found


def _margin(model: TreeModel, samples: NDArray[Any]) -> NDArray[np.float64]:
    """How far apart a classifier's best two classes are, in each row; votes are never too close."""
    never = np.full(len(samples), np.inf)
    if isinstance(model, Committee) and model.counts_votes:
        return never
    reached = scores(model, samples)
    if isinstance(model, TreeEnsemble) and model.is_binary:
        return np.abs(reached[:, 0] - model.cut)
    if reached.shape[1] < 2:
        return never
    best = np.partition(reached, -2, axis=1)
    margin: NDArray[np.float64] = best[:, -1] - best[:, -2]
    return margin
