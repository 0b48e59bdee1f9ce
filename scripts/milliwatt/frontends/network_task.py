"""What the outputs of a network mean, which libraries of networks do not say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError
from milliwatt.ir.model import CLASSIFIER, IDENTITY, REGRESSOR, SIGMOID, SOFTMAX, Label
from milliwatt.ir.network import Network
from milliwatt.ir.validate_network import validate_network


def as_classifier(model: Network, classes: Sequence[Label] = (), *, link: str = "") -> Network:
    """The network as a classifier.

    Args:
        classes: labels in the order of outputs (two for a single output); 0, 1, … by default.
        link: what makes probabilities of scores: ``softmax``, ``sigmoid``, or the network's own by default;
            where it has none, its outputs are taken for logits: ``softmax``, of a single output ``sigmoid``.

    Raises:
        MilliwattError: not as many labels as there are classes.
    """
    n = model.n_outputs
    own = model.link if model.link != IDENTITY else SOFTMAX if n > 1 else SIGMOID
    link = link or own
    wanted = 2 if n == 1 and link == SIGMOID else n
    labels = tuple(classes) or tuple(range(wanted))
    if len(labels) != wanted:
        raise MilliwattError(
            f"{len(labels)} labels for {wanted} classes", option="classes", cure=f"give {wanted} labels"
        )
    return validate_network(dataclasses.replace(model, task=CLASSIFIER, link=link, classes=labels))


def with_task(model: Network, task: str, classes: Sequence[Label] = ()) -> Network:
    """The network with its outputs taken for what the options ``task`` and ``classes`` say.

    Args:
        task: ``auto``: with ``classes`` a classifier, else as it is.

    Raises:
        MilliwattError: its outputs cannot be that, or there are not as many labels as classes.
    """
    if task == "regressor":
        return _as_regressor(model)
    if task == "multilabel":
        if model.n_outputs < 2 or model.link not in (IDENTITY, SIGMOID):
            shown = "a single output" if model.n_outputs < 2 else model.link
            raise MilliwattError(
                f"a network that ends with {shown} does not answer labels each for itself",
                option="task",
                cure="use task=classifier",
            )
        return as_classifier(model, classes, link=SIGMOID)
    if task == "auto" and not classes:
        return model
    if model.link not in (IDENTITY, SIGMOID, SOFTMAX):
        raise MilliwattError(
            f"its outputs, {model.link}, are no scores of classes", option="task", cure="use auto"
        )
    return as_classifier(model, classes)


def _as_regressor(model: Network) -> Network:
    if model.link == SOFTMAX:
        raise MilliwattError(
            "a network that ends with softmax answers probabilities of classes",
            option="task",
            cure="use task=classifier or leave it out; predict_proba() gives the probabilities",
        )
    return validate_network(dataclasses.replace(model, task=REGRESSOR, classes=()))


def task_answers(before: Network, after: Network, given: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a library answers, out of what it answers for the network before :func:`with_task`."""
    if before.link != after.link:  # its outputs were taken for scores
        return own_answers(after, given, linked=False)
    if before.is_binary and not after.is_binary:
        return given[:, 1:]
    return own_answers(after, given, linked=True) if after.is_binary and not before.is_binary else given


def only_tensor(found: Any) -> Any:
    """The only output of a model, which libraries may give in a list, or with a name."""
    while isinstance(found, list | tuple | Mapping):
        found = next(iter(found.values() if isinstance(found, Mapping) else found))
    return found


def own_answers(model: Network, outputs: NDArray[np.float64], *, linked: bool) -> NDArray[np.float64]:
    """A library's outputs as answers of the converted model: a column a class, label or value.

    Args:
        outputs: shape (rows, …).
        linked: they went through the model's link already.
    """
    given = np.asarray(outputs, dtype=np.float64).reshape(len(outputs), -1)
    if not linked and model.link == SIGMOID:
        given = 1.0 / (1.0 + np.exp(-given))
    elif not linked and model.link == SOFTMAX:
        raised = np.exp(given - given.max(axis=1, keepdims=True))
        given = raised / raised.sum(axis=1, keepdims=True)
    return np.column_stack([1.0 - given[:, 0], given[:, 0]]) if model.is_binary else given
