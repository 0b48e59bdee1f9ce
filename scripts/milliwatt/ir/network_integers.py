"""Layers whose tensors are integers: bytes, or 16 bits. docs/nets.md has the arithmetic in one place.

A tensor of integers stands for real numbers, ``unit * (q - zero)``: its *grid*. Every number here is decided
at conversion; a device multiplies, adds, shifts and clamps, and gets what the PC gets, bit for bit. Shifts to
the right round towards minus infinity. No step leaves 32 bits: ``validate_integers`` proves it of every
network before it is written or used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from milliwatt.ir.network_array import Array

Range: TypeAlias = tuple[int, int]  # lowest and highest


@dataclass(frozen=True, slots=True)
class Grid:
    """What a tensor's integers stand for: ``unit * (q - zero)``, where q lies within ``low`` to ``high``.

    ``low`` and ``high`` are bounds that no sample can leave, not only those of calibration data.
    """

    unit: float
    zero: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Requantize:
    """From a sum to an integer of the output: ``((sum >> sum_shift) * scale[o] + offset) >> shift``.

    The result is clamped to the output's grid. Of a last layer, whose outputs are scores of 32 bits, it is
    ``(sum >> sum_shift) * scale[o]``, and nothing is clamped (:attr:`IntDense.is_last`).

    Attributes:
        sum_shift, shift: 0 to 31.
        scale: int16, shape (outputs,), none negative.
        offset: the output's zero, and the rounding of ``shift``, in units of ``2^-shift``.
    """

    sum_shift: int
    scale: Array
    offset: int = 0
    shift: int = 0


@dataclass(frozen=True, slots=True)
class IntDense:
    """``sum[o] = bias[o] + sum over i of weights[i, o] * x[i]``, requantised.

    Attributes:
        weights: int8, shape (inputs, outputs).
        bias: int32, shape (outputs,), with what the input's zero adds and the rounding of ``sum_shift``.
        requantize: see there.
        grid: of the output; of a last layer only its unit counts, which ``units`` says for each output.
        inputs: the tensor it takes.
        units: last layer only: what one step of each score is in real numbers; one for all, or one each.
            Those of a classifier are equal, so that scores can be compared.
    """

    weights: Array
    bias: Array
    requantize: Requantize
    grid: Grid | None
    inputs: tuple[int, ...]
    units: tuple[float, ...] = ()

    @property
    def n_in(self) -> int:
        return self.weights.shape[0]

    @property
    def n_out(self) -> int:
        return self.weights.shape[1]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_out,)

    @property
    def is_last(self) -> bool:
        """It gives scores of 32 bits."""
        return self.grid is None


@dataclass(frozen=True, slots=True)
class IntConv:
    """As :class:`~milliwatt.ir.network.Conv`, in integers; around the image lies the input's zero.

    Attributes:
        weights: int8, shape (kernel height, kernel width, channels in, channels out).
        the others: as for :class:`IntDense`, and as for ``Conv``.
    """

    weights: Array
    bias: Array
    requantize: Requantize
    grid: Grid
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class IntDepthwise:
    """As :class:`~milliwatt.ir.network.Depthwise`, in integers; around the image lies the input's zero.

    Attributes:
        weights: int8, shape (kernel height, kernel width, channels in, multiplier).
        the others: as for :class:`IntConv`.
    """

    weights: Array
    bias: Array
    requantize: Requantize
    grid: Grid
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class IntAveragePool:
    """The mean of each window, channel by channel, on a grid of its own.

    ``S`` is the sum of the window's numbers in the image, plus ``zero_in`` for each one outside it if
    ``counts_padding``; ``n`` is how many numbers that are. Of bytes, the mean is ``(S * r + 2^15) >> 16``
    with ``r = (2^24 + n // 2) // n``: 256 times the mean. Of 16 bits it is ``floor((S + n // 2) / n)``.
    Then ``(mean * scale + offset) >> shift``, clamped; of a last layer (no grid) ``mean * scale + offset``.

    Attributes:
        scale: 0 to 32767.
        bits: of the tensors, 8 or 16.
        units: last layer only, as for :class:`IntDense`; one for all.
        the others: as for :class:`~milliwatt.ir.network.AveragePool` and :class:`Requantize`.
    """

    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    counts_padding: bool
    scale: int
    offset: int
    shift: int
    bits: int
    grid: Grid | None
    units: tuple[float, ...] = ()

    @property
    def is_last(self) -> bool:
        return self.grid is None


@dataclass(frozen=True, slots=True)
class IntAdd:
    """``(sum over k of x_k * scales[k] + offset) >> shift``, clamped, for tensors of one shape.

    Of a single tensor it is the same numbers on another grid.

    Attributes:
        scales: one an input, 0 to 32767.
        the others: as for :class:`Requantize`.
    """

    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    scales: tuple[int, ...]
    offset: int
    shift: int
    grid: Grid


@dataclass(frozen=True, slots=True)
class Table:
    """An activation, number by number, by looking it up.

    Bytes: ``values[q]``, 256 of them. 16 bits: ``v = values`` are 257, and between two of them lies a line:
    with ``i = (q >> 8) + 128`` and ``f = q & 255`` it is ``v[i] + (((v[i + 1] - v[i]) * f + 128) >> 8)``.

    Attributes:
        values: uint8, shape (256,), or int16, shape (257,).
    """

    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    values: Array
    grid: Grid


IntegerLayer: TypeAlias = IntDense | IntConv | IntDepthwise | IntAveragePool | IntAdd | Table
Summing: TypeAlias = IntDense | IntConv | IntDepthwise


@dataclass(frozen=True, slots=True)
class InputMap:
    """How a sample's features become the integers of tensor 0.

    Real features: ``round(x * (1 / unit[i])) + zero[i]``, clamped; the product in float32, halves away from
    zero. Integer features: ``(x * scale[i] + offset[i]) >> shift``, clamped; without a scale they are taken
    as they are.

    Attributes:
        bits: 8 (bytes, 0 to 255) or 16 (-32767 to 32767), of every tensor in the network.
        unit: real numbers: one for all features, or one each (which only a first dense layer can take).
        zero: likewise.
        low, high: of the integers.
        scale: integer features: 0 to 32767, as many as units; empty: taken as they are.
        offset: as many as scales, in units of ``2^-shift``.
        shift: 0 to 31.
    """

    bits: int
    unit: tuple[float, ...]
    zero: tuple[int, ...]
    low: int
    high: int
    scale: tuple[int, ...] = ()
    offset: tuple[int, ...] = ()
    shift: int = 0
