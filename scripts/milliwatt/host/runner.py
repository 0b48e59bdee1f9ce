"""Runs a model's emitted C on arrays of samples."""

from __future__ import annotations

import ctypes
import dataclasses
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.dtypes import FEATURE_TYPES, FLOAT32_MAX
from milliwatt.emit import emit_c
from milliwatt.errors import InputError, MilliwattError
from milliwatt.host.compiler import shared_library
from milliwatt.host.driver import driver
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.signal_shapes import raw_frames

_ERROR_NAN = -3  # of <milliwatt/status.h>
_NUMPY_TYPES = {"float": np.float32, "int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32}


class Pushed(NamedTuple):
    """What pushing a recording gave, one row a window.

    Attributes:
        answers: class indices; 0 of models that answer none, shape (windows,).
        features: shape (windows, features), of the model's type.
    """

    answers: NDArray[np.int32]
    features: NDArray[Any]


class HostModel:
    """A model's C, compiled for this PC and loaded into this process.

    Several models, and several threads and processes, may be at work at once: every model is a
    library of its own, found by the hash of its content.
    """

    def __init__(self, model: AnyModel, method: str = "auto") -> None:
        self.model = model
        self._type = _NUMPY_TYPES[model.dtype]
        if isinstance(model, Network):
            # A static arena would be shared by all threads: here every call brings its own.
            model = dataclasses.replace(model, arena="caller")
        emitted = emit_c(model, method=method)
        files = {**emitted.files, "host_driver.c": driver(model)}
        # The C of trees needs headers only.
        sources = sdk.network_sources() if isinstance(model, Network) else []
        if model.signals is not None:
            sources += sdk.signal_sources("".join(emitted.files.values()))
        path = shared_library(files, sources, sdk.include_dir())
        self._library: Any = ctypes.CDLL(str(path))

    def push(self, frames: NDArray[Any], block: int = 4096) -> Pushed:
        """All windows of a recording, as a device answers them that is given it from its beginning on.

        Args:
            frames: raw samples of the type of the model's signals, shape (frames, channels).
            block: frames that come at once, on which no answer depends; 0: one by one, as single numbers,
                which models of up to six channels take.

        Raises:
            InputError: frames of another type or shape.
            MilliwattError: the model takes no raw samples; or its C answered an error.
        """
        signals = self.model.signals
        if signals is None:
            raise MilliwattError(
                "the model takes features, no raw samples", option=self.model.name, cure="use predict()"
            )
        kind = _NUMPY_TYPES[signals.dtype]
        if frames.dtype != kind or frames.ndim != 2 or frames.shape[1] != signals.channels:
            raise InputError(
                f"raw samples must be {np.dtype(kind)} of shape (frames, {signals.channels})",
                cure="convert them, in the units that the model was trained on",
            )
        first, step = raw_frames(signals)
        windows = 1 + (len(frames) - first) // step if len(frames) >= first else 0
        answers = np.empty(windows, dtype=np.int32)
        features = np.empty((windows, self.model.n_features), dtype=self._type)
        raw = np.ascontiguousarray(frames)
        status = self._library.host_push(
            ctypes.c_void_p(raw.ctypes.data),
            ctypes.c_long(len(raw)),
            ctypes.c_long(block),
            ctypes.c_void_p(answers.ctypes.data),
            ctypes.c_void_p(features.ctypes.data),
            ctypes.c_long(windows),
        )
        if status == _ERROR_NAN:
            raise InputError(
                "a feature of a window is NaN, and the model was not trained on missing values",
                option=self.model.name,
                cure="give samples that are finite",
            )
        if status < 0:
            raise MilliwattError(f"the model's C answered status {status}", option=self.model.name)
        return Pushed(answers, features)

    def predict(self, samples: NDArray[Any]) -> NDArray[np.int32]:
        """Class index of each row of device features; not of labels that are answered each for itself."""
        if _is_multilabel(self.model):
            raise MilliwattError(
                "the model has labels, not classes", option=self.model.name, cure="use predict_labels()"
            )
        out = np.empty(len(samples), dtype=np.int32)
        self._call("host_predict", samples, out)
        return out

    def predict_labels(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Whether each label holds, 0 or 1, shape (rows, labels); networks with many labels only."""
        if not _is_multilabel(self.model):
            raise MilliwattError("the model has no labels", option=self.model.name, cure="use predict()")
        out = np.empty((len(samples), self.model.n_answers), dtype=np.uint8)
        self._call("host_predict_labels", samples, out)
        return out

    def predict_proba(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Class probabilities of each row of device features."""
        if not self.model.has_probabilities:
            raise MilliwattError("the model has no probabilities", option=self.model.name, cure="use score()")
        return self._vector("host_predict_proba", samples, self.model.n_answers)

    def score(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Scores of each row of device features, shape (rows, outputs); classifiers with a link only."""
        return self._vector("host_score", samples, self.model.n_outputs)

    def regress(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Values of each row of device features, shape (rows, outputs)."""
        return self._vector("host_regress", samples, self.model.n_outputs)

    def quantize(self, values: NDArray[Any]) -> NDArray[Any]:
        """Real-valued features as the device's integers (models with a scale)."""
        rows = np.ascontiguousarray(values, dtype=np.float32)
        out = np.empty(rows.shape, dtype=self._type)
        self._run("host_quantize", rows, out)
        return out

    def device_features(self, values: NDArray[Any]) -> NDArray[Any]:
        """Samples as the device takes them, or :class:`InputError` where it cannot."""
        if self.model.scale:
            return self.quantize(check_samples(self.model, values, integers=False))
        return check_samples(self.model, values).astype(self._type)

    def _vector(self, function: str, samples: NDArray[Any], width: int) -> NDArray[np.float32]:
        out = np.empty((len(samples), width), dtype=np.float32)
        self._call(function, samples, out)
        return out

    def _call(self, function: str, samples: NDArray[Any], out: NDArray[Any]) -> None:
        if samples.dtype != self._type or samples.ndim != 2 or samples.shape[1] != self.model.n_features:
            raise InputError(
                f"device features must be {np.dtype(self._type)} of shape (rows, {self.model.n_features})",
                cure="convert samples with device_features()",
            )
        self._run(function, np.ascontiguousarray(samples), out)

    def _run(self, function: str, samples: NDArray[Any], out: NDArray[Any]) -> None:
        status = getattr(self._library, function)(
            ctypes.c_void_p(samples.ctypes.data),
            ctypes.c_long(len(samples)),
            ctypes.c_void_p(out.ctypes.data),
        )
        if status < 0:
            raise MilliwattError(f"the model's C answered status {status}", option=self.model.name)


def _is_multilabel(model: AnyModel) -> bool:
    return isinstance(model, Network) and model.is_multilabel


def check_samples(model: AnyModel, values: NDArray[Any], *, integers: bool = True) -> NDArray[np.float64]:
    """Samples as a 2-D float64 array that the model's feature type can hold.

    Raises:
        InputError: wrong shape, NaN where the model refuses it, or (with ``integers``) values that
            an integer feature type cannot hold.
    """
    try:
        samples = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("samples are not numbers", cure="give a 2-D array of numbers") from None
    if samples.ndim != 2 or samples.shape[1] != model.n_features:
        raise InputError(
            f"samples of shape {samples.shape}; the model takes (rows, {model.n_features})",
            cure="give one row a sample, with all features in the order of training",
        )
    if not model.handles_missing and model.check_nan and bool(np.isnan(samples).any()):
        row, column = np.argwhere(np.isnan(samples))[0]
        raise InputError(
            f"feature {column} of sample {row} is NaN, and the model was not trained on missing values",
            cure="fill the gap before predicting"
            + ("" if isinstance(model, Network) else ", or convert with nan=follow"),
        )
    kind = FEATURE_TYPES[model.dtype]
    if not kind.is_integer or not integers:
        bad = np.isfinite(samples) & (np.abs(samples) > FLOAT32_MAX)
        cure = "scale the feature before training"
    else:
        bad = ~((samples >= kind.low) & (samples <= kind.high) & (samples == np.rint(samples)))
        cure = "use a wider dtype, or dtype=float for features that are not integers"
    if bad.any():
        row, column = np.argwhere(bad)[0]
        type_ = kind.name if integers else "float"
        raise InputError(
            f"feature {column} of sample {row} is {samples[row, column]:.9g}, not a value of type {type_}",
            cure=cure,
        )
    return samples
