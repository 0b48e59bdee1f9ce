"""From the layers of a network to steps: padding apart, convolutions of a whole image as dense layers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.net_steps import (
    ACTIVATE,
    COPY,
    FEATURES,
    INPUT,
    LOOK_UP,
    PAD,
    PART,
    RUN,
    SUM,
    WIDEN,
    Step,
    Steps,
    Value,
    number_of,
    root_of,
    takes_features,
)  # fmt: skip
from milliwatt.emit.net_tables import writes_in_fours
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir.model import IDENTITY
from milliwatt.ir.network import (
    NO_PADDING,
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
from milliwatt.ir.network_array import Array
from milliwatt.ir.network_grids import grids
from milliwatt.ir.network_integers import (
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Table,
)  # fmt: skip

_SPARE = 3  # numbers beyond an image that convolutions of integers read, and most of them write
# Layers of integers that read no more than their inputs.
_EXACT = (Pad, Concat, IntAdd, Table, MaxPool, IntAveragePool)
_MOST = 0xFFFF  # of 16 bits
_MOST_TENSORS = 0xFF  # of 8 bits
Kernel: TypeAlias = Conv | Depthwise | IntConv | IntDepthwise
Windows: TypeAlias = MaxPool | AveragePool | IntAveragePool


def steps_of(model: Network) -> Steps:
    """The steps of a validated network.

    Raises:
        UnsupportedModelError: features of a type, or an image of a size, that no kernel takes.
    """
    return _Lowering(model).lowered()


@dataclass
class _Making:
    """A value while it is not known yet how much room it needs."""

    name: str
    n: int
    room: int
    size: int
    c_type: str


@dataclass
class _Lowering:
    """Goes through the layers once."""

    model: Network
    steps: list[Step] = field(default_factory=list)
    values: list[_Making] = field(default_factory=list)
    made: dict[int, int] = field(default_factory=dict)  # tensor to value

    def lowered(self) -> Steps:
        model = self.model
        self.shapes = model.shapes
        self.c_type, self.size = number_of(model)
        self.grids = grids(model) if model.is_integer else (None,) * (len(model.layers) + 1)
        self.needed = _needed(model)
        self.uses = _last_uses(model, self.needed)
        self._input()
        for index, layer in enumerate(model.layers):
            if index + 1 in self.needed:
                self._layer(index + 1, layer)
        scores = self._scores()
        values = tuple(Value(v.name, v.c_type, v.n, max(v.n, v.room), v.size) for v in self.values)
        return Steps(model, tuple(self.steps), values, scores)

    # -- values --------------------------------------------------------------------------------

    def _new(self, name: str, n: int, *, wide: bool = False) -> int:
        """A value; ``wide``: scores, of integers those of 32 bits."""
        scores = wide and self.model.is_integer
        made = _Making(name, n, n, 4 if scores else self.size, "int32_t" if scores else self.c_type)
        self.values.append(made)
        return len(self.values) - 1

    def _room(self, value: int, room: int) -> None:
        self.values[value].room = max(self.values[value].room, room)

    def _is_free(self, tensor: int, at: int) -> bool:
        """Nothing but the layer that makes tensor ``at`` needs a tensor's numbers any more."""
        return self.made[tensor] != FEATURES and self.uses[root_of(self.model, tensor)] <= at

    # -- steps ---------------------------------------------------------------------------------

    def _input(self) -> None:
        model = self.model
        kind = FEATURE_TYPES[model.dtype]
        self.values.append(_Making("features", model.n_features, 0, kind.size, kind.c_type))
        direct = takes_features(model)
        if direct and all(self._reads_exactly(layer) for layer in self._readers()):
            self.made[0] = FEATURES
            return
        if model.is_integer:
            _check_counts("its features", model.n_features)
        self.made[0] = self._new("t0", model.n_features)
        self.steps.append(Step(COPY if direct else INPUT, (FEATURES,), self.made[0], 0))

    def _readers(self) -> list[Layer]:
        """Layers that take the input tensor, by another shape too."""
        layers = enumerate(self.model.layers, 1)
        return [
            layer
            for tensor, layer in layers
            if tensor in self.needed
            and not isinstance(layer, Reshape)
            and any(root_of(self.model, number) == 0 for number in layer.inputs)
        ]

    def _reads_exactly(self, layer: Layer) -> bool:
        """A layer on the input tensor reads no number beyond it."""
        if not self.model.is_integer or isinstance(layer, _EXACT):
            return True
        if isinstance(layer, IntConv | IntDepthwise) and layer.padding != NO_PADDING:
            return True  # its padding is a copy
        if isinstance(layer, IntDepthwise):
            return False
        if isinstance(layer, IntConv) and not _is_dense(layer, self._shape(layer)):
            return layer.weights.shape[1] * layer.weights.shape[2] % 4 == 0 and layer.dilation[1] == 1
        return self.model.n_features % 4 == 0

    def _shape(self, layer: Layer) -> Shape:
        return self.shapes[layer.inputs[0]]

    def _layer(self, tensor: int, layer: Layer) -> None:
        first = layer.inputs[0]
        if isinstance(layer, Reshape):
            self.made[tensor] = self.made[first]
        elif isinstance(layer, Pad):
            self.made[tensor] = self._padded(tensor, layer, f"t{tensor}")
        elif isinstance(layer, Concat):
            self._concat(tensor, layer)
        elif isinstance(layer, Add | IntAdd):
            self._sum(tensor, layer)
        elif isinstance(layer, Activation | Table):
            self._in_place(tensor, layer)
        elif isinstance(layer, Kernel):
            self._convolution(tensor, layer)
        elif isinstance(layer, MaxPool | AveragePool | IntAveragePool):
            self._pool(tensor, layer)
        else:
            assert isinstance(layer, Dense | IntDense), layer
            self._dense(tensor, layer, self.made[first])
        if isinstance(layer, Dense | Conv | Depthwise | Add) and layer.activation != IDENTITY:
            made = self.made[tensor]
            self.steps.append(Step(ACTIVATE, (made,), made, tensor, layer))

    def _padded(self, tensor: int, layer: Pad | Kernel, name: str) -> int:
        """The layer's input with a frame."""
        number = layer.inputs[0]
        shape, x = self.shapes[number], self.made[number]
        top, left, bottom, right = layer.padding
        rows, columns, channels = shape[0] + top + bottom, shape[1] + left + right, shape[2]
        _check_counts("the bytes in a row of a padded image", columns * channels * self.size)
        _check_counts("the rows of a padded image", rows)
        made = self._new(name, rows * columns * channels)
        grid = self.grids[number]
        may_be = (x,) if self._is_free(number, tensor) else ()
        zero = 0 if grid is None else grid.zero
        self.steps.append(
            Step(PAD, (x,), made, tensor, None, shape, padding=layer.padding, zero=zero, may_be=may_be)
        )
        return made

    def _convolution(self, tensor: int, layer: Kernel) -> None:
        number = layer.inputs[0]
        shape, x = self.shapes[number], self.made[number]
        if _is_dense(layer, shape):
            self._dense(tensor, _as_dense(layer), x)
            return
        top, left, bottom, right = layer.padding
        if layer.padding != NO_PADDING:
            x = self._padded(tensor, layer, f"p{tensor}")
            shape = (shape[0] + top + bottom, shape[1] + left + right, shape[2])
            layer = dataclasses.replace(layer, padding=NO_PADDING)
        if self.model.is_integer:
            self._room(x, self.values[x].n + _SPARE)
        made = self._new(f"t{tensor}", prod(layer.shape))
        if writes_in_fours(layer):
            self._room(made, self.values[made].n + _SPARE)
        self._run(tensor, layer, x, made, shape)

    def _dense(self, tensor: int, layer: Dense | IntDense, x: int) -> None:
        if self.model.is_integer:
            self._room(x, _in_fours(layer.n_in))
        made = self._new(f"t{tensor}", layer.n_out, wide=isinstance(layer, IntDense) and layer.is_last)
        self._room(made, _in_fours(layer.n_out))
        self._run(tensor, layer, x, made, (layer.n_in,))

    def _pool(self, tensor: int, layer: Windows) -> None:
        number = layer.inputs[0]
        x, n = self.made[number], prod(layer.shape)
        last = isinstance(layer, IntAveragePool) and layer.is_last
        if len(layer.shape) == 1:  # scores: the image that they are
            layer = dataclasses.replace(layer, shape=(1, 1, n))
        made = self._new(f"t{tensor}", n, wide=last)
        can = layer.padding == NO_PADDING and not last and self._is_free(number, tensor)
        self._run(tensor, layer, x, made, self.shapes[number], (x,) if can else ())

    def _run(
        self, tensor: int, layer: Layer, x: int, made: int, before: Shape, may_be: tuple[int, ...] = ()
    ) -> None:
        known = (self.grids[layer.inputs[0]], self.grids[tensor])
        self.steps.append(Step(RUN, (x,), made, tensor, layer, before, known, may_be=may_be))
        self.made[tensor] = made

    def _sum(self, tensor: int, layer: Add | IntAdd) -> None:
        _check_counts("the tensors to add", len(layer.inputs), _MOST_TENSORS, "add them in groups")
        made = self._new(f"t{tensor}", prod(layer.shape))
        reads = tuple(self.made[number] for number in layer.inputs)
        free = {self.made[number]: None for number in layer.inputs if self._is_free(number, tensor)}
        known = (self.grids[layer.inputs[0]], self.grids[tensor])
        shape = self.shapes[layer.inputs[0]]
        self.steps.append(Step(SUM, reads, made, tensor, layer, shape, known, may_be=tuple(free)))
        self.made[tensor] = made

    def _in_place(self, tensor: int, layer: Activation | Table) -> None:
        number = layer.inputs[0]
        made = self.made[number]
        if not self._is_free(number, tensor):
            made = self._new(f"t{tensor}", prod(layer.shape))
            self.steps.append(Step(COPY, (self.made[number],), made, tensor))
        self.steps.append(
            Step(LOOK_UP if isinstance(layer, Table) else ACTIVATE, (made,), made, tensor, layer)
        )
        self.made[tensor] = made

    def _concat(self, tensor: int, layer: Concat) -> None:
        made = self._new(f"t{tensor}", prod(layer.shape))
        self.made[tensor] = made
        at = 0
        for number in layer.inputs:
            shape = self.shapes[number]
            self.steps.append(Step(PART, (self.made[number],), made, tensor, layer, shape, at=at))
            at += shape[-1]

    def _scores(self) -> int:
        """The last tensor as float or int32."""
        last = len(self.model.layers)
        value, grid = self.made[last], self.grids[-1]
        if not self.model.is_integer or grid is None:
            if value != FEATURES:
                return value
            made = self._new("t0", self.values[value].n)  # nothing but reshapes
            self.steps.append(Step(COPY, (FEATURES,), made, 0))
            return made
        made = self._new("scores", self.values[value].n, wide=True)
        self.steps.append(Step(WIDEN, (value,), made, last, zero=grid.zero))
        return made


