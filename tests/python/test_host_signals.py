"""The executor of signals: each stage, feature and step beside numpy and scipy, in both types."""

from __future__ import annotations

import inspect
import time
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from mwtest.spectral_oracle import spectrum
from numpy.typing import NDArray
from scipy import signal, stats
from sklearn.preprocessing import normalize

from milliwatt import filters
from milliwatt.errors import InputError
from milliwatt.host import kernels
from milliwatt.host.kernels.sources import files
from milliwatt.host.signals import (
    features_of,
    features_of_windows,
    run_branch,
    run_stage,
    run_stage_each,
    run_steps,
    run_windows,
)
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import Stream, frames_after, n_features, stream_after
from milliwatt.ir.signals import Branch, Signals, Spectrum, TimeFeature
from milliwatt.ir.time_features import TIME_FEATURES
from milliwatt.signal_features import FEATURE_CODES, expression, host_header

SOS = signal.butter(3, 0.2, output="sos")
TAPS = signal.firwin(31, 0.3)
BOTH = pytest.mark.parametrize("dtype", [np.int16, np.float32])


def noise(shape: tuple[int, ...], dtype: Any, seed: int = 0, peak: float = 12000.0) -> NDArray[Any]:
    x = np.random.default_rng(seed).uniform(-peak, peak, shape)
    return np.round(x).astype(np.int16) if dtype == np.int16 else (x / 32768).astype(np.float32)


def iir(dtype: Any, *, settled: bool) -> nodes.Iir:
    rows = tuple(tuple(float(v) for v in np.delete(row, 3)) for row in SOS)
    if dtype != np.int16:
        return nodes.Iir(rows, settled)
    made = filters.iir_q15(SOS)
    return nodes.Iir(rows, settled, tuple(section.row for section in made.sections), made.out_shift)


def fir(dtype: Any, decimation: int) -> nodes.Fir:
    taps = tuple(map(float, TAPS))
    if dtype != np.int16:
        return nodes.Fir(taps, decimation)
    made = filters.fir_q15(taps, decimation)
    return nodes.Fir(taps, decimation, made.taps, made.shift)


def snr(want: NDArray[Any], got: NDArray[Any]) -> float:
    return float(10 * np.log10((want**2).sum() / max(((got - want) ** 2).sum(), 1e-30)))


@BOTH
@pytest.mark.parametrize("settled", [True, False])
def test_recursive_filters_are_scipys(dtype: Any, settled: bool) -> None:
    x = noise((500, 3), dtype) + np.array([0.1, 0, -0.2] if dtype == np.float32 else [2000, 0, -3000], dtype)
    got = run_stage(iir(dtype, settled=settled), x)
    state = signal.sosfilt_zi(SOS)[:, :, None] * x[0].astype(float) if settled else np.zeros((2, 2, 3))
    want = signal.sosfilt(SOS, x.astype(float), axis=0, zi=state)[0]
    assert got.dtype == dtype
    assert snr(want, got) > (70 if dtype == np.int16 else 120)


@BOTH
@pytest.mark.parametrize(("decimation", "frames"), [(1, 300), (4, 301), (3, 70000)])
def test_finite_filters_are_scipys(dtype: Any, decimation: int, frames: int) -> None:
    x = noise((frames, 2), dtype)
    got = run_stage(fir(dtype, decimation), x)
    want = signal.lfilter(TAPS, 1, x.astype(float), axis=0)[::decimation]
    assert got.shape == want.shape
    assert snr(want, got) > (70 if dtype == np.int16 else 120)


def test_lengths_and_choices() -> None:
    x = np.array([[3, 4, 12], [-32768, -32768, -32768], [0, 0, 0]], np.int16)
    two, kept = nodes.Length((0, 1)), nodes.Length((2, 1, 0), keep=True)
    assert run_stage(two, x).tolist() == [[5], [32767], [0]]
    assert run_stage(kept, x).tolist() == [[3, 4, 12, 13], [-32768] * 3 + [32767], [0] * 4]
    y = noise((50, 4), np.float32)
    np.testing.assert_allclose(run_stage(two, y)[:, 0], np.hypot(y[:, 0], y[:, 1]), rtol=1e-6)
    want = np.column_stack([y, np.linalg.norm(y[:, :3], axis=1)])
    np.testing.assert_allclose(run_stage(kept, y), want, rtol=1e-6)
    assert (run_stage(nodes.Choose((2, 0)), x) == x[:, [2, 0]]).all()
    floats = run_stage(nodes.ToFloat(1 / 3), x)
    assert floats.dtype == np.float32
    assert (floats == x.astype(np.float32) * np.float32(1 / 3)).all()


