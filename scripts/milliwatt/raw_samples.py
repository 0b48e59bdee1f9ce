"""What ``convert()`` and ``Model`` do with pipelines that begin with raw samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt import ir
from milliwatt.data import as_array, read_table
from milliwatt.errors import InputError, MilliwattError
from milliwatt.frontends.raw_pipelines import RawPipeline, read_raw_pipeline
from milliwatt.host import HostModel
from milliwatt.host.signals import features_of
from milliwatt.ir.signal_shapes import feature_type
from milliwatt.ir.signals import FLOAT, INT16, Signals
from milliwatt.options import ModelOptions
from milliwatt.passes import drop_unread

Floats = NDArray[np.float64]
# Of the estimator, calibration data as features of the device, the feature type, and what the estimator
# itself is given where that is not the same: the model of features.
Converter = Callable[[Any, Floats | None, str, Floats | None], ir.AnyModel]


def convert_raw(
    estimator: Any, options: ModelOptions, calibration: Any, convert_features: Converter
) -> ir.AnyModel:
    """The model of a pipeline that begins with raw samples.

    Args:
        calibration: recordings or windows, as the pipeline takes them; or None.
        convert_features: makes the model of features of the pipeline's last steps.

    Raises:
        UnsupportedModelError: names the step that cannot be converted.
        MilliwattError: an option is wrong.
    """
    raw = read_raw_pipeline(estimator, nan=options.nan, input_shape=options.input_shape)  # type: ignore[arg-type]
    if isinstance(calibration, (str, Path)):
        raise MilliwattError(
            "a pipeline from raw samples is calibrated with recordings, which no CSV file of features holds",
            file=calibration,
            option="calibration",
            cure="convert in Python with calibration=, the recordings or windows that the pipeline takes",
        )
    if calibration is None and options.quantize != "none" and raw.is_network and not raw.has_scales:
        raise MilliwattError(
            f"quantize={options.quantize} needs calibration data, which show how large numbers become",
            option="quantize",
            cure="convert in Python with calibration=, some recordings or windows that the pipeline takes",
        )
    dtype = _feature_type(raw, options)
    features = given = None if calibration is None else raw.features(calibration)
    if calibration is not None and raw.signals.steps:
        features = _device_features(raw.signals, calibration)
    model = convert_features(raw.estimator, features, dtype, None if features is given else given)
    made = dataclasses.replace(model, signals=raw.signals, feature_names=raw.feature_names)
    return ir.validate(drop_unread(made))


def _device_features(signals: Signals, samples: Any) -> Floats:
    """Features as the device computes them: steps in float32, where those of scikit-learn have float64."""
    made = [features_of(signals, recording) for recording in recordings_of(signals, samples)]
    return np.concatenate(made).astype(np.float64)


def _feature_type(raw: RawPipeline, options: ModelOptions) -> str:
    """The model's feature type: what the signals make, or floats where it takes no such integers."""
    made = feature_type(raw.signals)
    if options.dtype not in ("auto", made, FLOAT):
        raise MilliwattError(
            f"the steps before the model make features of type {made}, not {options.dtype}",
            option="dtype",
            cure=f"leave it out; or train on recordings of {INT16}" if made == FLOAT else "leave it out",
        )
    if options.dtype != "auto":
        return options.dtype
    if raw.is_network:
        return made if made == INT16 and options.quantize != "none" else FLOAT
    return FLOAT if raw.handles_missing else made


def features_of_samples(model: ir.AnyModel, host: HostModel, samples: Any) -> NDArray[Any]:
    """Features of all windows, as the emitted C makes them of raw samples, shape (windows, features)."""
    assert model.signals is not None
    signals = model.signals
    found = [host.push(recording)[1] for recording in recordings_of(signals, samples)]
    return np.concatenate(found)


def recordings_of(signals: Signals, samples: Any) -> list[NDArray[Any]]:
    """Raw samples as recordings of shape (frames, channels), of the type that the device takes.

    Args:
        samples: a list of recordings, (frames,) or (frames, channels); for models that were trained on
            windows an array of these, (windows, frames) or (windows, frames, channels).

    Raises:
        InputError: another shape or type.
    """
    if not signals.restart:
        if not isinstance(samples, (list, tuple)):
            raise InputError(
                "this model takes recordings, a list of them",
                cure="give [recording], of shape (frames, channels)",
            )
        if not len(samples):
            raise InputError("an empty list", cure="give at least one recording")
        return [_recording(signals, recording, index) for index, recording in enumerate(samples)]
    windows = as_array(samples)
    if windows.ndim == 2 and signals.channels == 1:
        windows = windows[:, :, np.newaxis]
    expected = (signals.restart, signals.channels)
    if windows.ndim != 3 or windows.shape[1:] != expected:
        raise InputError(
            f"windows of shape {windows.shape}; this model takes (windows, {expected[0]}, {expected[1]})",
            cure="give windows as long as those of training",
        )
    return [_typed(signals, windows.reshape(-1, signals.channels), "the windows")]


def _recording(signals: Signals, recording: Any, index: int) -> NDArray[Any]:
    given = as_array(recording)
    if given.ndim == 1 and signals.channels == 1:
        given = given[:, np.newaxis]
    if given.ndim != 2 or given.shape[1] != signals.channels:
        raise InputError(
            f"recording {index} has the shape {given.shape}; this model takes (frames, {signals.channels})",
            cure="give one row a sample, with all channels in the order of training",
        )
    return _typed(signals, given, f"recording {index}")


def read_recording(path: Path, signals: Signals) -> NDArray[Any]:
    """The recording in a CSV file: a column a channel, if there is a last column ``label`` it is left out.

    Raises:
        MilliwattError: not such a file, or numbers that samples of 16 bits cannot be.
    """
    frames = read_table(path, signals.channels).features
    if signals.dtype != INT16:
        return frames.astype(np.float32)
    wrong = ~((frames == np.rint(frames)) & (np.abs(frames + 0.5) < 32768.0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InputError(
            f"frame {row}, channel {column} is {frames[row, column]:.9g}, no integer of 16 bits",
            file=path,
            cure="give the sensor's own integers",
        )
    return frames.astype(np.int16)


def cut_as_trained(signals: Signals, recording: NDArray[Any]) -> Any:
    """A recording as ``Model.predict`` takes it: of models that were trained on windows, cut into these.

    Raises:
        InputError: it is shorter than one of them.
    """
    if not signals.restart:
        return [recording]
    count = len(recording) // signals.restart
    if not count:
        raise InputError(
            f"{len(recording)} frames; the model was trained on windows of {signals.restart}",
            cure="give a longer recording",
        )
    return recording[: count * signals.restart].reshape(count, signals.restart, signals.channels)


def _typed(signals: Signals, values: NDArray[Any], what: str) -> NDArray[Any]:
    if signals.dtype == INT16:
        if values.dtype != np.int16:
            raise InputError(
                f"{what} holds {values.dtype}, and this model takes int16",
                cure="give the sensor's own integers",
            )
        return np.ascontiguousarray(values)
    if values.dtype.kind not in "fiu":
        raise InputError(f"{what} holds no numbers", cure="give an array of numbers")
    return np.ascontiguousarray(values, dtype=np.float32)
