"""Float networks as integers: post-training quantisation with calibration data.

Weights get one step an output channel (Krishnamoorthi, "Quantizing deep convolutional networks for efficient
inference", 2018), activations one a tensor. The steps of activations are those with the smallest mean squared
error on the calibration data; what rounding shifts on average is taken off the bias (Nagel et al.,
"Data-free quantization through weight equalization and bias correction", 2019). docs/nets.md has the
arithmetic of what comes out. What a file says about integers (``Network.hints``) is kept as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import (
    Activation,
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Network,
    Pad,
    Reshape,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_grids import WORD, input_grid
from milliwatt.ir.network_integers import Grid, IntAdd, Summing, Table
from milliwatt.ir.quantization_hints import same_steps
from milliwatt.ir.validate_network import validate_network
from milliwatt.passes.grids import CLAMPED, Groups, activation_table, clamped_grid, least_error
from milliwatt.passes.quantize_hints import FileGrids, kept_map
from milliwatt.passes.quantize_input import map_input
from milliwatt.passes.quantize_layers import add_layer, mean_layer, scores_layer, sum_layer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_MOST_HALVINGS = 15
_FEW = 8  # numbers in less than this part of a table's reach are looked up too coarsely


@dataclass(frozen=True)
class Oracle:
    """How layers are evaluated; from ``host``, which this pass does not import.

    Attributes:
        real: a float layer's output from its inputs, each of shape (rows, *shape).
        whole: an integer layer's output from its inputs, their first grid, and the grid that comes out.
        activated: an activation by name, alpha and numbers.
        features: device features as the integers of tensor 0.
    """

    real: Callable[[Layer, list[Floats]], Floats]
    whole: Callable[[Layer, list[Integers], Grid | None, Grid | None], Integers]
    activated: Callable[[str, float, Floats], Floats]
    features: Callable[..., Integers]


@dataclass(frozen=True)
class Quantized:
    """A network of integers, and which of its tensors stands for each tensor of the float network."""

    network: Network
    tensor_of: tuple[int, ...]


def quantize(model: Network, features: Floats | None, oracle: Oracle) -> Quantized:
    """The network in integers.

    Args:
        model: a float network, ``model.quantize`` is ``int8`` or ``int16``; dtype and scale are decided.
        features: calibration data as the device takes them, shape (rows, features); a network with hints
            does without, unless there is something that these do not say.

    Raises:
        UnsupportedModelError: sums do not fit 32 bits; the layer is named. Or hints cannot be kept.
    """
    bits = 8 if model.quantize == "int8" else 16
    limits: dict[int, int] = {}  # of groups: how large integers may be (16 bits)
    layer = 0
    for _ in range(_MOST_HALVINGS):
        try:
            return _Pass(model, features, oracle, bits, limits).run()
        except _TooLargeError as error:
            if bits == 8 or (model.hints and model.hints.bits):
                cure = "fewer inputs to the layer; or features and biases of similar size"
                if bits == 16:
                    cure = "give the float model with quantize=int16, for which smaller integers are chosen"
                raise UnsupportedModelError(
                    f"layer {error.layer}: its sums do not fit 32 bits", option="quantize", cure=cure
                ) from None
            layer = error.layer
            limits[error.group] = limits.get(error.group, 32767) // 2
    raise UnsupportedModelError(
        f"layer {layer}: its sums do not fit 32 bits, however small integers are",
        option="quantize",
        cure="use quantize=int8; or features and biases of similar size",
    )


class _TooLargeError(Exception):
    """A layer's sums do not fit: its input needs smaller integers."""

    def __init__(self, layer: int, group: int) -> None:
        super().__init__()
        self.layer, self.group = layer, group