@BOTH
def test_what_is_done_to_each_channel(dtype: Any) -> None:
    x = noise((200, 2), dtype, peak=30000)
    unit = 1 if dtype == np.int16 else 2.0**-15
    wide = x.astype(float)
    before = np.vstack([wide[:1], wide[:-1]])
    most, least = (32767, -32768) if dtype == np.int16 else (9, -9)
    want = np.clip(wide - 0.95 * before, least, most)
    assert np.abs(run_stage(nodes.Emphasis(0.95), x) - want).max() <= 1.1 * unit
    want = np.clip(wide - wide.mean(axis=0), least, most)
    assert np.abs(run_stage(nodes.Centre(), x) - want).max() <= 0.51 * unit
    share = 2.0**-4
    want = np.clip(signal.lfilter([1 - share, share - 1], [1, share - 1], wide, axis=0), least, most)
    assert np.abs(run_stage(nodes.RemoveDc(share, 4), x) - want).max() <= 0.6 * unit


@BOTH
def test_spectra_are_numpys(dtype: Any) -> None:
    x = noise((300, 2), dtype)
    plain = Spectrum(64, 60, 25, logarithm="log2", shape=("centroid", "peak"), floor=1e-7)
    mel = Spectrum(
        64, 64, 64, values="cepstrum", rate=8000, fmax=4000.0, n_mels=12, n_cepstrum=5, logarithm="log2"
    )
    for stage in (plain, replace(plain, chosen=(0, 3, 34)), mel, replace(mel, chosen=(1, 4))):
        got = run_stage(stage, x).astype(float).reshape(-1, 2, stage.n_values)
        chosen = list(stage.chosen or range(stage.n_all))
        kinds = np.array([stage.values] * (stage.n_all - len(stage.shape)) + list(stage.shape))[chosen]
        unit = np.select([kinds == "peak", kinds == "centroid", kinds == "cepstrum"], [1.0, 8.0, 64.0], 256.0)
        unit = unit if dtype == np.int16 else np.ones_like(unit)
        for frame, channel in product(range(len(got)), range(2)):
            given = x[frame * stage.hop :, channel][: stage.length] / (32768 if dtype == np.int16 else 1)
            want = spectrum(stage, given)[chosen] * unit
            assert np.abs(got[frame, channel] - want).max() < (1.6 if dtype == np.int16 else 2e-3)


@BOTH
def test_single_frequencies_are_amplitudes_of_tones(dtype: Any) -> None:
    t = np.arange(200)
    x = np.column_stack([9000 * np.sin(2 * np.pi * 0.1 * t), 500 * np.cos(2 * np.pi * 0.25 * t)])
    x = np.round(x).astype(np.int16) if dtype == np.int16 else (x / 32768).astype(np.float32)
    got = run_stage(nodes.Goertzel((0.1, 0.25)), x).astype(float) * (1 if dtype == np.int16 else 32768)
    assert got.shape == (1, 4)
    np.testing.assert_allclose(got[0], [9000, 0, 0, 500], atol=4)


def feature(name: str, x: NDArray[np.float64], argument: float) -> float:
    """By numpy and scipy; x: (frames, channels)."""
    a = x[:, 0]
    jerk, mean = np.diff(a), x.mean(axis=0)
    turns = (jerk[:-1] * jerk[1:] < 0) & (np.maximum(abs(jerk[:-1]), abs(jerk[1:])) > argument)
    found = {
        "mean": a.mean, "rms": lambda: np.sqrt((a**2).mean()), "energy": lambda: (a**2).sum(),
        "variance": a.var, "std": a.std, "skewness": lambda: stats.skew(a),
        "kurtosis": lambda: stats.kurtosis(a),
        "min": a.min, "max": a.max, "peak_to_peak": lambda: np.ptp(a), "abs_mean": abs(a).mean,
        "zero_crossings": lambda: np.count_nonzero(np.diff(a < 0)),
        "mean_crossings": lambda: np.count_nonzero(np.diff(a < a.mean())),
        "crossings": lambda: np.count_nonzero(np.diff(a < argument)), "slope_changes": turns.sum,
        "waveform_length": abs(jerk).sum, "jerk": abs(jerk).mean,
        "jerk_rms": lambda: np.sqrt((jerk**2).mean()),
        "median": lambda: np.median(a), "percentile": lambda: np.percentile(a, argument / 10),
        "iqr": lambda: np.subtract(*np.percentile(a, [75, 25])),
        "correlation": lambda: np.corrcoef(x[:, :2].T)[0, 1],
        "covariance": lambda: np.cov(x[:, :2].T, ddof=0)[0, 1],
        "magnitude_area": lambda: abs(x[:, :3]).sum(axis=1).mean(),
        "roll": lambda: np.arctan2(mean[1], mean[2]),
        "pitch": lambda: np.arctan2(-mean[0], np.hypot(mean[1], mean[2])),
    }  # fmt: skip
    return float(found[name]())


