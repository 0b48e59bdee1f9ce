"""Each transformer beside numpy and scipy, of int16 and of floats: parameters mean what they say."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from mwtest import spectral_oracle
from numpy.typing import NDArray
from scipy import fft, signal, stats

from milliwatt import filters
from milliwatt.features import (
    MFCC,
    Centre,
    FIRFilter,
    Flatten,
    Goertzel,
    IIRFilter,
    Magnitude,
    MelSpectrogram,
    PreEmphasis,
    RemoveDC,
    SelectChannels,
    Spectrum,
    TimeFeatures,
    ToFloat,
)
from milliwatt.ir import signals as nodes
from milliwatt.signal_mel import mel_bank

RATE = 100.0
RNG = np.random.default_rng(5)
WHOLE = [np.round(RNG.normal(size=(n, 3)) * 4000 + 500).astype(np.int16) for n in (400, 333)]
FLOATS = [part / 32768 for part in WHOLE]
BOTH = pytest.mark.parametrize("parts", [WHOLE, FLOATS], ids=["int16", "float"])


def unit(parts: list[NDArray[Any]]) -> float:
    """One step of the samples' type."""
    return 1.0 if parts[0].dtype == np.int16 else 2.0**-15


def near(got: Any, want: Any, atol: float) -> None:
    for one, other in zip(got, want, strict=True):
        assert one.shape == np.shape(other)
        np.testing.assert_allclose(one.astype(float), other, rtol=2e-6, atol=atol)


@BOTH
@pytest.mark.parametrize(
    ("kind", "cutoff"), [("lowpass", 12), ("highpass", 5), ("bandpass", [5, 20]), ("bandstop", [10, 30])]
)
def test_butterworth_filters(parts: Any, kind: str, cutoff: Any) -> None:
    made = IIRFilter.butter(2, cutoff, RATE, kind)
    sos = signal.butter(2, cutoff, kind, fs=RATE, output="sos")
    assert made.rate == RATE
    want = [
        signal.sosfilt(sos, part, axis=0, zi=signal.sosfilt_zi(sos)[:, :, None] * part[0].astype(float))[0]
        for part in parts
    ]
    # Of 16 bits: what rounding adds, and what rounded coefficients change.
    found = filters.iir_q15(sos)
    off = 6 * found.noise + 20000 * 10 ** (-found.accuracy_db / 20) if parts is WHOLE else 1e-5
    near(made.fit_transform(parts), want, off)
    rest = IIRFilter(sos, start="rest").fit_transform(parts)
    near(rest, [signal.sosfilt(sos, part.astype(float), axis=0) for part in parts], off)


@BOTH
def test_other_filters(parts: Any) -> None:
    taps = signal.firwin(15, 0.4)
    want = [signal.lfilter(taps, 1, part.astype(float), axis=0)[::2] for part in parts]
    near(FIRFilter(taps, 2).fit_transform(parts), want, unit(parts))
    before = [np.vstack([part[:1], part[:-1]]).astype(float) for part in parts]
    want = [part - 0.97 * last for part, last in zip(parts, before, strict=True)]
    near(PreEmphasis().fit_transform(parts), want, 1.1 * unit(parts))
    share = 2.0**-6
    want = [signal.lfilter([1 - share, share - 1], [1, share - 1], p.astype(float), axis=0) for p in parts]
    near(RemoveDC(6).fit_transform(parts), want, unit(parts))
    windows = np.stack([part[:50] for part in parts])
    want = windows - windows.mean(axis=1, keepdims=True)
    near(Centre().fit_transform(windows), want, 0.51 * unit(parts))


@BOTH
def test_channels(parts: Any) -> None:
    near(SelectChannels([2, 0]).fit_transform(parts), [part[:, [2, 0]] for part in parts], 0)
    want = [np.linalg.norm(part.astype(float), axis=1, keepdims=True) for part in parts]
    near(Magnitude().fit_transform(parts), want, unit(parts))
    want = [np.column_stack([p, np.hypot(p[:, 2].astype(float), p[:, 1].astype(float))]) for p in parts]
    kept = Magnitude([1, 2], keep=True).fit(parts)
    near(kept.transform(parts), want, unit(parts))
    assert kept.get_feature_names_out().tolist() == ["x", "y", "z", "magnitude"]
    assert kept.get_feature_names_out(["ax", "ay", "az"]).tolist() == ["ax", "ay", "az", "magnitude"]
    assert SelectChannels([2, 0]).fit(parts).get_feature_names_out().tolist() == ["z", "x"]


def test_full_scale_becomes_1() -> None:
    got = ToFloat(1 / 32768).fit_transform(WHOLE)
    assert all((a == b).all() for a, b in zip(got, FLOATS, strict=True))


