"""From raw samples to features in emitted C: the executor's bits, and what numpy and scipy say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.net_cases import OPTIMISED, SANITIZED, Machine
from mwtest.signal_cases import (
    Chains,
    all_features,
    chains,
    fir,
    iir,
    model_of,
    recording,
    remove_dc,
    spectrum,
)
from mwtest.signal_reference import reference
from mwtest.signal_runs import Case, run
from numpy.typing import NDArray

from milliwatt.errors import InputError
from milliwatt.host.runner import HostModel
from milliwatt.host.signals import features_of
from milliwatt.ir.signal_shapes import raw_frames, windowed
from milliwatt.ir.signals import (
    FLOAT,
    INT16,
    STREAM_TYPES,
    Affine,
    Branch,
    Centre,
    Choose,
    Emphasis,
    Goertzel,
    Length,
    Log1p,
    Normalize,
    ScaleEach,
    Signals,
    Spectrum,
    Stage,
    TimeFeature,
    ToFloat,
)

MEAN_AND_MAX = (TimeFeature("mean", (0,)), TimeFeature("max", (0,)))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signals")


def case(signals: Signals, seed: int = 0, blocks: tuple[int, ...] = ()) -> Case:
    """Four windows, and two frames more."""
    first, step = raw_frames(signals)
    frames = first + 3 * step + 2
    return Case(model_of(signals), recording(signals, frames, seed), blocks or (1, 7, frames))


def executed(signals: Signals, frames: NDArray[np.generic]) -> NDArray[np.generic]:
    """The executor's features; of signals that restart, those of whole turns only."""
    return features_of(signals, frames)


def assert_bits(signals: Signals, found: NDArray[np.generic], frames: NDArray[np.generic]) -> None:
    wanted = executed(signals, frames)
    assert len(wanted) >= min(len(found), 3)
    assert found[: len(wanted)].tobytes() == wanted.tobytes(), signals


@pytest.mark.parametrize(
    ("machine", "seeds"), [(SANITIZED, range(24)), (OPTIMISED, range(24, 36))], ids=["sanitized", "optimised"]
)
def test_random_chains_have_the_executors_bits(machine: Machine, seeds: range, work: Path) -> None:
    cases = [case(signals, seed) for seed, signals in zip(seeds, chains(seeds), strict=True)]
    for one, found in zip(cases, run(cases, machine, work), strict=True):
        assert one.model.signals is not None
        assert_bits(one.model.signals, found.features, one.frames)


@settings(max_examples=8, deadline=None)
@given(st.integers(1000, 10**6), st.integers(0, 50))
def test_answers_do_not_depend_on_blocks(seed: int, block: int) -> None:
    signals = Chains(seed).signals()
    model = model_of(signals)
    frames = case(signals, seed).frames
    if signals.channels > 6:
        block += 1
    host = HostModel(model)
    one, other = host.push(frames, block), host.push(frames)
    assert one.features.tobytes() == other.features.tobytes()
    np.testing.assert_array_equal(one.answers, other.answers)
    np.testing.assert_array_equal(one.answers, host.predict(one.features))


# -- stages, one by one ----------------------------------------------------------------------------


def _stages(dtype: str) -> dict[str, tuple[Stage, ...]]:
    """Stages of a stream of three channels."""
    found: dict[str, tuple[Stage, ...]] = {
        "low-pass": (iir(dtype),),
        "high-pass, not settled": (iir(dtype, "highpass", 2, 0.1, False),),
        "taps": (fir(dtype, 9),),
        "every third": (fir(dtype, 24, 3),),
        "length": (Length((0, 2)),),
        "length too": (Length((2, 0, 1), keep=True),),
        "channels": (Choose((2, 0)),),
        "emphasis": (Emphasis(0.97),),
        "no constant": (remove_dc(dtype),),
        "twice": (fir(dtype, 5, 2), iir(dtype), fir(dtype, 7, 2)),
        "bins": (spectrum(dtype, 16, 12, 5, centre=True),),
        "mel": (Choose((1,)), spectrum(dtype, 32, 32, 16, values="mel")),
        "cepstrum": (spectrum(dtype, 32, 24, 24, values="cepstrum"),),
        "bands and shape": (
            spectrum(dtype, 16, 16, 20, values="bands", edges=(1, 2, 5, 9), shape=("peak", "centroid")),
        ),
        "picked": (spectrum(dtype, 16, 16, 4, shape=("rolloff",), chosen=(1, 2, 6, 9)),),
    }
    if dtype == INT16:
        found["to floats"] = (iir(dtype), ToFloat(1 / 32768), iir(FLOAT, "highpass", 2, 0.1))
    return found