@BOTH
@pytest.mark.parametrize("name", TIME_FEATURES)
def test_time_features_are_numpys(name: str, dtype: Any) -> None:
    known = TIME_FEATURES[name]
    if dtype == np.int16 and not known.scale:
        assert not expression(name, "int16")
        assert expression(name, "float")
        return
    windows = noise((20, 77, 4), dtype) + np.array([900, -3000, 7000, 0]).astype(dtype) * dtype(
        1 if dtype == np.int16 else 2.0**-15
    )
    argument = {"level": 1500, "threshold": 9000, "per mille": 333}.get(known.argument, 0)
    value = argument / (32768 if dtype == np.float32 and known.argument != "per mille" else 1)
    for channels in ((2, 1, 0)[: known.channels], (1, 3, 2)[: known.channels]):
        branch = Branch(features=(TimeFeature(name, channels, value),))
        got = run_branch(branch, windows)[:, 0]
        assert got.dtype == (np.int32 if dtype == np.int16 else np.float32)
        want = np.array([feature(name, w[:, list(channels)].astype(float), value) for w in windows])
        if dtype == np.int16:
            scale = known.scale / np.pi if known.unit == "rad" else known.scale
            limit = 12 if known.unit == "rad" else 0.61 if known.scale > 1 else 0
            assert np.abs(got - want * scale).max() <= limit
        else:
            np.testing.assert_allclose(got, want, rtol=3e-5, atol=3e-5 * np.abs(want).max())


def test_the_table_of_features_is_whole_and_its_c_is_current() -> None:
    assert list(FEATURE_CODES) == list(TIME_FEATURES)
    for dtype, short in (("int16", "i16"), ("float", "f32")):
        assert files()[f"features_{short}.h"] == host_header(dtype)
        for name, known in TIME_FEATURES.items():
            assert bool(expression(name, dtype)) == (dtype == "float" or known.scale != 0)


def test_windows_and_their_samples() -> None:
    x = np.arange(22, dtype=np.int16).reshape(11, 2)
    windows = run_windows(4, 3, x)
    assert windows[:, 0, 0].tolist() == [0, 6, 12]
    assert (windows[1] == x[3:7]).all()
    assert run_windows(12, 3, x).shape == (0, 12, 2)
    assert (run_branch(Branch(), windows) == windows.reshape(3, 8)).all()
    assert (run_branch(Branch(chosen=(1, 6)), windows) == windows.reshape(3, 8)[:, [1, 6]]).all()


STAGES: list[Any] = [
    nodes.Length((0, 1, 2), keep=True),
    nodes.Emphasis(0.9),
    nodes.RemoveDc(0.1, 3),
    nodes.Choose((3, 0)),
    Spectrum(16, 16, 8, values="bands", edges=(0, 3, 9), logarithm="log2"),
]


