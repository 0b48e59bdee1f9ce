"""Clamps where they cost nothing: before a pool, as a part of the layer of sums in front of it."""

from __future__ import annotations

import dataclasses

from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import (
    RELU,
    RELU6,
    Activation,
    Add,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Network,
    Reshape,
)  # fmt: skip


def clamps_before_pools(model: Network) -> Network:
    """The network with ``ReLU`` and ``ReLU6`` after a maximum moved in front of it: the answers are the same.

    Integers are clamped anyway, whereas an activation after a pool would be looked up. Tensors keep their
    numbers: a ``Reshape`` that changes nothing takes the activation's place.
    """
    layers = list(model.layers)
    for index, layer in enumerate(layers):
        if not isinstance(layer, Activation) or layer.activation not in (RELU, RELU6):
            continue
        at = layer.inputs[0]
        moved = False
        while at and isinstance(layers[at - 1], MaxPool | Reshape) and _readers(layers, at) == 1:
            moved = moved or isinstance(layers[at - 1], MaxPool)
            at = layers[at - 1].inputs[0]
        before = layers[at - 1] if at else None
        if not isinstance(before, Dense | Conv | Depthwise | Add) or before.activation != IDENTITY:
            continue
        if moved and _readers(layers, at) == 1:
            layers[at - 1] = dataclasses.replace(before, activation=layer.activation)
            layers[index] = Reshape(layer.inputs, layer.shape)
    return dataclasses.replace(model, layers=tuple(layers))


def _readers(layers: list[Layer], tensor: int) -> int:
    return sum(layer.inputs.count(tensor) for layer in layers)
