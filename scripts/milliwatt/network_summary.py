"""What a conversion of a network decided and measured, in words."""

from __future__ import annotations

from milliwatt.emit.net_report import weight_bytes
from milliwatt.ir import Calibration, Network, QuantizeTrade
from milliwatt.ir.committee import in_words
from milliwatt.model import Model

_HURTS_DB = 20.0  # a layer that is a tenth off


def network_summary(model: Model, network: Network) -> list[str]:
    """One sentence a line."""
    lines = [f"{network.name}: {in_words(network)}, {network.n_features} features"]
    if model.decision is not None:
        lines.append(f"features are {network.dtype}: {model.decision.reason}")
    numbers = f"{8 * number_size(network)} bits" if network.is_integer else "floats"
    lines.append(
        f"layers of {numbers}: {weight_bytes(network):,} bytes of weights,"
        f" {network.n_macs:,} multiplications, arena of {model.arena_size:,} bytes ({network.arena})"
    )
    if network.hints is not None and network.hints.bits and not network.is_integer:
        lines.append(
            f"its file is quantised to {network.hints.bits} bits: quantize=int{network.hints.bits} keeps the"
            " scales and zero points that it has"
        )
    if network.calibration is not None:
        lines += _measured(network, network.calibration)
    return lines


def number_size(network: Network) -> int:
    """Bytes of a number between layers."""
    return 4 if network.input_map is None else network.input_map.bits // 8


def _measured(network: Network, calibration: Calibration) -> list[str]:
    agreement, trade = calibration.agreement, calibration.quantize
    samples = f"{agreement.rows} calibration samples"
    if trade is None:
        return [
            f"agreement on {samples}: {100 * agreement.fraction:.2f} %"
            + (f", {agreement.ties} of them ties" if agreement.ties else "")
            + ("" if network.is_classifier else f", largest error {agreement.max_error:.3g}")
        ]
    if not network.is_classifier:
        line = f"{trade.quantize} moves an answer by at most {trade.largest_difference:.3g} on {samples}"
        if trade.accuracy_before is not None and trade.accuracy_after is not None:
            line += f"; root mean square error {trade.accuracy_after:.4g}, before {trade.accuracy_before:.4g}"
        return [line, *_unknown(trade), *_worst(trade)]
    line = (
        f"agreement on {samples}: floats {100 * trade.before.fraction:.2f} %, {trade.quantize}"
        f" {100 * agreement.fraction:.2f} %; another {'label' if network.is_multilabel else 'class'} on"
        f" {trade.classes_changed} of them"
    )
    lines = [line]
    if trade.accuracy_before is not None and trade.accuracy_after is not None:
        change = 100 * (trade.accuracy_after - trade.accuracy_before)
        lines.append(f"accuracy on them: {100 * trade.accuracy_after:.2f} % ({change:+.2f} points)")
    return [*lines, *_unknown(trade), *_worst(trade)]


def _unknown(trade: QuantizeTrade) -> list[str]:
    return [f"accuracy is not known: {trade.no_accuracy}"] if trade.no_accuracy else []


def _worst(trade: QuantizeTrade) -> list[str]:
    """The layer that hurts, if one does."""
    worst = min(trade.layers, key=lambda error: error.own_db, default=None)
    if worst is None or worst.own_db >= _HURTS_DB:
        return []
    wider = "; quantize=int16 may help" if trade.quantize == "int8" else ""
    return [f"layer {worst.layer} is far off: {worst.own_db:.0f} dB by itself{wider}"]