def _in_fours(n: int) -> int:
    return -(-n // 4) * 4


def _check_counts(
    what: str, n: int, most: int = _MOST, cure: str = "make the network's input smaller"
) -> None:
    if n > most:
        raise UnsupportedModelError(f"{what} are {n}, and kernels count up to {most}", cure=cure)


def _needed(model: Network) -> set[int]:
    """Tensors that the answer follows from."""
    found = {len(model.layers)}
    for tensor in range(len(model.layers), 0, -1):
        if tensor in found:
            found.update(model.layers[tensor - 1].inputs)
    return found


def _last_uses(model: Network, needed: set[int]) -> dict[int, int]:
    """For each tensor that is no reshape the last tensor that is made from it; scores are used at the end."""
    end = len(model.layers)
    uses = {root_of(model, end): end + 1}
    for tensor in range(end, 0, -1):
        layer = model.layers[tensor - 1]
        if tensor in needed and not isinstance(layer, Reshape):
            for number in layer.inputs:
                uses.setdefault(root_of(model, number), tensor)
    return uses


def _is_dense(layer: Kernel, before: Shape) -> bool:
    """A convolution whose only window is the whole image, each number of it once."""
    if not isinstance(layer, Conv | IntConv) or layer.padding != NO_PADDING:
        return False
    return layer.shape[:2] == (1, 1) and layer.weights.shape[:2] == before[:2]


def _as_dense(layer: Kernel) -> Dense | IntDense:
    height, width, n_in, n_out = layer.weights.shape
    weights = Array((height * width * n_in, n_out), layer.weights.kind, layer.weights.data)
    if isinstance(layer, IntConv):
        return IntDense(weights, layer.bias, layer.requantize, layer.grid, layer.inputs)
    assert isinstance(layer, Conv)
    return Dense(weights, layer.bias, layer.activation, layer.inputs, layer.alpha)