# --- spectra: the stage that each transformer stands for, and its numbers by numpy


def numbers(stage: nodes.Spectrum, part: NDArray[Any]) -> NDArray[np.float64]:
    """By numpy: (frames, values) of one channel in units of full scale."""
    starts = range(0, len(part) - stage.length + 1, stage.hop)
    return np.array([spectral_oracle.spectrum(stage, part[i : i + stage.length]) for i in starts])


def test_spectra_of_floats_are_numpys() -> None:
    sound = [part[:, 0] for part in FLOATS]
    found = Spectrum(64, length=60, hop=20, logarithm="db", centre=True, floor=1e-6).fit_transform(sound)
    for got, part in zip(found, sound, strict=True):
        frames = np.lib.stride_tricks.sliding_window_view(part, 60)[::20]
        frames = (frames - frames.mean(axis=1, keepdims=True)) * signal.get_window("hann", 60)
        want = 10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames, 64)) ** 2, 1e-6))
        np.testing.assert_allclose(got, want, atol=2e-3)
    plain = Spectrum(64, quantity="magnitude", window="boxcar").fit_transform(sound)
    frames = sound[0][: 400 // 64 * 64].reshape(-1, 64)
    np.testing.assert_allclose(plain[0], np.abs(np.fft.rfft(frames)), rtol=1e-4, atol=1e-5)


@BOTH
def test_bands_in_hertz_hold_the_bins_from_one_edge_to_below_the_next(parts: Any) -> None:
    tones = np.arange(1, 32) * RATE / 64
    made = Spectrum(64, bands=[5, 12.5, 30, 50], rate=RATE, window="boxcar", shape=["peak", "centroid"])
    for tone in tones:
        x = 0.4 * np.sin(2 * np.pi * tone * np.arange(64) / RATE)
        x = np.round(x * 32768).astype(np.int16) if parts is WHOLE else x
        *bands, peak, centroid = made.fit_transform([x])[0][0]
        inside = [5 <= tone < 12.5, 12.5 <= tone < 30, tone >= 30]
        loud = [band > (0 if parts is WHOLE else 1) for band in bands]
        assert loud == inside
        assert peak == round(tone / RATE * 64)
        assert centroid / (8 if parts is WHOLE else 1) == pytest.approx(peak, abs=0.13)
    names = made.get_feature_names_out()
    assert names.tolist() == ["band0", "band1", "band2", "peak", "centroid"]


def test_decibels_of_integers_are_those_of_floats() -> None:
    """Integers are log2 in 1/256 of power, of samples divided by 32768."""
    for made in (Spectrum(32), Spectrum(32, bands=[1, 4, 9]), MelSpectrogram(RATE, n_fft=64, n_mels=8)):
        floats = made.set_params(logarithm="log2").fit_transform(FLOATS)
        near(made.fit_transform(WHOLE), [part * 256.0 for part in floats], 1.5)
    cepstra = MFCC(RATE, 5, n_fft=64, n_mels=8, lifter=12)
    near(cepstra.fit_transform(WHOLE), [part * 64.0 for part in cepstra.fit_transform(FLOATS)], 2.5)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", "none"])
def test_mel_energies_and_cepstra(scale: str, norm: str) -> None:
    sound = [part[:, 1] for part in FLOATS]
    settings: dict[str, Any] = {
        "n_fft": 64, "length": 50, "hop": 25, "n_mels": 8, "fmin": 2, "fmax": 45,
        "scale": scale, "norm": norm,
    }  # fmt: skip
    found = MelSpectrogram(RATE, logarithm="ln", **settings).fit_transform(sound)
    weights = np.array(mel_bank(RATE, 64, 8, fmin=2, fmax=45, scale=scale, norm=norm).weights())
    cepstra = MFCC(RATE, 5, logarithm="ln", cepstrum_norm="none", **settings).fit_transform(sound)
    for got, coefficients, part in zip(found, cepstra, sound, strict=True):
        frames = np.lib.stride_tricks.sliding_window_view(part, 50)[::25] * signal.get_window("hann", 50)
        want = np.log(np.maximum(np.abs(np.fft.rfft(frames, 64)) ** 2 @ weights.T, 1e-10))
        np.testing.assert_allclose(got, want, atol=2e-3)
        np.testing.assert_allclose(coefficients, fft.dct(want)[:, :5], atol=2e-2)


def test_defaults_of_frames() -> None:
    def framed(made: Any) -> nodes.Spectrum:
        stage = made.fit(FLOATS).to_stage("float", 3)
        assert isinstance(stage, nodes.Spectrum)
        return stage

    stage = framed(Spectrum(64))
    assert (stage.length, stage.hop, stage.logarithm, stage.window) == (64, 64, "none", "hann")
    stage = framed(MelSpectrogram(RATE, n_fft=64, length=50, n_mels=6))
    assert (stage.hop, stage.logarithm, stage.fmax, stage.quantity) == (25, "log2", 50.0, "power")
    alone = Spectrum(64, shape=["rolloff"], rolloff=0.5, values=False).fit(FLOATS)
    assert alone.transform(FLOATS)[0].shape == (6, 3)
    assert alone.get_feature_names_out().tolist() == ["rolloff_x", "rolloff_y", "rolloff_z"]
    power = np.abs(np.fft.rfft(FLOATS[0][:64, 0] * signal.get_window("hann", 64))) ** 2
    want = np.argmax(power.cumsum() >= 0.5 * power.sum())
    assert alone.transform(FLOATS)[0][0, 0] == want
    assert framed(alone).n_values == 1


@BOTH
def test_tones(parts: Any) -> None:
    t = np.arange(200) / RATE
    x = np.stack([0.25 * np.sin(2 * np.pi * 10 * t), 0.125 * np.cos(2 * np.pi * 25 * t)], axis=1)[np.newaxis]
    x = np.round(x * 32768).astype(np.int16) if parts is WHOLE else x
    made = Goertzel([10, 25], RATE).fit(x)
    got = made.transform(x)[0, 0] * (2.0**-15 if parts is WHOLE else 1.0)
    np.testing.assert_allclose(got, [0.25, 0, 0, 0.125], atol=1e-4)
    assert made.get_feature_names_out().tolist() == ["10hz_x", "25hz_x", "10hz_y", "25hz_y"]


# --- features of windows


@BOTH
def test_time_features_in_their_order(parts: Any) -> None:
    windows = np.stack([part[i : i + 60] for part in parts for i in (0, 120, 240)])
    per = 1.0 if parts is WHOLE else 2.0**-15
    level, threshold = 900 * per, 3000 * per
    made = TimeFeatures(
        [
            "std",
            ("percentile", 90),
            ("crossings", level),
            ("slope_changes", threshold),
            "correlation",
            "pitch",
        ]
    ).fit(windows)
    got = made.transform(windows)
    wide = windows.astype(float)
    steps = np.diff(wide, axis=1)
    bends = (steps[:, :-1] * steps[:, 1:] < 0) & (
        np.maximum(abs(steps[:, :-1]), abs(steps[:, 1:])) > threshold
    )
    mean = wide.mean(axis=1)
    want = np.column_stack(
        [
            wide.std(axis=1),
            np.percentile(wide, 90, axis=1),
            np.count_nonzero(np.diff(wide < level, axis=1), axis=1),
            bends.sum(axis=1),
            [
                [np.corrcoef(w[:, a], w[:, b])[0, 1] for a, b in itertools.combinations(range(3), 2)]
                for w in wide
            ],
            np.arctan2(-mean[:, 0], np.hypot(mean[:, 1], mean[:, 2])),
        ]
    )
    scale = np.repeat([256, 256, 1, 1, 32768, 32768 / np.pi], [3, 3, 3, 3, 3, 1])
    if parts is WHOLE:
        assert got.dtype == np.int32
        # An angle of means of 16 bits: 1 / their length.
        assert (np.abs(got - want * scale)[:, :15] <= 0.61).all()
        assert np.abs(got - want * scale)[:, 15].max() <= 30
    else:
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    names = made.get_feature_names_out().tolist()
    assert names[3:7] == ["percentile90_x", "percentile90_y", "percentile90_z", f"crossings{level:g}_x"]
    assert names[12:] == ["correlation_x_y", "correlation_x_z", "correlation_y_z", "pitch_x_y_z"]
    some = TimeFeatures(["skewness", "covariance"], channels=[2, 0])
    if parts is WHOLE:
        some.set_params(features=["skewness"])
    found = some.fit(windows)
    assert found.get_feature_names_out().tolist()[:2] == ["skewness_z", "skewness_x"]
    want = stats.skew(wide, axis=1)[:, [2, 0]]
    np.testing.assert_allclose(
        found.transform(windows)[:, :2] / (256 if parts is WHOLE else 1), want, atol=3e-3
    )


@BOTH
def test_samples_as_they_are(parts: Any) -> None:
    windows = np.stack([part[:4, :2] for part in parts])
    made = Flatten().fit(windows)
    near([made.transform(windows)], [windows.reshape(2, 8)], 0)
    assert made.get_feature_names_out().tolist() == ["x_0", "y_0", "x_1", "y_1", "x_2", "y_2", "x_3", "y_3"]
    one = Flatten().fit(windows[:, :1])
    assert one.get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]
