"""The tables of a network's layers, in the order in which kernels read them, as C.

``<milliwatt/nets.h>`` says what the structs mean. Convolutions come here without padding: the image is padded
by a step of its own. avr-gcc takes no array of 32,768 bytes or more; no part with less flash than four times
that could hold it, so nothing is done about it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import TypeAlias

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.c_tables import array
from milliwatt.emit.net_packing import (
    Pattern,
    depthwise_fours,
    depthwise_rows,
    float_fours,
    fours,
    in_fours,
    integer_blocks,
    integer_parts,
    kernel_pattern,
)  # fmt: skip
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.ir.network import (
    ELU,
    HARD_SIGMOID,
    LEAKY_RELU,
    Activation,
    Add,
    AveragePool,
    Conv,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Shape,
)  # fmt: skip
from milliwatt.ir.network_integers import (
    Grid,
    InputMap,
    IntAdd,
    IntAveragePool,
    IntConv,
    IntDense,
    IntDepthwise,
    Table,
)  # fmt: skip

Fields: TypeAlias = Iterable[object]
Kernel: TypeAlias = Conv | IntConv | Depthwise | IntDepthwise

_FAMILIES = {8: "u8", 16: "i16", 0: "f32"}
_MAX_COUNT = (1 << 16) - 1
# Activations whose kernel takes ``alpha`` as well.
KERNELS_WITH_ALPHA = (LEAKY_RELU, ELU, HARD_SIGMOID)


def kernel(layer: Layer, bits: int) -> str:
    """The function that runs a layer.

    Args:
        bits: 8, 16, or 0 for floats.
    """
    family = _FAMILIES[bits]
    if isinstance(layer, Activation):
        return activation_kernel(layer.activation)
    if isinstance(layer, Dense | IntDense):
        scores = isinstance(layer, IntDense) and layer.is_last
        return f"mw_dense_scores_{family}" if scores else f"mw_dense_{family}"
    if isinstance(layer, AveragePool | IntAveragePool):
        scores = isinstance(layer, IntAveragePool) and layer.is_last
        return f"mw_average_pool_scores_{family}" if scores else f"mw_average_pool_{family}"
    if isinstance(layer, Depthwise | IntDepthwise):
        return f"mw_conv_{family}" if _is_conv(layer) else f"mw_depthwise_{family}"
    for kinds, name in (
        (Conv | IntConv, "conv"), (MaxPool, "max_pool"), (Add | IntAdd, "add"), (Table, "table"),
    ):  # fmt: skip
        if isinstance(layer, kinds):
            return f"mw_{name}_{family}"
    raise TypeError(f"no kernel for {type(layer).__name__}")


def writes_in_fours(layer: Layer) -> bool:
    """A convolution; of floats no depthwise one, unless it runs as a convolution."""
    if isinstance(layer, Depthwise):
        return _is_conv(layer)
    return isinstance(layer, Conv | IntConv | IntDepthwise)


def activation_kernel(activation: str) -> str:
    """The function that runs an activation of floats in place; of :data:`KERNELS_WITH_ALPHA` with alpha."""
    return f"mw_{activation}_f32"


def layer_tables(
    layer: Layer, name: str, before: Shape, grid_before: Grid | None, grid_after: Grid | None, *, bits: int
) -> Iterator[str]:
    """The tables of a layer and, last, the struct ``name`` that its kernel takes; nothing if it takes none.

    Args:
        name: what the names of tables begin with.
        before: the shape of the layer's first input, with the padding of a convolution around it.
        grid_before, grid_after: of the first input and of the output; None: floats, or scores.
        bits: as for :func:`kernel`.

    Raises:
        MilliwattError: the layer is larger than a kernel can count.
    """
    if isinstance(layer, Dense | IntDense):
        yield from _dense(layer, name, grid_after, bits)
    elif isinstance(layer, Conv | IntConv):
        yield from _conv(layer, name, before, grid_after, bits)
    elif isinstance(layer, Depthwise | IntDepthwise):
        if _is_conv(layer):
            yield from _conv(layer, name, before, grid_after, bits)
        else:
            yield from _depthwise(layer, name, before, grid_after)
    elif isinstance(layer, MaxPool):
        yield _struct("mw_windows", name, _windows(layer, name, before))
    elif isinstance(layer, AveragePool | IntAveragePool):
        yield _average_pool(layer, name, before, grid_before, grid_after)
    elif isinstance(layer, IntAdd):
        yield from _add(layer, name, grid_after)
    elif isinstance(layer, Table):
        yield _integers(
            "uint8_t" if layer.values.kind == "uint8" else "int16_t", name, layer.values.numbers()
        )


def input_kernel(given: InputMap, dtype: str) -> str:
    """The function that makes integers of features."""
    family = _FAMILIES[given.bits]
    if dtype == "float":
        return f"mw_input_real_{family}"
    if dtype == "int32":
        raise UnsupportedModelError(
            "networks of integers take no features of 32 bits",
            option="dtype",
            cure="use dtype=int16 or float",
        )
    return f"mw_input_{family}_of_{'u' if dtype == 'uint8' else 'i'}{8 * FEATURE_TYPES[dtype].size}"


def input_tables(given: InputMap, dtype: str, n_features: int, name: str) -> Iterator[str]:
    """The tables of :func:`input_kernel` and, last, the struct ``name`` that it takes."""
    n = _count(n_features, "features", name)
    if dtype == "float":
        units, zeros = _spread(given.unit, given.zero)
        yield text.array("float", f"{name}_inverse", (text.float_literal(1.0 / unit) for unit in units))
        yield _integers("int32_t", f"{name}_zero", zeros)
        each = int(len(units) > 1)
        fields = (f"{name}_inverse", f"{name}_zero", n, given.low, given.high, each)
        yield _struct("mw_input_real", name, fields)
        return
    tables, each = ("NULL", "NULL"), 0
    if given.scale:
        scales, offsets = _spread(given.scale, given.offset)
        yield _integers("int16_t", f"{name}_scale", scales)
        yield _integers("int32_t", f"{name}_offset", offsets)
        tables, each = (f"{name}_scale", f"{name}_offset"), int(len(scales) > 1)
    yield _struct("mw_input_integer", name, (*tables, n, given.low, given.high, given.shift, each))


# -- layers ----------------------------------------------------------------------------------------


def _is_conv(layer: Depthwise | IntDepthwise) -> bool:
    """With one channel only it is a convolution, whose kernel is faster."""
    return layer.weights.shape[2] == 1


def _dense(layer: Dense | IntDense, name: str, after: Grid | None, bits: int) -> Iterator[str]:
    pattern = Pattern([layer.weights.numbers()], run=layer.n_in, between_rows=0)
    yield from _sum_tables(layer, name, pattern, bits)
    kind = "mw_dense" if isinstance(layer, IntDense) else "mw_dense_float"
    yield _struct(kind, name, _sum_fields(layer, name, pattern, after))


def _conv(layer: Kernel, name: str, before: Shape, after: Grid | None, bits: int) -> Iterator[str]:
    pattern = kernel_pattern(layer.weights, layer.dilation, before)
    yield from _sum_tables(layer, name, pattern, bits)
    fields = (
        f"{{{_text(_sum_fields(layer, name, pattern, after))}}}",
        _count(len(pattern.rows), "rows of its kernel", name),
        _count(pattern.between_rows, "numbers from one row of its kernel to the next", name),
        *_steps(layer, name, before),
        _count(layer.bias.size, "channels", name),
    )
    yield _struct("mw_conv" if isinstance(layer, IntConv | IntDepthwise) else "mw_conv_float", name, fields)


def _depthwise(
    layer: Depthwise | IntDepthwise, name: str, before: Shape, after: Grid | None
) -> Iterator[str]:
    rows, columns, channels, multiplier = layer.weights.shape
    sums: tuple[object, ...] = (f"{name}_weights", f"{name}_bias")
    if isinstance(layer, IntDepthwise):
        yield _aligned("int8_t", f"{name}_weights", map(str, depthwise_fours(layer.weights)))
        yield from _scale_tables(layer, name)
        sums = (*sums, f"{name}_scale", *_scaling(layer, after))
    else:
        yield text.array("float", f"{name}_weights", map(text.float_literal, depthwise_rows(layer.weights)))
        yield text.array("float", f"{name}_bias", map(text.float_literal, layer.bias.numbers()))
    between_rows, between_columns = layer.dilation[0] * before[1] * channels, layer.dilation[1] * channels
    fields = (
        *sums,
        _count(rows, "rows of its kernel", name),
        _count(columns, "columns of its kernel", name),
        _count(between_rows if rows > 1 else 0, "numbers from one row of its kernel to the next", name),
        # Never 0: the kernel's rows end where this many columns of it have been seen.
        _count(
            between_columns if columns > 1 else 1, "numbers from one column of its kernel to the next", name
        ),
        *_steps(layer, name, before),
        _count(channels, "channels", name),
        _count(multiplier, "outputs a channel", name),
    )
    kind = "mw_depthwise" if isinstance(layer, IntDepthwise) else "mw_depthwise_float"
    yield _struct(kind, name, fields)


def _average_pool(
    layer: AveragePool | IntAveragePool, name: str, before: Shape, grid: Grid | None, after: Grid | None
) -> str:
    seen = min(layer.size[0], before[0]) * min(layer.size[1], before[1])
    _count(layer.size[0] * layer.size[1] if layer.counts_padding else seen, "numbers in a window", name)
    windows = f"{{{_text(_windows(layer, name, before))}}}"
    numbers: tuple[object, ...] = (0, 0, 0, 0, 0, 0)
    if isinstance(layer, IntAveragePool):
        low, high = (after.low, after.high) if after else (0, 0)
        outside = grid.zero if grid and layer.counts_padding and any(layer.padding) else 0
        numbers = (text.integer(layer.offset, 32), layer.scale, low, high, outside, layer.shift)
    return _struct("mw_average_pool", name, (windows, *numbers, int(layer.counts_padding)))


def _add(layer: IntAdd, name: str, after: Grid | None) -> Iterator[str]:
    assert after is not None
    yield _integers("int16_t", f"{name}_scale", layer.scales)
    tensors = _count(len(layer.scales), "tensors to add", name, 255)
    n = f"{prod(layer.shape)}U"
    offset = text.integer(layer.offset, 32)
    fields = (f"{name}_scale", n, offset, tensors, layer.shift, after.low, after.high)
    yield _struct("mw_add", name, fields)


def _windows(layer: MaxPool | AveragePool | IntAveragePool, name: str, before: Shape) -> Fields:
    """The fields of ``mw_windows``."""
    rows, columns = layer.size
    counts = {
        "rows of its input": before[0],
        "columns of its input": before[1],
        "channels": before[2],
        "rows of its output": layer.shape[0],
        "columns of its output": layer.shape[1],
        "rows of a window": rows,
        "columns of a window": columns,
        "rows from one window to the next": layer.strides[0],
        "columns from one window to the next": layer.strides[1],
        "rows of padding": layer.padding[0],
        "columns of padding": layer.padding[1],
    }
    return [_count(value, what, name) for what, value in counts.items()]


def _steps(layer: Kernel, name: str, before: Shape) -> Fields:
    """``right, down, width, height``; a step that is never taken is 0, however long it would be."""
    height, width = layer.shape[:2]
    right = layer.strides[1] * before[2] if width > 1 else 0
    down = layer.strides[0] * before[1] * before[2] if height > 1 else 0
    return (
        _count(right, "numbers from one output to the next", name),
        _count(down, "numbers from one row of outputs to the next", name),
        _count(width, "columns of its output", name),
        _count(height, "rows of its output", name),
    )


# -- sums ------------------------------------------------------------------------------------------


def _sum_tables(layer: Kernel | Dense | IntDense, name: str, pattern: Pattern, bits: int) -> Iterator[str]:
    """``<name>_weights``, ``_bias`` and, of integers, ``_scale``."""
    n_out = layer.bias.size
    if isinstance(layer, IntDense | IntConv | IntDepthwise):
        blocks = integer_blocks(pattern.rows, n_out, wide=bits == 16)
        table = _aligned("uint8_t", f"{name}_weights", (f"{value}U" for value in blocks))
        if bits == 8:
            parts = (f"{value}U" for value in integer_parts(pattern.rows, n_out))
            other = _aligned("uint8_t", f"{name}_weights", parts)
            table = f"#if MW_CMSIS_NN\n{other}#else\n{table}#endif\n"
        yield table
        yield from _scale_tables(layer, name)
        return
    weights = float_fours(pattern.rows, n_out)
    yield text.array("float", f"{name}_weights", map(text.float_literal, weights))
    yield text.array("float", f"{name}_bias", map(text.float_literal, in_fours(layer.bias.numbers())))


def _sum_fields(layer: Kernel | Dense | IntDense, name: str, pattern: Pattern, after: Grid | None) -> Fields:
    """The fields of ``mw_dense`` or ``mw_dense_float``."""
    outputs = _count(fours(layer.bias.size), "outputs in fours", name)
    if isinstance(layer, IntDense | IntConv | IntDepthwise):
        offset, *others = _scaling(layer, after)
        inputs = _count(fours(pattern.run), "inputs in fours", name)
        return (f"{name}_weights", f"{name}_bias", f"{name}_scale", offset, inputs, outputs, *others)
    return (f"{name}_weights", f"{name}_bias", _count(pattern.run, "inputs", name), outputs)


def _scale_tables(layer: IntDense | IntConv | IntDepthwise, name: str) -> Iterator[str]:
    yield _integers("int32_t", f"{name}_bias", in_fours(layer.bias.numbers()))
    yield _integers("int16_t", f"{name}_scale", in_fours(layer.requantize.scale.numbers()))


def _scaling(layer: IntDense | IntConv | IntDepthwise, after: Grid | None) -> tuple[object, ...]:
    """``offset, sum_shift, shift, low, high``."""
    how = layer.requantize
    low, high = (after.low, after.high) if after else (0, 0)
    return (text.integer(how.offset, 32), how.sum_shift, how.shift, low, high)


# -- C ---------------------------------------------------------------------------------------------


def _count(value: int, what: str, name: str, most: int = _MAX_COUNT) -> str:
    """A number for a field that holds no more than ``most``."""
    if value > most:
        raise MilliwattError(
            f"{value} {what}; its kernel counts up to {most}",
            option=name,
            cure="make the layer or its input smaller",
        )
    return str(value)


def _spread(first: Sequence[float], second: Sequence[float]) -> tuple[list[float], list[float]]:
    """Two lists of one number or of one each, made equally long."""
    n = max(len(first), len(second))
    return [*first] * (n // len(first)), [*second] * (n // len(second))


def _integers(c_type: str, name: str, values: Iterable[float]) -> str:
    return array(c_type, name, map(int, values))


def _aligned(c_type: str, name: str, values: Iterable[str]) -> str:
    """A table of bytes that kernels read four at a time."""
    return text.array(f"MW_ALIGNED_4 {c_type}", name, values)


def _text(fields: Fields) -> str:
    return ", ".join(map(str, fields))


def _struct(kind: str, name: str, fields: Fields) -> str:
    body = text.wrap([str(field) for field in fields])
    return f"static const {kind} {name} MW_FLASH = {{\n{body}\n}};\n"
