"""From windows to features."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import InputError
from milliwatt.features.base import OfSamples, channel_names
from milliwatt.host.signals import run_branch
from milliwatt.ir.signals import INT16, Branch, TimeFeature
from milliwatt.ir.time_features import PER_MILLE, TIME_FEATURES, problem_with


class _OfWindows(OfSamples, ABC):
    """A transformer that makes numbers of windows."""

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learns what windows are like, and checks the parameters.

        Raises:
            MilliwattError: recordings instead of windows; names the parameter that is wrong.
        """
        self._learn(X)
        if self.n_frames_ is None:
            raise InputError(
                f"{type(self).__name__} takes windows, and is given a list, which is recordings",
                cure="put SlidingWindow(length, hop) before it, or give an array of windows",
            )
        self.branch_ = Branch((), self._features())
        return self

    def to_features(self, dtype: str, channels: int) -> tuple[TimeFeature, ...]:
        """The features that a model file holds, in the order of the columns; of samples themselves none.

        Raises:
            MilliwattError: not fitted, or on another stream.
        """
        self._check_stands_behind("branch_", dtype, channels)
        return self.branch_.features

    @abstractmethod
    def _features(self) -> tuple[TimeFeature, ...]:
        """What it makes of a window, by its parameters; of samples themselves nothing."""

    def transform(self, X: Any) -> NDArray[Any]:
        """Features of each window, shape (windows, features).

        Returns:
            int32 (of samples themselves int16) for int16; else float64, whose numbers are float32.
        """
        samples = self._taken(X)
        windows = np.asarray(samples.parts).reshape(-1, self.n_frames_ or 0, self.n_channels_)
        made = run_branch(self.branch_, windows)
        return made if samples.dtype == INT16 else made.astype(np.float64)


class TimeFeatures(_OfWindows):
    """Features of a window in the time domain: `<milliwatt/time_features.h>`.

    Of int16 they are integers: lengths and amplitudes in 1/256 of a sample's unit, correlation in 1/32768,
    angles in pi/32768, extremes in samples' units, counts. Of floats they are what numpy and scipy say.

    Args:
        features: names out of :data:`TIME_FEATURES`; with an argument as a pair: ``("percentile", 90)`` in
            percent, ``("crossings", level)``, ``("slope_changes", threshold)``.
        channels: of which channels, by number; None: all. Features of pairs (correlation, covariance) are of
            every pair of them, features of vectors (magnitude_area, roll, pitch) of three.
    """

    def __init__(
        self, features: Sequence[Any] = ("mean", "std", "min", "max"), channels: Sequence[int] | None = None
    ) -> None:
        self.features = features
        self.channels = channels

    def _features(self) -> tuple[TimeFeature, ...]:
        """In the order of the columns.

        Raises:
            MilliwattError: names the feature, and what is wrong with it.
        """
        made = tuple(self._listed(self.n_channels_))
        if not made:
            raise self._wrong("no feature at all", "features", f"name some of {', '.join(TIME_FEATURES)}")
        for feature in made:
            problem = problem_with(feature, self.dtype_, self.n_channels_, self.n_frames_ or 0)
            if problem:
                raise self._wrong(problem, "features", "change that feature, or leave it out")
        return made

    def _listed(self, channels: int) -> list[TimeFeature]:
        """Features, those of a kind together."""
        chosen = self._ints("channels", range(channels) if self.channels is None else None)
        if isinstance(self.features, str):
            raise self._wrong(f"{self.features!r} is not possible", "features", "give a list of names")
        made = []
        for given in self.features:
            name, argument = self._named(given)
            known = TIME_FEATURES.get(name)
            if known is None:
                raise self._wrong(
                    f"there is no feature {name!r}", "features", f"choose from {', '.join(TIME_FEATURES)}"
                )
            if (argument is None) != (not known.argument):
                what = f"({name!r}, number)" if known.argument else repr(name)
                raise self._wrong(f"{given!r} is not possible", "features", f"give {what}")
            if len(chosen) < known.channels:
                raise self._wrong(
                    f"{name} takes {known.channels} channels, and there are {len(chosen)}",
                    "features",
                    "leave it out, or name channels=",
                )
            value = 0.0 if argument is None else float(argument) * (10 if known.argument == PER_MILLE else 1)
            groups = itertools.combinations(chosen, known.channels)
            made += [TimeFeature(name, group, value) for group in groups]
        return made

    def _named(self, given: Any) -> tuple[str, Any]:
        """A name and its argument."""
        if isinstance(given, str):
            return str(given), None
        try:
            name, argument = given
            return str(name), float(argument)
        except (TypeError, ValueError):
            raise self._wrong(
                f"{given!r} is not possible", "features", 'give a name, or a pair as ("percentile", 90)'
            ) from None

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """``mean_x``, ``correlation_x_y``, …"""
        self._check_fitted("branch_")
        names, features = channel_names(input_features, self.n_channels_), self.branch_.features
        found = ["_".join([_label(feature), *(names[c] for c in feature.channels)]) for feature in features]
        return np.asarray(found, dtype=object)


def _label(feature: TimeFeature) -> str:
    """The beginning of a feature's name: which, and its argument."""
    kind = TIME_FEATURES[feature.name].argument
    argument = feature.argument / (10 if kind == PER_MILLE else 1)
    return f"{feature.name}{argument:g}" if kind else feature.name


class Flatten(_OfWindows):
    """The samples of a window themselves, frame by frame: for networks, and behind spectra."""

    def _features(self) -> tuple[TimeFeature, ...]:
        """None: the samples."""
        return ()

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of channels, with the frame behind them where there are several."""
        self._check_fitted("branch_")
        names, frames = channel_names(input_features, self.n_channels_), self.n_frames_ or 0
        if frames == 1:
            return np.asarray(names, dtype=object)
        return np.asarray([f"{name}_{frame}" for frame in range(frames) for name in names], dtype=object)
