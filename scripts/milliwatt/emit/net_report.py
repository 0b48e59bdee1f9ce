"""What each layer of a network takes, for people."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.net_plan import Plan, plan_network
from milliwatt.emit.net_steps import label
from milliwatt.ir.network import Layer, Network, arrays, macs_of
from milliwatt.ir.network_array import KINDS
from milliwatt.ir.network_integers import IntConv, IntDense, IntDepthwise
from milliwatt.ir.quantization import LayerError


@dataclass(frozen=True)
class LayerCost:
    """A layer that takes work.

    Attributes:
        layer: its number, what it is, and the shape of what it gives: ``layers[2]: conv 3x3, 8x8x16``.
        weight_bytes: of its weights and biases, scales and tables, without what pads them in flash.
        macs: multiplications with a weight that an answer takes.
        arena_bytes: the most that is in use while it runs: its input and output, and what later layers need.
        error: how far integers are off on calibration data; None of floats, and of what only moves numbers.
    """

    layer: str
    weight_bytes: int
    macs: int
    arena_bytes: int
    error: LayerError | None = None


def layer_costs(model: Network) -> tuple[LayerCost, ...]:
    """Every layer that takes work, in order; the features' way to integers is the first.

    Raises:
        UnsupportedModelError: a network that no kernel takes.
    """
    plan = plan_network(model)
    trade = model.calibration.quantize if model.calibration else None
    errors = {error.tensor: error for error in trade.layers} if trade else {}
    return tuple(_cost(plan, tensor, peak, errors.get(tensor)) for tensor, peak in _peaks(plan).items())


def weight_bytes(model: Network) -> int:
    """Bytes of all weights, biases, scales and tables."""
    return sum(map(_bytes, model.layers))


def _peaks(plan: Plan) -> dict[int, int]:
    """The plan's peaks by tensor; they come in the order of its steps."""
    tensors = dict.fromkeys(step.tensor for step in plan.steps)
    return {tensor: size for tensor, (_, size) in zip(tensors, plan.peaks, strict=True)}


def _cost(plan: Plan, tensor: int, peak: int, error: LayerError | None) -> LayerCost:
    if tensor == 0:
        return LayerCost(label(plan.model, 0), 0, 0, peak)
    layer = plan.model.layers[tensor - 1]
    return LayerCost(label(plan.model, tensor), _bytes(layer), macs_of(layer), peak, error)


def _bytes(layer: Layer) -> int:
    given = arrays(layer)
    if isinstance(layer, IntDense | IntConv | IntDepthwise):
        given = (*given, layer.requantize.scale)
    return sum(array.size * KINDS[array.kind][1] for array in given)
