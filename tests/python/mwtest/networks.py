"""Random networks: graphs of all kinds of layers, with branches that meet again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from milliwatt.ir import validate
from milliwatt.ir.network import (
    ACTIVATIONS,
    WITH_ALPHA,
    Activation,
    Add,
    Array,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    FloatLayer,
    MaxPool,
    Network,
    Pad,
    Reshape,
    Scale,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_shapes import output_shape

_IMAGE = ("conv", "conv", "depthwise", "max", "average", "activation", "add", "concat", "pad", "flatten")
_FLAT = ("dense", "dense", "activation", "add", "concat", "reshape")
LINKS = ("identity", "softmax", "sigmoid", "labels", "shares", "exp")


@dataclass(frozen=True)
class NetworkSpec:
    """What a random network looks like; the seed decides the rest.

    Attributes:
        shape: the input's.
        n_layers: beside those that bring all ends together.
        link: one of :data:`LINKS`: ``labels`` is sigmoid with many labels, ``shares`` a regressor's.
        scales: with ``Scale`` layers, as frontends make them; such a network is not valid.
    """

    seed: int
    shape: Shape = (6, 5, 2)
    n_layers: int = 6
    n_outputs: int = 3
    link: str = "softmax"
    scales: bool = False


def network_specs(*, scales: bool = False) -> st.SearchStrategy[NetworkSpec]:
    """Specifications that reach every kind of layer and link."""
    side = st.integers(1, 7)
    shapes = st.tuples(side, side, st.integers(1, 3)) | st.tuples(st.integers(1, 9))
    return st.builds(
        NetworkSpec,
        seed=st.integers(0, 2**32 - 1),
        shape=shapes,
        n_layers=st.integers(0, 9),
        n_outputs=st.integers(2, 4),
        link=st.sampled_from(LINKS),
        scales=st.just(scales),
    )


def numbers(rng: np.random.Generator, *shape: int) -> Array:
    """Random weights."""
    return Array(shape, "float32", rng.normal(size=shape).astype("<f4").tobytes())


def build_network(spec: NetworkSpec) -> Network:
    """The network; valid unless it has scales."""
    grown = _Growing(spec)
    for _ in range(spec.n_layers):
        grown.grow()
    grown.close(1 if spec.link == "sigmoid" else spec.n_outputs)
    link = {"labels": "sigmoid", "shares": "sigmoid"}.get(spec.link, spec.link)
    task = "regressor" if spec.link in ("identity", "shares", "exp") else "classifier"
    classes = tuple(range(2 if spec.link == "sigmoid" else spec.n_outputs)) if task == "classifier" else ()
    model = Network(
        task, int(np.prod(spec.shape)), tuple(grown.layers), link, classes, input_shape=spec.shape
    )
    return model if spec.scales else validate(model)


def samples_of(model: Network, seed: int, rows: int = 4) -> NDArray[np.float64]:
    """Samples that a network can be asked."""
    drawn = np.random.default_rng(seed).normal(size=(rows, model.n_features))
    return drawn.astype(np.float32).astype(np.float64)


class _Growing:
    def __init__(self, spec: NetworkSpec) -> None:
        self.rng = np.random.default_rng(spec.seed)
        self.shapes: list[Shape] = [spec.shape]
        self.layers: list[FloatLayer] = []
        self.scales = spec.scales

    def push(self, kind: Any, *tensors: int, **fields: Any) -> int | None:
        """A layer, if it is possible there."""
        layer = kind(inputs=tensors, **fields)
        try:
            found = output_shape(layer, [self.shapes[tensor] for tensor in tensors])
        except ValueError:
            return None
        if kind is not Dense:
            layer = dataclasses.replace(layer, shape=found)
        self.layers.append(layer)
        self.shapes.append(found)
        return len(self.layers)

    def activation(self, *, none: bool = True) -> dict[str, Any]:
        kind = str(self.rng.choice(ACTIVATIONS if none else ACTIVATIONS[1:]))
        alpha = round(float(self.rng.random()), 3) + 0.01 if kind in WITH_ALPHA else 0.0
        return {"activation": kind, "alpha": alpha}

    def draw(self, low: int, high: int, n: int = 2) -> tuple[int, ...]:
        return tuple(int(v) for v in self.rng.integers(low, high + 1, n))

    def grow(self) -> None:
        """One more layer, mostly on what came last."""
        last = len(self.shapes) - 1
        tensor = last if self.rng.random() < 0.7 else int(self.rng.integers(0, last + 1))
        shape = self.shapes[tensor]
        kinds = (*(_IMAGE if len(shape) == 3 else _FLAT), *(("scale", "scale") if self.scales else ()))
        getattr(self, f"_{self.rng.choice(kinds)}")(tensor, shape)

    def _conv(self, tensor: int, shape: Shape) -> None:
        out = int(self.rng.integers(1, 5))
        self._kernel(Conv, tensor, (shape[2], out), out)

    def _depthwise(self, tensor: int, shape: Shape) -> None:
        times = int(self.rng.integers(1, 3))
        self._kernel(Depthwise, tensor, (shape[2], times), shape[2] * times)

    def _kernel(self, kind: Any, tensor: int, channels: tuple[int, int], out: int) -> None:
        fields = {
            "weights": numbers(self.rng, *self.draw(1, 3), *channels),
            "bias": numbers(self.rng, out),
            "strides": self.draw(1, 3),
            "dilation": self.draw(1, 2),
            "padding": self.draw(0, 2, 4),
            **self.activation(),
        }
        self.push(kind, tensor, shape=(), **fields)

    def _max(self, tensor: int, shape: Shape) -> None:
        self._pool(MaxPool, tensor, {})

    def _average(self, tensor: int, shape: Shape) -> None:
        self._pool(AveragePool, tensor, {"counts_padding": bool(self.rng.integers(2))})

    def _pool(self, kind: Any, tensor: int, fields: dict[str, Any]) -> None:
        size = self.draw(1, 3)
        padding = tuple(int(self.rng.integers(0, size[i % 2])) for i in range(4))
        self.push(kind, tensor, shape=(), size=size, strides=self.draw(1, 3), padding=padding, **fields)

    def _activation(self, tensor: int, shape: Shape) -> None:
        self.push(Activation, tensor, shape=(), **self.activation(none=False))

    def _add(self, tensor: int, shape: Shape) -> None:
        others = [number for number, other in enumerate(self.shapes) if other == shape]
        self.push(Add, tensor, int(self.rng.choice(others)), shape=(), **self.activation())

    def _concat(self, tensor: int, shape: Shape) -> None:
        others = [number for number, other in enumerate(self.shapes) if other[:-1] == shape[:-1]]
        chosen = [int(number) for number in self.rng.choice(others, self.rng.integers(1, 3))]
        self.push(Concat, tensor, *chosen, shape=())

    def _pad(self, tensor: int, shape: Shape) -> None:
        self.push(Pad, tensor, shape=(), padding=self.draw(0, 2, 4))

    def _flatten(self, tensor: int, shape: Shape) -> None:
        self.push(Reshape, tensor, shape=(int(np.prod(shape)),))

    def _reshape(self, tensor: int, shape: Shape) -> None:
        sides = [side for side in (1, 2, 3) if shape[0] % side == 0]
        side = int(self.rng.choice(sides))
        self.push(Reshape, tensor, shape=(1, side, shape[0] // side))

    def _dense(self, tensor: int, shape: Shape) -> None:
        out = int(self.rng.integers(1, 6))
        weights = numbers(self.rng, shape[0], out)
        self.push(Dense, tensor, weights=weights, bias=numbers(self.rng, out), **self.activation())

    def _scale(self, tensor: int, shape: Shape) -> None:
        offset = numbers(self.rng, shape[-1])
        if self.rng.random() < 0.3:
            offset = Array(offset.shape, "float32", bytes(len(offset.data)))
        self.push(Scale, tensor, shape=(), scale=numbers(self.rng, shape[-1]), offset=offset)

    def close(self, n_outputs: int) -> None:
        """All that nobody read, brought together and through a dense layer."""
        read = {number for layer in self.layers for number in layer.inputs}
        ends = [number for number in range(len(self.shapes)) if number not in read]
        flat = []
        for number in ends:
            shape = self.shapes[number]
            made = number if len(shape) == 1 else self.push(Reshape, number, shape=(int(np.prod(shape)),))
            assert made is not None
            flat.append(made)
        last = flat[0] if len(flat) == 1 else self.push(Concat, *flat, shape=())
        assert last is not None
        n_in = self.shapes[last][0]
        self.push(Dense, last, weights=numbers(self.rng, n_in, n_outputs), bias=numbers(self.rng, n_outputs))
