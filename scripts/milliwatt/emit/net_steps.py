"""The layers of a network as steps that kernels of ``<milliwatt/nets.h>`` take, and the numbers between them.

Steps come in the order in which a device takes them. What they read and write are *values*, numbered;
value 0 are the features, which are the caller's and never written. A reshape is no step: its tensor is the
same value. Some steps change a value where it lies; one whose old numbers are still needed is copied first.
``net_lowering`` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.ir.network import (
    NO_PADDING,
    AveragePool,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Network,
    Padding,
    Reshape,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_integers import Grid, IntAveragePool, IntConv, IntDense, IntDepthwise

FEATURES = 0  # the value that they are
INPUT = "input"  # features to numbers of the network
COPY = "copy"  # a value, number by number
PAD = "pad"  # an image and a frame
RUN = "run"  # a layer's kernel
SUM = "sum"  # tensors added up
ACTIVATE = "activate"  # in place
LOOK_UP = "look up"  # in place
PART = "part"  # an input of a Concat to its place
WIDEN = "widen"  # the last layer's integers as scores of 32 bits


@dataclass(frozen=True)
class Value:
    """Numbers that steps write and read.

    Attributes:
        name: in C.
        c_type: of one number.
        n: how many.
        room: how many there is room for: kernels may read and write some more.
        size: of one number, in bytes.
    """

    name: str
    c_type: str
    n: int
    room: int
    size: int

    @property
    def bytes(self) -> int:
        """Bytes in an arena, a multiple of four."""
        return -(-self.room * self.size // 4) * 4


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        do: ``INPUT``, ``COPY``, …
        reads: values.
        writes: the value that it makes, adds a part to, or (in place) changes.
        tensor: of the network: the one that is being made.
        layer: what ``RUN``, ``SUM``, ``ACTIVATE`` and ``LOOK_UP`` are for, its padding taken off.
        before: shape of what it reads.
        grids: of what ``layer`` reads and makes; None: floats, or scores.
        padding: ``PAD``: top, left, bottom, right.
        at: ``PART``: the first channel.
        zero: ``PAD``: the number around the image. ``WIDEN``: what is taken off.
        may_be: values among ``reads`` where the kernel can put its output, if they are not needed any more.
    """

    do: str
    reads: tuple[int, ...]
    writes: int
    tensor: int
    layer: Layer | None = None
    before: Shape = ()
    grids: tuple[Grid | None, Grid | None] = (None, None)
    padding: Padding = NO_PADDING
    at: int = 0
    zero: int = 0
    may_be: tuple[int, ...] = ()


@dataclass(frozen=True)
class Steps:
    """A network's steps.

    Attributes:
        model: the network.
        steps: in order.
        values: by their number.
        scores: the value that the answer follows from: float or int32.
    """

    model: Network
    steps: tuple[Step, ...]
    values: tuple[Value, ...]
    scores: int


def number_of(model: Network) -> tuple[str, int]:
    """The C type of a number between layers, and its size in bytes."""
    if model.input_map is None:
        return "float", 4
    return ("uint8_t", 1) if model.input_map.bits == 8 else ("int16_t", 2)


def bits_of(model: Network) -> int:
    """8 or 16 of a network of integers, 0 of floats: as kernels are chosen by."""
    return 0 if model.input_map is None else model.input_map.bits


def takes_features(model: Network) -> bool:
    """The input tensor's numbers are the features as the caller has them."""
    given = model.input_map
    if given is None:
        return model.dtype == "float"
    kind = FEATURE_TYPES[model.dtype]
    same = kind.c_type == number_of(model)[0] and not given.scale
    return same and given.low <= kind.low and kind.high <= given.high


def root_of(model: Network, tensor: int) -> int:
    """The tensor whose numbers these are, by another shape."""
    while tensor and isinstance(layer := model.layers[tensor - 1], Reshape):
        tensor = layer.inputs[0]
    return tensor


def label(model: Network, tensor: int) -> str:
    """The layer that makes a tensor, for humans: ``layers[2]: conv 3x3, 8x8x16``."""
    if tensor == 0:
        return "features"
    layer = model.layers[tensor - 1]
    kind = type(layer).__name__.removeprefix("Int").lower()
    kind = {"maxpool": "max pool", "averagepool": "average pool", "table": "activation"}.get(kind, kind)
    if isinstance(layer, Conv | Depthwise | IntConv | IntDepthwise):
        kind += f" {layer.weights.shape[0]}x{layer.weights.shape[1]}"
    elif isinstance(layer, MaxPool | AveragePool | IntAveragePool):
        kind += f" {layer.size[0]}x{layer.size[1]}"
    elif isinstance(layer, Dense | IntDense):
        kind += f" of {layer.n_in}"
    return f"layers[{tensor - 1}]: {kind}, {'x'.join(map(str, layer.shape))}"