@BOTH
def test_signals_are_stages_windows_and_branches(dtype: Any) -> None:
    kind = "int16" if dtype == np.int16 else "float"
    stages = (iir(dtype, settled=True), fir(dtype, 2), *STAGES)
    branches = (
        Branch(),
        Branch(stages=(nodes.Centre(),), features=(TimeFeature("std", (1,)), TimeFeature("max", (3,)))),
    )
    steps: tuple[Any, ...] = (
        nodes.ScaleEach((1.0,) * 22, (3.0,) * 22),
        nodes.Affine(tuple((float(i), 1.0, -1.0) for i in range(22)), (0.5, 0.0, 1.0)),
        nodes.Normalize("l1"),
    )
    raw = noise((400, 3), dtype)
    stream = raw
    for stage in stages:
        before = Stream(kind, stream.shape[1])
        frames = frames_after(stage, len(stream))
        stream = run_stage(stage, stream)
        assert stream.shape == (frames, stream_after(stage, before).channels)
    windows = run_windows(5, 3, stream)
    numbers = np.hstack([run_branch(branch, windows) for branch in branches])
    plain = Signals(kind, 3, 5, 3, branches, stages)
    whole = features_of(plain, raw)
    assert (whole == numbers).all()
    assert whole.dtype == (np.int32 if dtype == np.int16 else np.float32)
    assert whole.shape == (7, n_features(plain))
    stepped = replace(plain, steps=steps, chosen=(0, 2))
    got = features_of(stepped, raw)
    exact = (numbers - 1.0) / 3.0 @ np.array(steps[1].weights) + steps[1].offset
    np.testing.assert_allclose(got, normalize(exact, "l1")[:, [0, 2]], rtol=1e-4, atol=1e-6)
    assert features_of(stepped, raw[:20]).shape == (0, 2)
    # Windows that are recordings: as each by itself.
    again = replace(plain, hop=5, restart=130)
    together = features_of_windows(again, raw[:390].reshape(3, 130, 3))
    assert (together == np.vstack([features_of(again, raw[i : i + 130]) for i in (0, 130, 260)])).all()
    assert (features_of(again, raw) == together).all()
    assert (together[0] == whole[0]).all()


def test_many_windows_are_cut_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = Signals("int16", 2, 20, 3, (Branch(features=(TimeFeature("mean", (1,)),)),))
    raw = noise((1000, 2), np.int16)
    whole = features_of(signals, raw)
    monkeypatch.setattr("milliwatt.host.signals._CHUNK", 170)
    assert (features_of(signals, raw) == whole).all()


def test_vector_steps() -> None:
    x = np.float32([[1, -2, 3], [0, 0, 0], [1e-3, 1e4, -0.5]])
    for norm in ("l1", "l2", "max"):
        np.testing.assert_allclose(run_steps([nodes.Normalize(norm)], x), normalize(x, norm), rtol=1e-6)
    got = run_steps([nodes.Log1p()], x)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(got, np.log1p(x), rtol=1e-6)
    assert np.isnan(got[0, 1])


def test_what_cannot_run_is_refused() -> None:
    x = np.zeros((10, 2))
    signals = Signals("int16", 2, 5, 5, (Branch(),), restart=10)
    for made, problem in (
        (lambda: run_stage(nodes.Centre(), x), "samples of type float64"),
        (lambda: run_stage(nodes.Centre(), x[0]), r"of shape \(2,\)"),
        (lambda: run_stage_each(nodes.Centre(), x.astype(np.int16)), r"not \(recordings, frames, channels\)"),
        (lambda: features_of(signals, x), "cure: give int16 of 2 channels"),
        (
            lambda: features_of_windows(signals, np.zeros((1, 9, 2), np.int16)),
            "windows of 9 frames, not of 10",
        ),
        (lambda: run_stage(nodes.Goertzel((0.1,)), np.zeros((20000, 1), np.int16)), "answered status -2"),
    ):
        with pytest.raises(InputError, match=problem):
            made()


def test_ten_thousand_windows_take_less_than_a_second() -> None:
    names = (
        "mean",
        "std",
        "min",
        "max",
        "rms",
        "zero_crossings",
        "median",
        "iqr",
        "skewness",
        "jerk",
        "kurtosis",
    )
    branch = Branch(features=tuple(TimeFeature(name, (c,)) for name in names for c in range(3)))
    windows = noise((10000, 125, 3), np.int16)
    run_branch(branch, windows[:1])
    start = time.process_time()
    assert run_branch(branch, windows).shape == (10000, 33)
    assert time.process_time() - start < 1.0


def test_the_library_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where there is a prebuilt one that cannot be loaded, it is compiled."""
    assert kernels.library() is kernels.library()
    monkeypatch.setattr(kernels, "prebuilt", lambda: __import__("pathlib").Path(inspect.getfile(kernels)))
    assert kernels.library.__wrapped__().batch_table(3, 0)
