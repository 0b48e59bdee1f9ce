"""Neural networks: a graph of layers, of floats as they were trained or of integers.

Tensors are numbered: 0 is the network's input, ``i + 1`` what layer ``i`` gives. A layer takes tensors of
smaller numbers only, so the layers in order are an order of execution. The last layer's tensor is the
network's output.

A tensor's shape is ``(height, width, channels)``, channels varying fastest, or ``(n,)``. Signals of one
dimension are images of height 1. A sample's features are the input tensor's numbers in that order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from milliwatt.ir.model import CLASSIFIER, IDENTITY, SIGMOID, Calibration, Label, Tree
from milliwatt.ir.network_array import KINDS, Array
from milliwatt.ir.network_integers import InputMap, IntConv, IntDense, IntDepthwise, IntegerLayer, Table
from milliwatt.ir.quantization_hints import QuantizationHints
from milliwatt.ir.signals import Signals

__all__ = ["KINDS", "Array"]  # beside what is defined here

RELU, RELU6, LEAKY_RELU, ELU, TANH = "relu", "relu6", "leaky_relu", "elu", "tanh"
HARD_SIGMOID, HARD_SWISH, SWISH = "hard_sigmoid", "hard_swish", "swish"
# What an activation makes of x; ``alpha`` is the layer's. docs/nets.md says what they cost.
ACTIVATIONS = (
    IDENTITY,  # x
    RELU,  # max(x, 0)
    RELU6,  # min(max(x, 0), 6)
    LEAKY_RELU,  # x where x >= 0, else alpha * x
    ELU,  # x where x >= 0, else alpha * (exp(x) - 1)
    SIGMOID,  # 1 / (1 + exp(-x))
    TANH,
    HARD_SIGMOID,  # alpha * x + 0.5, clamped to 0 to 1
    HARD_SWISH,  # x * min(max(x + 3, 0), 6) / 6
    SWISH,  # x / (1 + exp(-x))
)
WITH_ALPHA = (LEAKY_RELU, ELU, HARD_SIGMOID)
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]  # of rows, of columns
Padding: TypeAlias = tuple[int, int, int, int]  # top, left, bottom, right
NO_PADDING: Padding = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Dense:
    """``activation(x @ weights + bias)`` in float32.

    Attributes:
        weights: float32, shape (inputs, outputs).
        bias: float32, shape (outputs,).
        activation: one of :data:`ACTIVATIONS`.
        inputs: the tensor it takes, of shape (inputs,).
        alpha: the activation's, 0 where it has none.
    """

    weights: Array
    bias: Array
    activation: str = IDENTITY
    inputs: tuple[int, ...] = (0,)
    alpha: float = 0.0

    @property
    def n_in(self) -> int:
        return self.weights.shape[0]

    @property
    def n_out(self) -> int:
        return self.weights.shape[1]

    @property
    def shape(self) -> Shape:
        return (self.n_out,)


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution as ML libraries mean it (the kernel is not mirrored), then the activation.

    ``out[y, x, o] = bias[o] + sum over i, j, c of weights[i, j, c, o] * in[y * strides[0] + i * dilation[0]
    - top, x * strides[1] + j * dilation[1] - left, c]``, 0 outside the image.

    Attributes:
        weights: float32, shape (kernel height, kernel width, channels in, channels out).
        bias: float32, shape (channels out,).
        inputs: the tensor it takes, an image.
        shape: of the output.
        strides, dilation: of rows and columns, at least 1.
        padding: rows and columns of zeros around the image: top, left, bottom, right.
        activation, alpha: as for :class:`Dense`.
    """

    weights: Array
    bias: Array
    inputs: tuple[int, ...]
    shape: Shape
    strides: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = NO_PADDING
    activation: str = IDENTITY
    alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class Depthwise:
    """A convolution in which each output channel looks at one input channel.

    As :class:`Conv`, with ``out[y, x, c * multiplier + m] = bias[c * multiplier + m] + sum over i, j of
    weights[i, j, c, m] * in[..., c]``.

    Attributes:
        weights: float32, shape (kernel height, kernel width, channels in, multiplier).
        bias: float32, shape (channels in * multiplier,).
        the others: as for :class:`Conv`.
    """

    weights: Array
    bias: Array
    inputs: tuple[int, ...]
    shape: Shape
    strides: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = NO_PADDING
    activation: str = IDENTITY
    alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest number of each window, channel by channel; padding is never the largest.

    Attributes:
        size: of a window, rows and columns; a global pool's is the whole image.
        strides: at least 1.
        padding: top, left, bottom, right; smaller than the window, so that none lies in padding alone.
        inputs, shape: as for :class:`Conv`.
    """

    inputs: tuple[int, ...]
    shape: Shape
    size: Pair
    strides: Pair
    padding: Padding = NO_PADDING


@dataclass(frozen=True, slots=True)
class AveragePool:
    """The mean of each window, channel by channel.

    Attributes:
        counts_padding: a window is divided by its size, padding counting as zeros; else by how many of its
            numbers lie in the image.
        the others: as for :class:`MaxPool`.
    """

    inputs: tuple[int, ...]
    shape: Shape
    size: Pair
    strides: Pair
    padding: Padding = NO_PADDING
    counts_padding: bool = False


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation that could not become a part of the layer before it.

    Attributes:
        activation, alpha: as for :class:`Dense`; never ``identity``.
        inputs, shape: one tensor, and its shape.
    """

    inputs: tuple[int, ...]
    shape: Shape
    activation: str
    alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of two tensors or more of one shape, number by number, then the activation."""

    inputs: tuple[int, ...]
    shape: Shape
    activation: str = IDENTITY
    alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class Concat:
    """Two images or more of one height and width, their channels in order; or tensors ``(n,)`` end to end."""

    inputs: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same numbers in the same order, by another shape: no work for a device."""

    inputs: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Pad:
    """An image with zeros around it: top, left, bottom, right."""

    inputs: tuple[int, ...]
    shape: Shape
    padding: Padding


