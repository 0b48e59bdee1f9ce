"""What all transformers share: learning type and channels, running a stage by the C kernels, names."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import InputError, MilliwattError, ModelFileError, ToolMissingError
from milliwatt.features.samples import Samples, read_samples
from milliwatt.host.signals import run_stage, run_stage_each
from milliwatt.ir.signal_shapes import Stream
from milliwatt.ir.signals import Stage
from milliwatt.ir.validate_stages import check_stage

try:
    from sklearn.base import BaseEstimator, TransformerMixin
except ModuleNotFoundError:
    raise ToolMissingError(
        "these are transformers of scikit-learn, which is not installed",
        option="milliwatt.features",
        cure="pip install milliwatt[sklearn]",
    ) from None

# Of fields of stages that have another name.
_PARAMETERS = {"n_cepstrum": "n_mfcc", "mel_scale": "scale", "mel_norm": "norm", "edges": "bands"}


class OfSamples(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of recordings or windows.

    Attributes:
        dtype_: ``int16`` or ``float``: what it was fitted on, and takes from then on.
        n_channels_: of these.
        n_frames_: of the windows it was fitted on; None for recordings.
    """

    dtype_: str
    n_channels_: int
    n_frames_: int | None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _learn(self, X: Any) -> Samples:
        """Takes in what samples are like."""
        self._check_rate()
        samples = read_samples(X, type(self).__name__)
        self.dtype_, self.n_channels_, self.n_frames_ = samples.dtype, samples.channels, samples.frames
        if samples.frames is not None and samples.flat:
            self.n_features_in_ = samples.frames
        return samples

    def _taken(self, X: Any) -> Samples:
        """Samples like those that it was fitted on."""
        who = type(self).__name__
        self._check_fitted("dtype_")
        samples = read_samples(X, who)
        for name, is_now, was in (
            ("samples of the type", samples.dtype, self.dtype_),
            ("channels:", samples.channels, self.n_channels_),
            ("frames in a window:", samples.frames or "recordings", self.n_frames_ or "recordings"),
        ):
            if is_now != was:
                raise InputError(
                    f"{who} is given {name} {is_now}, and was fitted on {was}", cure="fit it again"
                )
        return samples

    @property
    def stream_(self) -> Stream:
        """What it was fitted on."""
        return Stream(self.dtype_, self.n_channels_)

    def _check_fitted(self, learnt: str) -> None:
        if not hasattr(self, learnt):
            raise MilliwattError(f"this {type(self).__name__} is not fitted", cure="call fit() first")

    def _check_stands_behind(self, learnt: str, dtype: str, channels: int) -> None:
        """Refuses to say what it does to a stream that it was not fitted on."""
        self._check_fitted(learnt)
        if (dtype, channels) != (self.dtype_, self.n_channels_):
            raise MilliwattError(
                f"{type(self).__name__} was fitted on {self.n_channels_} channels of {self.dtype_}, and "
                f"stands behind {channels} of {dtype}",
                cure="fit the pipeline as a whole",
            )

    def _check_rate(self) -> None:
        """Refuses what is no rate; of a filter's, nothing else asks before conversion."""
        rate = getattr(self, "rate", None)
        if rate is not None and not 0.0 < self._float("rate") < math.inf:
            raise self._wrong(f"{rate!r} is not possible", "rate", "give the sample rate in hertz")

    def _wrong(self, problem: str, option: str, cure: str) -> MilliwattError:
        return MilliwattError(problem, option=f"{type(self).__name__}({option}=...)", cure=cure)

    def _float(self, option: str) -> float:
        """A parameter that is a number."""
        return self._floats(option, [getattr(self, option)], "give a number")[0]

    def _int(self, option: str) -> int:
        """A parameter that is a whole number."""
        return self._ints(option, [getattr(self, option)], "give a whole number")[0]

    def _floats(
        self, option: str, given: Any = None, cure: str = "give a list of numbers"
    ) -> tuple[float, ...]:
        """A parameter that is a row of numbers."""
        given = getattr(self, option) if given is None else given
        try:
            return tuple(float(value) for value in given)
        except (TypeError, ValueError):
            raise self._wrong(f"{getattr(self, option)!r} is not possible", option, cure) from None

    def _ints(
        self, option: str, given: Any = None, cure: str = "give a list of whole numbers"
    ) -> tuple[int, ...]:
        """A parameter that is a row of whole numbers."""
        values = self._floats(option, given, cure)
        if not all(value.is_integer() for value in values):
            raise self._wrong(f"{getattr(self, option)!r} is not possible", option, cure)
        return tuple(int(value) for value in values)


class GivesSamples(OfSamples):
    """A transformer whose results are samples, which no table holds."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(auto_wrap_output_keys=None, **settings)

    def set_output(self, *, transform: Any = None) -> Any:
        """Does nothing, so that pipelines can be told: samples stay arrays, and lists of them."""
        return self


class StageTransformer(GivesSamples, ABC):
    """A transformer that makes a stream of a stream.

    A subclass says by :meth:`_stage` what it does.
    """

    stage_: Stage

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learns type and channels of samples, and checks the parameters.

        Args:
            X: a list of recordings, or an array of windows.

        Raises:
            MilliwattError: names the parameter.
        """
        self._learn(X)
        stage = self._stage(self.stream_)
        try:
            check_stage(stage, self.stream_, self.n_frames_)
            self._prove(stage)
        except ModelFileError as error:
            raise self._explained(error) from None
        self.stage_ = stage
        return self

    def _explained(self, error: ModelFileError) -> MilliwattError:
        """What is wrong with a stage, as what is wrong with the parameter behind it."""
        who = type(self).__name__
        option = _PARAMETERS.get(str(error.option), str(error.option))
        if option in self.get_params():
            return self._wrong(error.problem, option, "change that parameter")
        where = f" ({error.option})" if error.option else ""
        return MilliwattError(f"{who}{where}: {error.problem}", cure="change its parameters, or its place")

    @abstractmethod
    def _stage(self, stream: Stream) -> Stage:
        """What it does to a stream, by its parameters."""

    def _prove(self, stage: Any) -> None:
        """Finds out what only shows when tables are made."""

    def to_stage(self, dtype: str, channels: int) -> Stage:
        """The stage that a model file holds.

        Raises:
            MilliwattError: not fitted, or on another stream.
        """
        self._check_stands_behind("stage_", dtype, channels)
        return self.stage_

    def transform(self, X: Any) -> Any:
        """The stream that it makes, each recording or window by itself.

        Returns:
            a list of arrays for a list, each (frames, channels), else an array (windows, frames, channels); a
            single channel without an axis of its own where it came so. int16 or float32.
        """
        samples = self._taken(X)
        if isinstance(samples.parts, np.ndarray):
            return samples.formed(run_stage_each(self.stage_, samples.parts))
        return samples.formed([run_stage(self.stage_, part) for part in samples.parts])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the channels that it makes."""
        self._check_fitted("n_channels_")
        names = channel_names(input_features, self.n_channels_)
        return np.asarray(self._names(names), dtype=object)

    def _names(self, names: Sequence[str]) -> list[str]:
        """Of the channels, given those of the channels that it takes."""
        return list(names)


def channel_names(given: Any, channels: int) -> list[str]:
    """Names of channels: those given if there is one for each, else x, y, z, or x0, x1, …"""
    if given is not None and len(given) == channels:
        return [str(name) for name in given]
    if channels == 1:
        return ["x"]
    return ["x", "y", "z"][:channels] if channels <= 3 else [f"x{index}" for index in range(channels)]
