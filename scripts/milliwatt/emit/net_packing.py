"""Weights of networks in the order in which kernels read them; ``<milliwatt/nets.h>`` says why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milliwatt.ir.network import Pair, Shape
from milliwatt.ir.network_array import Array

_FOUR = 4
_EXCESS = 128  # what weights of integers are stored plus
_PART = 64  # inputs that CMSIS-NN is given at a time, MW_CMSIS_INPUTS of src/net_cmsis.h
_NARROW, _WIDE = (0, 1, 2, 3), (0, 2, 1, 3)  # order of the inputs of a block


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kernel as rows of numbers that lie next to each other in the input.

    Attributes:
        rows: of each row the weights of all outputs for the first number, then for the second, ...
        run: numbers in a row.
        between_rows: numbers in the input from where one row begins to where the next one does.
    """

    rows: Sequence[Sequence[float]]
    run: int
    between_rows: int


def kernel_pattern(weights: Array, dilation: Pair, image: Shape) -> Pattern:
    """The rows of a convolution's kernel.

    Dilated columns of a kernel of one row become rows; those of others have weights of 0 between them. Rows
    that follow each other without a gap become one.

    Args:
        weights: shape (height, width, channels, outputs).
        image: shape of what the kernel is laid on.
    """
    height, width, channels, outputs = weights.shape
    numbers: list[float] = list(weights.numbers())
    size = channels * outputs  # numbers in a column
    columns = [numbers[at : at + size] for at in range(0, len(numbers), size)]
    if height == 1 and width > 1 and dilation[1] > 1:
        return Pattern(columns, channels, dilation[1] * channels)
    gap: list[float] = [0] * (size * (dilation[1] - 1))
    rows = []
    for first in range(0, height * width, width):
        row = columns[first]
        for column in columns[first + 1 : first + width]:
            row = row + gap + column
        rows.append(row)
    run = len(rows[0]) // outputs
    between_rows = dilation[0] * image[1] * channels
    if height == 1:
        # Never 0: the kernel ends where this many rows of it have been seen.
        return Pattern(rows, run, run)
    if between_rows != run:
        return Pattern(rows, run, between_rows)
    return Pattern([[number for row in rows for number in row]], height * run, height * run)


def integer_blocks(rows: Sequence[Sequence[float]], outputs: int, *, wide: bool) -> Iterator[int]:
    """Weights plus 128 in blocks of four outputs by four inputs.

    Args:
        wide: for tensors of 16 bits.
    """
    order = _WIDE if wide else _NARROW
    for first in range(0, outputs, _FOUR):
        for row in rows:
            for begin in range(0, len(row), _FOUR * outputs):
                for output in range(first, first + _FOUR):
                    for place in order:
                        at = begin + place * outputs + output
                        known = output < outputs and at < len(row)
                        yield _EXCESS + (int(row[at]) if known else 0)


def integer_parts(rows: Sequence[Sequence[float]], outputs: int) -> Iterator[int]:
    """Weights as CMSIS-NN takes them, signed bytes; as many as :func:`integer_blocks` gives.

    Of the first row 64 inputs of the first output, of the second, ..., then the next 64 of each.
    """
    for row in rows:
        run = _FOUR * fours(len(row) // outputs)
        for first in range(0, run, _PART):
            for output in range(_FOUR * fours(outputs)):
                for place in range(first, min(first + _PART, run)):
                    at = place * outputs + output
                    known = output < outputs and at < len(row)
                    yield (int(row[at]) if known else 0) & 0xFF


def float_fours(rows: Sequence[Sequence[float]], outputs: int) -> Iterator[float]:
    """For the first four outputs four weights an input, then for the next four, ..."""
    for first in range(0, outputs, _FOUR):
        for row in rows:
            for begin in range(0, len(row), outputs):
                for output in range(first, first + _FOUR):
                    yield row[begin + output] if output < outputs else 0.0


def depthwise_fours(weights: Array) -> Iterator[int]:
    """For the first four output channels four weights a place of the kernel, then for the next four, ..."""
    numbers = weights.numbers()
    outputs = weights.shape[2] * weights.shape[3]
    for first in range(0, outputs, _FOUR):
        for place in range(0, len(numbers), outputs):
            for output in range(first, first + _FOUR):
                yield int(numbers[place + output]) if output < outputs else 0


def depthwise_rows(weights: Array) -> Iterator[float]:
    """The weights of the first output channel, place by place, then those of the next one, ..."""
    numbers = weights.numbers()
    outputs = weights.shape[2] * weights.shape[3]
    for output in range(outputs):
        yield from numbers[output::outputs]


def fours(n: int) -> int:
    """How many fours hold ``n``."""
    return -(-n // _FOUR)


def in_fours(numbers: Sequence[float]) -> list[float]:
    """Numbers with zeros after them, up to a multiple of four."""
    return [*numbers, *[0] * (_FOUR * fours(len(numbers)) - len(numbers))]