def _whole(dtype: str) -> dict[str, tuple[Stage, ...]]:
    """Stages of whole windows, of three channels."""
    return {
        "centre": (Centre(),),
        "centre of one": (Choose((1,)), Centre()),
        "tones": (Goertzel((0.05, 0.21, 0.4)),),
        "tones of one": (Choose((1,)), Goertzel((0.1,))),
        "filtered": (iir(dtype), fir(dtype, 5, 2), Emphasis(0.5), remove_dc(dtype)),
        "spectra": (spectrum(dtype, 16, 16, 6), Choose((3, 2, 12, 20, 5))),
        "one spectrum": (Length((0, 1, 2)), spectrum(dtype, 64, 40, 40, values="mel")),
    }


def _plain(dtype: str, seed: int, frames: int) -> NDArray[np.generic]:
    """Tones and noise far from zero and from full scale, so that rounding is small beside them."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None]
    x = (
        0.3 * np.sin(2 * np.pi * t * [0.03, 0.11, 0.23])
        + 0.05 * rng.normal(size=(frames, 3))
        + [0.1, 0.2, -0.3]
    )
    return np.rint(x * 20000).astype(np.int16) if dtype == INT16 else x.astype(np.float32)


def _all_stages(signals: Signals) -> list[Stage]:
    return [*signals.stages, *(stage for branch in signals.branches for stage in branch.stages)]


def _assert_near(
    signals: Signals, found: NDArray[np.generic], frames: NDArray[np.generic], name: str
) -> None:
    wanted = reference(signals, frames)
    assert found.shape == wanted.shape, name
    if found.dtype == np.float32:
        allowed = 2e-4 * np.abs(wanted).max()
    else:  # rounding of samples, and of log2 in 1/256
        has_logarithms = any(isinstance(stage, Spectrum) for stage in _all_stages(signals))
        allowed = 12.0 if has_logarithms else 6.0
    assert np.abs(found - wanted).max() <= allowed, (name, np.abs(found - wanted).max())


@pytest.mark.parametrize("dtype", STREAM_TYPES)
def test_each_stage_does_what_scipy_does(dtype: str, work: Path) -> None:
    made = {name: Signals(dtype, 3, 4, 3, (Branch(),), stages) for name, stages in _stages(dtype).items()} | {
        name: Signals(dtype, 3, 40, 20, (Branch(stages),)) for name, stages in _whole(dtype).items()
    }
    cases = []
    for index, signals in enumerate(made.values()):
        first, step = raw_frames(signals)
        frames = first + 5 * step
        cases.append(Case(model_of(signals), _plain(dtype, index, frames), (1, 5, frames)))
    for name, one, found in zip(made, cases, run(cases, SANITIZED, work), strict=True):
        assert_bits(made[name], found.features, one.frames)
        _assert_near(made[name], found.features, one.frames, name)


# -- windows, branches, features -------------------------------------------------------------------


def _windows(dtype: str) -> dict[str, Signals]:
    mean = Branch((), MEAN_AND_MAX)
    odd = {
        "hop beyond the window": Signals(dtype, 3, 5, 9, (mean,)),
        "hop of one": Signals(dtype, 3, 6, 1, (mean,)),
        "one frame": Signals(dtype, 3, 1, 1, (mean, Branch())),
        "window itself": Signals(dtype, 3, 6, 4, (Branch(),)),
        "some samples": Signals(dtype, 3, 6, 7, (Branch((), (), (0, 4, 5, 17)), mean, Branch())),
        "restart at once": Signals(dtype, 3, 8, 8, (mean,), (iir(dtype),), restart=8),
        "restart after some": Signals(
            dtype, 3, 8, 8, (Branch((Centre(),)), mean), (fir(dtype, 5, 2),), restart=23
        ),
        "restarted spectra": Signals(
            dtype, 3, 2, 2, (mean,), (Emphasis(0.9), spectrum(dtype, 16, 16, 4)), restart=25
        ),
        "decimated": Signals(dtype, 3, 4, 2, (mean, Branch()), (fir(dtype, 9, 3),)),
        "branches": Signals(
            dtype, 3, 16, 8,
            (mean, Branch((Centre(),), MEAN_AND_MAX), Branch((), MEAN_AND_MAX[:1]), Branch((Centre(),))),
        ),
        "chosen": Signals(
            dtype, 3, 16, 8, (mean, Branch((Centre(),)), Branch((), all_features(dtype, 3))),
            chosen=(1, 2, 3, 20, 50, 55, 60),
        ),
    }  # fmt: skip
    if dtype == FLOAT:
        weights = tuple((0.1 * i, -0.2 * i, 1.0) for i in range(2))
        steps = (
            Normalize("l2"),
            Affine(weights, (0.5, 1.5, 2.5)),
            ScaleEach((1.0, 0.0, 0.5), (2.0, 3.0, 4.0)),
        )
        odd["steps"] = Signals(dtype, 3, 6, 3, (mean,), steps=(*steps, Normalize("max"), Normalize("l1")))
        odd["mapped twice"] = Signals(
            dtype, 3, 6, 3, (mean,), steps=(steps[1], Affine(((1.0,), (2.0,), (3.0,)), (0.25,)))
        )
        odd["logarithms"] = Signals(
            dtype, 3, 4, 3, (Branch((Length((0, 1)),)),), steps=(Log1p(),), chosen=(0, 3)
        )
    return odd


@pytest.mark.parametrize("dtype", STREAM_TYPES)
def test_windows_of_every_kind(dtype: str, work: Path) -> None:
    made = _windows(dtype)
    cases = []
    for index, signals in enumerate(made.values()):
        first, step = raw_frames(signals)
        frames = first + 5 * step
        cases.append(Case(model_of(signals), _plain(dtype, index, frames), (1, 4, frames)))
    for name, one, found in zip(made, cases, run(cases, SANITIZED, work), strict=True):
        signals = made[name]
        assert_bits(signals, found.features, one.frames)
        if name not in ("chosen", "restarted spectra"):  # means of samples: 256 times their rounding
            wanted = reference(signals, one.frames)
            allowed = 2e-4 * np.abs(wanted).max() if dtype == FLOAT else 400.0
            assert np.abs(found.features - wanted).max() <= allowed, name


@pytest.mark.parametrize("dtype", STREAM_TYPES)
def test_each_time_feature_is_numpys(dtype: str, work: Path) -> None:
    features = all_features(dtype, 3)
    cases = []
    for length in (40, 300):  # sorted, and counted
        signals = Signals(dtype, 3, length, 25, (Branch((), features),))
        frames = _plain(dtype, length, length + 75)
        cases.append(Case(model_of(signals), frames, (len(frames),)))
    for one, found in zip(cases, run(cases, SANITIZED, work), strict=True):
        signals = one.model.signals
        assert signals is not None
        assert_bits(signals, found.features, one.frames)
        wanted = reference(signals, one.frames)
        for index, feature in enumerate(features):
            off = np.abs(found.features[:, index] - wanted[:, index]).max()
            allowed = 3.0 if dtype == INT16 else 1e-4 * max(1.0, np.abs(wanted[:, index]).max())
            assert off <= allowed, (feature, off)


def test_integers_for_a_model_of_floats(work: Path) -> None:
    signals = Signals(INT16, 3, 20, 10, (Branch((), all_features(INT16, 3)), Branch()))
    frames = _plain(INT16, 1, 60)
    (found,) = run([Case(model_of(signals, dtype="float"), frames, (7, 60))], SANITIZED, work)
    assert found.features.dtype == np.float32
    np.testing.assert_array_equal(found.features, features_of(signals, frames).astype(np.float32))


def test_the_window_is_not_copied_where_it_is_the_features() -> None:
    signals = Signals(INT16, 3, 50, 10, (Branch(),))
    assert windowed(signals).channels == 3
    model = model_of(signals, "whole")
    frames = _plain(INT16, 2, 90)
    pushed = HostModel(model).push(frames, 0)
    np.testing.assert_array_equal(pushed.features, features_of(signals, frames))
    np.testing.assert_array_equal(pushed.features[2].reshape(50, 3), frames[20:70])


def test_a_model_without_classes_answers_ok() -> None:
    signals = dataclasses.replace(_windows(FLOAT)["branches"])
    model = model_of(signals, "value", task="regressor")
    frames = _plain(FLOAT, 3, 40)
    host = HostModel(model)
    pushed = host.push(frames, 7)
    np.testing.assert_array_equal(pushed.answers, 0)
    assert pushed.features.tobytes() == features_of(signals, frames).tobytes()
    assert host.regress(pushed.features).shape == (4, 3)


def test_frames_one_by_one_in_a_model_that_restarts() -> None:
    signals = _windows(INT16)["restart after some"]
    frames = _plain(INT16, 4, 23 * 3 + 8)
    host = HostModel(model_of(signals, "again"))
    one, several = host.push(frames, 0), host.push(frames, 9)
    assert one.features.tobytes() == several.features.tobytes()
    np.testing.assert_array_equal(one.features[:3], features_of(signals, frames))
    assert len(one.answers) == 3  # the last window still misses a frame


def test_a_sample_that_is_nan_is_an_error_until_the_window_has_passed_it() -> None:
    """Where nothing recursive is before the window, of features that show it."""
    signals = Signals(FLOAT, 1, 6, 3, (Branch((), MEAN_AND_MAX),))
    host = HostModel(dataclasses.replace(model_of(signals), check_nan=True))
    frames = recording(signals, 24)
    frames[8] = np.nan
    host.push(frames[:8])
    for first in (3, 6, 8):
        with pytest.raises(InputError, match="a feature of a window is NaN"):
            host.push(frames[first : first + 6])
    assert len(host.push(frames[9:]).answers) == 4
    with pytest.raises(InputError, match="cure: give samples that are finite"):
        host.push(frames, 0)
