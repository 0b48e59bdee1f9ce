"""What quantisation changed, measured on calibration data."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.ir.model import Agreement


@dataclass(frozen=True, slots=True)
class LayerError:
    """How far a layer's integers are off the real numbers they stand for.

    Attributes:
        layer: number and kind, and the activation: ``2 conv relu``.
        noise_db: ratio of the real numbers' mean square to the error's, in decibels: 20 is a tenth off, 40 a
            hundredth. It holds what the layers before do.
        own_db: likewise, of the layer alone, with inputs as exact as its input's integers allow.
        clipped: fraction of numbers beyond what the integers can stand for, 0 to 1.
        tensor: of the network of integers, the one that is meant.
    """

    layer: str
    noise_db: float
    own_db: float
    clipped: float
    tensor: int


@dataclass(frozen=True, slots=True)
class QuantizeTrade:
    """A network in integers beside the same network in floats, on calibration data.

    Attributes:
        quantize: ``int8`` or ``int16``.
        before: agreement of the float network with the estimator.
        classes_changed: classifiers: rows whose class is another one in integers.
        largest_difference: the largest difference of an answer: of a probability, or of a value.
        accuracy_before, accuracy_after: fraction of rows with the right label, or for regressors the root of
            the mean square error against it; None: the data have no labels.
        layers: one for each layer that computes.
        no_accuracy: why labels that the data do have say nothing, in words.
    """

    quantize: str
    before: Agreement
    classes_changed: int
    largest_difference: float
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    layers: tuple[LayerError, ...] = ()
    no_accuracy: str = ""