class _Pass:
    """One walk through the layers."""

    def __init__(
        self, model: Network, features: Floats | None, oracle: Oracle, bits: int, limits: dict[int, int]
    ) -> None:
        self.model, self.oracle, self.bits, self.limits = model, oracle, bits, limits
        self.file = None
        if model.hints:
            self.file = FileGrids(model, oracle.activated, calibrated=features is not None)
        if features is None:  # shapes need a sample, and nothing is learnt from it
            assert self.file is not None
            features = np.zeros((1, model.n_features))
        scale = np.asarray(model.scale) if model.scale else 1.0
        self.real = [(features / scale).reshape(len(features), *model.shapes[0])]
        for layer in model.layers:
            self.real.append(oracle.real(layer, [self.real[number] for number in layer.inputs]))
        self.groups = Groups(model, self.real)
        self.layers: list[Layer] = []
        self.tensor_of = [0]
        self.features = features

    def run(self) -> Quantized:
        model = self.model
        limit = self.limits.get(self.groups.of(0), 32767)
        given = self.file and self.file.grid(0)
        if given:
            self.map = kept_map(model, given, self.bits)
        else:
            self.map = map_input(model, self.features, self.bits, limit, apart=not self.file)
        first = input_grid(self.map)
        self.known: list[Grid | None] = [first]
        self.group_grid = {self.groups.of(0): first}
        values = self.oracle.features(self.map, self.features, real=model.dtype == "float")
        self.whole = [values.reshape(self.real[0].shape)]
        for index, layer in enumerate(model.layers):
            self._take(index, layer)
        made = dataclasses.replace(model, layers=tuple(self.layers), input_map=self.map, hints=None)
        try:
            return Quantized(validate_network(made), tuple(self.tensor_of))
        except ModelFileError as error:
            raise UnsupportedModelError(
                f"{error.option}: {error.problem}",
                option="quantize",
                cure="use quantize=none; and please report this network",
            ) from None

    # -- tensors -------------------------------------------------------------------------------

    def _joined(self, tensor: int) -> Floats:
        """The real numbers of all tensors that share their grid with this one."""
        return np.concatenate([self.real[number].ravel() for number in self.groups.members(tensor)])

    def _grid(self, tensor: int) -> Grid:
        """The grid of a tensor: the file's, or its group's, chosen when the first of them is made."""
        if self.file and (said := self.file.grid(tensor)):
            return said
        group = self.groups.of(tensor)
        if group not in self.group_grid:
            limit = self.limits.get(group, 32767)
            self.group_grid[group] = least_error(self._joined(tensor), self.bits, limit)
        return self.group_grid[group]

    def _append(self, layer: Layer, grid: Grid | None) -> None:
        given = [self.whole[number] for number in layer.inputs]
        self.whole.append(self.oracle.whole(layer, given, self.known[layer.inputs[0]], grid))
        self.layers.append(layer)
        self.known.append(grid)

    # -- layers --------------------------------------------------------------------------------

    def _take(self, index: int, layer: Layer) -> None:
        """Makes the integer layers of one float layer."""
        inputs = tuple(self.tensor_of[number] for number in layer.inputs)
        last = index == len(self.model.layers) - 1
        if isinstance(layer, Dense | Conv | Depthwise):
            self._sums(index, layer, inputs[0], last=last)
        elif isinstance(layer, AveragePool):
            self._mean(index, layer, inputs[0])
        elif isinstance(layer, Add):
            self._add(index, layer, inputs)
        elif isinstance(layer, Activation):
            self.tensor_of.append(self._activate(index, layer, inputs[0]))
            return
        elif isinstance(layer, Concat):
            self._concat(index, layer, inputs)
        else:
            assert isinstance(layer, MaxPool | Reshape | Pad)
            self._move(index, layer, inputs[0])
        self.tensor_of.append(len(self.whole) - 1)

    def _move(self, index: int, layer: MaxPool | Reshape | Pad, given: int) -> None:
        """The same numbers elsewhere, brought to the grid that a file has for them there."""
        grid = self.known[given]
        if grid is None:  # scores, which are a row already
            return
        target = self._grid(index + 1) if self.file else grid
        same = same_steps(grid, target)
        if same or not isinstance(layer, Reshape) or layer.shape != self.whole[given].shape[1:]:
            self._append(dataclasses.replace(layer, inputs=(given,)), grid)
            given = len(self.whole) - 1
        if not same:
            self._rescaled(given, target)

    def _concat(self, index: int, layer: Concat, inputs: Sequence[int]) -> None:
        """Its inputs end to end, those on another grid brought to its own."""
        target = self._grid(index + 1)
        taken = []
        for number in inputs:
            grid = self.known[number]
            assert grid is not None
            if (grid.unit, grid.zero) != (target.unit, target.zero):
                number = self._rescaled(number, target)
            taken.append(number)
        given = [grid for number in taken if (grid := self.known[number]) is not None]
        joined = dataclasses.replace(given[0], low=min(g.low for g in given), high=max(g.high for g in given))
        self._append(dataclasses.replace(layer, inputs=tuple(taken)), joined)

    def _activate(self, index: int, layer: Activation, given: int) -> int:
        """The tensor that an activation gives: of a clamp, its input where the grid clamps it already."""
        target, grid = self._grid(index + 1), self.known[given]
        assert grid is not None
        if self.file and layer.activation in CLAMPED:
            target = clamped_grid(target, layer.activation)
            same = same_steps(grid, target) and target.low <= grid.low and grid.high <= target.high
            return given if same else self._rescaled(given, target)
        fine = self._fine_enough(given, self.real[layer.inputs[0]])
        self._table(layer.activation, layer.alpha, fine, target, layer.shape)
        return len(self.whole) - 1

    def _rescaled(self, tensor: int, target: Grid) -> int:
        """The tensor on another grid: a sum of it alone."""
        grid = self.known[tensor]
        assert grid is not None
        shape: Shape = self.whole[tensor].shape[1:]
        self._append(add_layer((tensor,), shape, [grid], target), target)
        return len(self.whole) - 1

    def _fine_enough(self, tensor: int, values: Floats) -> int:
        """The tensor, on a grid that has enough of a table's nodes where its numbers lie."""
        grid = self.known[tensor]
        assert grid is not None
        if self.file or self.bits == 8 or float(np.abs(values).max()) * _FEW > grid.unit * WORD[1]:
            return tensor
        return self._rescaled(tensor, least_error(values.ravel(), self.bits))

    def _sums(self, index: int, layer: Dense | Conv | Depthwise, given: int, *, last: bool) -> None:
        grid = self.known[given]
        assert grid is not None
        plain = dataclasses.replace(layer, activation=IDENTITY, alpha=0.0)
        before = self.oracle.real(plain, [self.real[layer.inputs[0]]])
        units = np.asarray(self.map.unit if is_input(self.layers, given) else [grid.unit])
        kept = self.file.units(index) if self.file else None
        try:
            if last and layer.activation == IDENTITY:
                assert isinstance(layer, Dense)
                apart = not self.model.is_classifier
                made: Summing = scores_layer(
                    layer, given, grid, units, before, self._sum_of, apart=apart, kept=kept
                )
                self._append(made, None)
                return
            target = self._target(index, layer, before)
            made = sum_layer(
                layer, given, grid, units, before, target, self._sum_of, bits=self.bits, kept=kept
            )
        except OverflowError:
            raise _TooLargeError(index, self.groups.of(layer.inputs[0])) from None
        self._append(made, target)
        self._after(index, layer)

    def _sum_of(self, layer: Summing) -> Integers:
        """What a layer's sums are on the calibration data."""
        return self.oracle.whole(layer, [self.whole[layer.inputs[0]]], self.known[layer.inputs[0]], None)

    def _target(self, index: int, layer: Dense | Conv | Depthwise | Add, before: Floats) -> Grid:
        """What sums are requantised to: the output, or what its table looks up."""
        between = self.file.before(index) if self.file else None
        if layer.activation in CLAMPED and (not between or same_steps(between, self._grid(index + 1))):
            return clamped_grid(self._grid(index + 1), layer.activation)
        if between:
            return between
        if self.file:
            self.file.needs_data(index)

        def activated(values: Floats) -> Floats:
            return self.oracle.activated(layer.activation, layer.alpha, values)

        return least_error(before.ravel(), self.bits, after=activated)

    def _after(self, index: int, layer: Dense | Conv | Depthwise | Add) -> None:
        number, target = len(self.whole) - 1, self._grid(index + 1)
        if layer.activation not in CLAMPED:
            self._table(layer.activation, layer.alpha, number, target, layer.shape)
        elif not same_steps(self.known[-1], target):
            self._rescaled(number, clamped_grid(target, layer.activation))

    def _table(self, kind: str, alpha: float, given: int, grid: Grid, shape: tuple[int, ...]) -> None:
        before = self.known[given]
        assert before is not None

        def activated(values: Floats) -> Floats:
            return self.oracle.activated(kind, alpha, values)

        values, after = activation_table(before, grid, activated, bits=self.bits)
        self._append(Table((given,), shape, values, after), after)

    def _mean(self, index: int, layer: AveragePool, given: int) -> None:
        grid = self.known[given]
        assert grid is not None
        scores = self._is_scores(index)
        made = mean_layer(layer, given, grid, None if scores else self._grid(index + 1), bits=self.bits)
        self._append(made, made.grid)

    def _is_scores(self, index: int) -> bool:
        """A mean of the whole image whose numbers are the network's scores."""
        rest = self.model.layers[index + 1 :]
        whole = self.model.layers[index].shape[:2] == (1, 1)
        return whole and len(rest) == 1 and isinstance(rest[0], Reshape)

    def _add(self, index: int, layer: Add, inputs: Sequence[int]) -> None:
        plain = dataclasses.replace(layer, activation=IDENTITY, alpha=0.0)
        before = self.oracle.real(plain, [self.real[number] for number in layer.inputs])
        target = self._target(index, layer, before)
        given = [grid for number in inputs if (grid := self.known[number]) is not None]
        made: IntAdd = add_layer(tuple(inputs), layer.shape, given, target)
        self._append(made, target)
        self._after(index, layer)


def is_input(layers: Sequence[Layer], tensor: int) -> bool:
    """A tensor is the input itself, perhaps in another shape."""
    while tensor and isinstance(layer := layers[tensor - 1], Reshape):
        tensor = layer.inputs[0]
    return tensor == 0