@dataclass(frozen=True, slots=True)
class Scale:
    """``x * scale + offset``, a pair of numbers each channel: what batch normalisation is after training.

    For frontends only: ``passes.fold_networks`` makes other layers of it, and validation refuses it.

    Attributes:
        scale, offset: float32, shape (channels,); of a tensor ``(n,)``, shape (n,).
        inputs, shape: as for :class:`Activation`.
    """

    scale: Array
    offset: Array
    inputs: tuple[int, ...]
    shape: Shape


FloatLayer: TypeAlias = (
    Dense | Conv | Depthwise | MaxPool | AveragePool | Activation | Add | Concat | Reshape | Pad | Scale
)
# In a network of integers: layers that only move numbers, and layers made for integers.
Moving: TypeAlias = MaxPool | Concat | Reshape | Pad
Layer: TypeAlias = FloatLayer | IntegerLayer


@dataclass(frozen=True, slots=True)
class Network:
    """Layers, and what their outputs mean.

    The last layer's outputs, of shape ``(n,)``, are *scores*; ``link`` says what they mean: ``identity``
    (regressed values), ``sigmoid`` (a binary classifier's single score is that of class 1; or, with as many
    scores as labels, each label for itself; or regressed values), ``softmax`` (a class each) or ``exp``
    (regressed values). A binary classifier answers class 1 when its score lies above 0.

    Attributes:
        task: ``"classifier"`` or ``"regressor"``.
        n_features: width of a sample: how many numbers the input tensor has.
        layers: at least one; all float, or all :data:`Moving` or ``IntegerLayer``.
        input_shape: the input tensor's; empty: ``(n_features,)``.
        classes: the labels of classes, in the order of scores; or, :attr:`is_multilabel`, of the labels.
        input_map: how features become integers; None: the layers are float.
        quantize: ``none``, ``int8`` or ``int16``: what was asked for when the model was converted.
        arena: who owns the buffers between layers: ``static`` (the generated code) or ``caller``.
        noise: answers closer to each other than this are decided by the estimator's own rounding.
        hints: of a network of floats: the scales that its file has for integers; in memory only.
        the others: as for a :class:`TreeEnsemble`.
    """

    task: str
    n_features: int
    layers: tuple[Layer, ...]
    link: str = IDENTITY
    classes: tuple[Label, ...] = ()
    input_shape: Shape = ()
    dtype: str = "float"
    scale: tuple[float, ...] = ()
    input_map: InputMap | None = None
    quantize: str = "none"
    arena: str = "static"
    feature_names: tuple[str, ...] = ()
    name: str = "model"
    method: str = "auto"
    budget: str = ""
    check_nan: bool = True
    origin: dict[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    noise: float = 1e-6
    hints: QuantizationHints | None = field(default=None, compare=False)
    signals: Signals | None = None

    @property
    def is_classifier(self) -> bool:
        return self.task == CLASSIFIER

    @property
    def is_integer(self) -> bool:
        """Layers compute with integers, whatever the features are."""
        return self.input_map is not None

    @property
    def is_binary(self) -> bool:
        """One score decides between two classes."""
        return self.is_classifier and self.n_outputs == 1 and len(self.classes) == 2

    @property
    def is_multilabel(self) -> bool:
        """Every label is answered for itself: it holds when its score lies above 0."""
        return self.is_classifier and self.link == SIGMOID and not self.is_binary

    @property
    def n_outputs(self) -> int:
        """Scores."""
        return self.layers[-1].shape[0]

    @property
    def n_answers(self) -> int:
        """Numbers in the answer: probabilities of a classifier, values of a regressor."""
        return len(self.classes) if self.is_classifier else self.n_outputs

    @property
    def n_columns(self) -> int:
        """Numbers in the oracle's answer."""
        return self.n_answers

    @property
    def has_probabilities(self) -> bool:
        return self.is_classifier

    @property
    def has_scores(self) -> bool:
        """A classifier whose scores are not its probabilities: always."""
        return self.is_classifier

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of every tensor, by its number."""
        return (self.input_shape or (self.n_features,), *(layer.shape for layer in self.layers))

    @property
    def n_weights(self) -> int:
        """Weights and biases."""
        summing = (layer for layer in self.layers if not isinstance(layer, Table))
        return sum(array.size for layer in summing for array in arrays(layer))

    @property
    def n_macs(self) -> int:
        """Multiplications with a weight that an answer takes, padding included."""
        return sum(macs_of(layer) for layer in self.layers)

    @property
    def description(self) -> str:
        """In words, as a part of a sentence: ``network of 3 layers with 4212 weights``."""
        work = sum(not isinstance(layer, Reshape) for layer in self.layers)
        return f"network of {work} layer{'s' if work != 1 else ''} with {self.n_weights} weights"

    # What only trees have.

    @property
    def trees(self) -> tuple[Tree, ...]:
        return ()

    @property
    def n_splits(self) -> int:
        return 0

    @property
    def leaf_error(self) -> tuple[float, ...]:
        return ()

    @property
    def handles_missing(self) -> bool:
        """Never: sums know no gaps."""
        return False

    @property
    def handles_categories(self) -> bool:
        return False


def arrays(layer: Layer) -> tuple[Array, ...]:
    """A layer's weights and biases."""
    if isinstance(layer, Dense | Conv | Depthwise | IntDense | IntConv | IntDepthwise):
        return (layer.weights, layer.bias)
    if isinstance(layer, Table):
        return (layer.values,)
    return (layer.scale, layer.offset) if isinstance(layer, Scale) else ()


def macs_of(layer: Layer) -> int:
    """Multiplications with a weight, padding included."""
    if isinstance(layer, Conv | Depthwise | IntConv | IntDepthwise):
        height, width, channels = layer.shape
        inputs = layer.weights.shape[2] if isinstance(layer, Conv | IntConv) else 1
        return height * width * channels * inputs * layer.weights.shape[0] * layer.weights.shape[1]
    return layer.weights.size if isinstance(layer, Dense | IntDense) else 0
