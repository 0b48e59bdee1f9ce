"""What was measured on calibration data, in ``*.mw.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeVar

from milliwatt.errors import ModelFileError
from milliwatt.ir.json_fields import REEXPORT, Fields, number_to_json, real
from milliwatt.ir.model import Agreement, Calibration, LeafTrade
from milliwatt.ir.quantization import LayerError, QuantizeTrade

_T = TypeVar("_T")


def calibration_to_json(calibration: Calibration | None) -> dict[str, object] | None:
    """What :func:`calibration_from_json` reads."""
    if calibration is None:
        return None
    data: dict[str, object] = {
        **_agreement_to_json(calibration.agreement),
        "low": [number_to_json(v) for v in calibration.low],
        "high": [number_to_json(v) for v in calibration.high],
        "leaves": None if calibration.leaves is None else dataclasses.asdict(calibration.leaves),
        "trees_evaluated": calibration.trees_evaluated,
    }
    if calibration.quantize is not None:
        data["quantize"] = _quantize_to_json(calibration.quantize)
    return data


def calibration_from_json(data: object) -> Calibration | None:
    """What was measured, if anything was.

    Raises:
        ModelFileError: a field is missing or has the wrong type.
    """
    fields = _part(data, "calibration")
    if fields is None:
        return None
    leaves, quantize = (
        _part(fields.data.get("leaves"), "leaves"),
        _part(fields.data.get("quantize"), "quantize"),
    )
    return Calibration(
        _agreement(fields),
        fields.tuple_of("low", real),
        fields.tuple_of("high", real),
        None if leaves is None else _leaf_trade(leaves),
        _number_or_none(fields, "trees_evaluated"),
        None if quantize is None else _inside("quantize", _quantize_trade, quantize),
    )


def _part(data: object, where: str) -> Fields | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise ModelFileError("not an object", option=where, cure=REEXPORT)
    return Fields(data)


def _inside(where: str, read: Callable[[Fields], _T], fields: Fields) -> _T:
    try:
        return read(fields)
    except ModelFileError as error:
        raise error.inside(where) from None


def _agreement_to_json(agreement: Agreement) -> Mapping[str, object]:
    return dataclasses.asdict(agreement)


def _agreement(fields: Fields) -> Agreement:
    return Agreement(
        rows=fields.field("rows", int),
        agree=fields.field("agree", int),
        ties=fields.field("ties", int),
        max_error=fields.number("max_error"),
    )


def _number_or_none(fields: Fields, key: str) -> float | None:
    return None if fields.data.get(key) is None else fields.number(key)


def _leaf_trade(fields: Fields) -> LeafTrade:
    return LeafTrade(
        leaf_bits=None if fields.data.get("leaf_bits") is None else fields.field("leaf_bits", int),
        leaf_clusters=fields.field("leaf_clusters", int),
        reason=fields.field("reason", str),
        classes_changed=fields.field("classes_changed", int),
        auc_before=_number_or_none(fields, "auc_before"),
        auc_after=_number_or_none(fields, "auc_after"),
        labelled=fields.field("labelled", bool),
    )


def _quantize_to_json(trade: QuantizeTrade) -> dict[str, object]:
    layers = [
        {
            "layer": error.layer,
            "noise_db": number_to_json(error.noise_db),
            "own_db": number_to_json(error.own_db),
            "clipped": error.clipped,
            "tensor": error.tensor,
        }
        for error in trade.layers
    ]
    return {
        "quantize": trade.quantize,
        "before": _agreement_to_json(trade.before),
        "classes_changed": trade.classes_changed,
        "largest_difference": trade.largest_difference,
        "accuracy_before": trade.accuracy_before,
        "accuracy_after": trade.accuracy_after,
        "layers": layers,
        **({"no_accuracy": trade.no_accuracy} if trade.no_accuracy else {}),
    }


def _quantize_trade(fields: Fields) -> QuantizeTrade:
    before = Fields(fields.field("before", dict))
    return QuantizeTrade(
        quantize=fields.field("quantize", str),
        before=_inside("before", _agreement, before),
        classes_changed=fields.field("classes_changed", int),
        largest_difference=fields.number("largest_difference"),
        accuracy_before=_number_or_none(fields, "accuracy_before"),
        accuracy_after=_number_or_none(fields, "accuracy_after"),
        layers=tuple(_layer(layer, i) for i, layer in enumerate(fields.field("layers", list))),
        no_accuracy=fields.field("no_accuracy", str) if "no_accuracy" in fields.data else "",
    )


def _layer(data: object, index: int) -> LayerError:
    where = f"layers[{index}]"
    found = _part({} if data is None else data, where)
    assert found is not None
    return _inside(where, _layer_error, found)


def _layer_error(fields: Fields) -> LayerError:
    return LayerError(
        fields.field("layer", str),
        fields.number("noise_db"),
        fields.number("own_db"),
        fields.number("clipped"),
        fields.field("tensor", int),
    )
