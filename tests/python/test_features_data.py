"""What transformers take: a list is recordings, an array holds windows; types, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from milliwatt.errors import InputError, MilliwattError
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
    SlidingWindow,
    Spectrum,
    TimeFeatures,
    ToFloat,
    window_groups,
    window_labels,
    window_spans,
)

SOS = [[0.2, 0.4, 0.2, 1.0, -0.3, 0.1]]
# Of any stream; what they do to each recording or window does not depend on others.
STAGES: list[Callable[[], Any]] = [
    lambda: IIRFilter(SOS),
    lambda: IIRFilter(SOS, start="rest"),
    lambda: FIRFilter([0.25, 0.5, 0.25], 3),
    lambda: PreEmphasis(0.9),
    lambda: RemoveDC(3),
    lambda: SelectChannels([0]),
    lambda: Spectrum(16, length=10, hop=5, shape=["peak"]),
    lambda: MelSpectrogram(100, n_fft=32, length=20, n_mels=5),
    lambda: MFCC(100, 3, n_fft=32, length=20, n_mels=5),
]


def recording(frames: int, channels: int = 2, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-20000, 20000, (frames, channels)).astype(np.int16)


@pytest.mark.parametrize("make", STAGES)
@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(20, 60), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_recordings_are_each_for_itself(
    make: Callable[[], Any], lengths: list[int], floats: bool, flat: bool
) -> None:
    parts: list[NDArray[Any]] = [recording(n, 1 if flat else 2, n) for n in lengths]
    parts = [part / 32768.0 for part in parts] if floats else parts
    parts = [part[:, 0] for part in parts] if flat else parts
    stage = make().fit(parts)
    together = stage.transform(parts)
    assert isinstance(together, list)
    for part, made in zip(parts, together, strict=True):
        (alone,) = stage.transform([part])
        np.testing.assert_array_equal(made, alone)
        assert made.dtype == (np.float32 if floats else np.int16)
        # A window is a recording of its own.
        window = make().fit(part[np.newaxis]).transform(part[np.newaxis])
        np.testing.assert_array_equal(window[0], alone)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.integers(1, 12),
    st.one_of(st.none(), st.integers(1, 15)),
)
def test_windows_are_cut_out_of_each_recording(lengths: list[int], length: int, hop: int | None) -> None:
    parts = [recording(n, 2, n) for n in lengths]
    cut = SlidingWindow(length, hop)
    found = cut.fit_transform(parts)
    step = hop or length
    want = [part[i : i + length] for part in parts for i in range(0, len(part) - length + 1, step)]
    assert found.shape == (len(want), length, 2)
    assert all((a == b).all() for a, b in zip(found, want, strict=True))
    spans = window_spans([cut], parts)
    assert [parts[i][a:b].tolist() for i, a, b in spans] == found.tolist()
    assert (window_groups([cut], parts) == spans[:, 0]).all()


def test_one_channel_needs_no_axis() -> None:
    sound = [recording(50, 1)[:, 0], recording(60, 1, 1)[:, 0]]
    filtered = IIRFilter(SOS).fit_transform(sound)
    assert [part.shape for part in filtered] == [(50,), (60,)]
    windows = SlidingWindow(20).fit_transform(filtered)
    assert windows.shape == (5, 20)
    assert Spectrum(16).fit_transform(windows).shape == (5, 1, 9)
    assert Flatten().fit_transform(windows).tolist() == windows.tolist()
    deep = SlidingWindow(20).fit_transform([part[:, np.newaxis] for part in sound])
    assert deep.shape == (5, 20, 1)
    names = TimeFeatures(["mean", "max"]).fit(windows).get_feature_names_out()
    assert names.tolist() == ["mean_x", "max_x"]


def test_types_follow_the_data() -> None:
    whole = [recording(50)]
    floats = [part.astype(np.float64) for part in whole]
    windows = SlidingWindow(25)
    assert windows.fit_transform(whole).dtype == np.int16
    assert windows.fit_transform(floats).dtype == np.float32
    stage = Magnitude().fit(whole)
    assert (stage.dtype_, stage.n_channels_, stage.n_frames_) == ("int16", 2, None)
    stage = Magnitude().fit(np.stack(floats))
    assert (stage.dtype_, stage.n_channels_, stage.n_frames_) == ("float", 2, 50)
    made = make_pipeline(ToFloat(1 / 32768), Magnitude(), SlidingWindow(25), TimeFeatures()).fit_transform(
        whole
    )
    assert made.dtype == np.float64
    assert (made == made.astype(np.float32)).all()


class _Ragged:
    """What numpy cannot make an array of."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return np.array([[1, 2], [3]], dtype=dtype)


WINDOWS = np.stack([recording(30, 3, seed) for seed in range(4)])
RECORDINGS = list(WINDOWS)
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "integers": (
        lambda: Magnitude().fit([recording(9).astype(np.int32)]),
        r"^Magnitude: recording 0 is given int32\n  cure: give int16, .* x.astype\(np.int16\) where",
    ),
    "text": (lambda: TimeFeatures().fit(np.array([["a"]])), "TimeFeatures is given <U1"),
    "too large": (lambda: Magnitude().fit([np.full((3, 2), 1e300)]), "too large for float32\n  cure: scale"),
    "one dimension": (
        lambda: TimeFeatures().fit(np.zeros(5, np.int16)),
        r"array of shape \(5,\) .*\n  cure: give a list of",
    ),
    "ragged": (lambda: TimeFeatures().fit(np.array([[1], 2], object)), "type object"),
    "lists of unequal length": (
        lambda: Magnitude().fit([[[1.0, 2.0], [3.0]]]),
        "recording 0 holds objects, or rows of unequal length\n  cure: give arrays of numbers",
    ),
    "windows of unequal length": (
        lambda: TimeFeatures().fit(_Ragged()),
        "array of shape .* and type object",
    ),
    "objects": (
        lambda: Magnitude().fit([recording(9), recording(9).astype(object)]),
        r"recording 1 holds objects.*\n  cure: .*x.astype\(np.int16\)",
    ),
    "recording of three dimensions": (
        lambda: Magnitude().fit([WINDOWS]),
        r"recording 0 has the shape \(4, 30, 3\)\n  cure: give a list",
    ),
    "none": (lambda: Magnitude().fit([]), "an empty list\n  cure: give at least one"),
    "no channel": (lambda: Magnitude().fit(np.zeros((3, 5, 0))), r"windows of shape \(5, 0\)"),
    "channels differ": (
        lambda: Magnitude().fit([recording(5, 2), recording(5, 3)]),
        "of 2 and 3 channels\n  cure: give the same",
    ),
    "types differ": (
        lambda: Magnitude().fit([recording(5), recording(5) / 2]),
        "recordings of int16 and of floats",
    ),
    "windows to cut": (
        lambda: SlidingWindow(5).fit(WINDOWS),
        r"windows already\n  cure: .* \[X\] of a single one, list\(X\)",
    ),
    "names before a fit": (
        lambda: TimeFeatures().get_feature_names_out(),
        "this TimeFeatures is not fitted\n  cure: call fit",
    ),
    "features of recordings": (
        lambda: TimeFeatures().fit(RECORDINGS),
        "takes windows, and is given a list.*\n  cure: put SlidingWindow",
    ),
    "centre of recordings": (lambda: Centre().fit(RECORDINGS), "Centre: it needs a whole window"),
    "frames longer than windows": (
        lambda: Spectrum(64).fit(WINDOWS),
        r"^Spectrum\(length=...\): a window of 30 frames is shorter than 64",
    ),
    "not fitted": (
        lambda: Magnitude().transform(RECORDINGS),
        "this Magnitude is not fitted\n  cure: call fit",
    ),
    "not fitted for a stage": (lambda: Magnitude().to_stage("int16", 3), "this Magnitude is not fitted"),
    "another type": (
        lambda: Magnitude().fit(RECORDINGS).transform([r / 2 for r in RECORDINGS]),
        "is given samples of the type float, and was fitted on int16\n  cure: fit it again",
    ),
    "other channels": (
        lambda: IIRFilter(SOS).fit(RECORDINGS).transform([recording(9, 2)]),
        "given channels: 2, .* fitted on 3",
    ),
    "other windows": (
        lambda: TimeFeatures().fit(WINDOWS).transform(WINDOWS[:, :20]),
        "frames in a window: 20, .* fitted on 30",
    ),
    "recordings for windows": (
        lambda: Magnitude().fit(WINDOWS).transform(RECORDINGS),
        "frames in a window: recordings, .* fitted on 30",
    ),
    "another stream": (
        lambda: Magnitude().fit(RECORDINGS).to_stage("float", 3),
        "3 channels of int16, and stands behind 3 of float",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_data_is_refused_with_the_cure(name: str) -> None:
    made, problem = REFUSED[name]
    with pytest.raises(MilliwattError, match=problem):
        made()


def test_wrong_data_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="int64"):
        Magnitude().fit([recording(9).astype(np.int64)])


NAMED: dict[str, tuple[Any, Any, str]] = {
    "sos none": (IIRFilter(None), RECORDINGS, r"IIRFilter\(sos=...\): None is not possible"),
    "sos short": (IIRFilter([[1, 2, 3]]), RECORDINGS, "sos, section 0: 3 coefficients"),
    "start": (
        IIRFilter(SOS, "now"),
        RECORDINGS,
        r"start=...\): 'now' is not possible\n  cure: .* settled, rest",
    ),
    "rate of a filter": (
        IIRFilter(SOS, rate=-50),
        RECORDINGS,
        r"IIRFilter\(rate=...\): -50 is not possible\n  cure: give the sample rate in hertz",
    ),
    "rate of windows": (SlidingWindow(9, rate="50 Hz"), RECORDINGS, r"SlidingWindow\(rate=...\): '50 Hz' is"),
    "no rate at all": (SlidingWindow(9, rate=float("nan")), RECORDINGS, r"rate=...\): nan is not possible"),
    "taps": (FIRFilter(["a"]), RECORDINGS, r"FIRFilter\(taps=...\)"),
    "decimation": (FIRFilter([1.0], 2.5), RECORDINGS, r"decimation=...\): 2.5 is not possible"),
    "factor": (PreEmphasis(1.5), RECORDINGS, r"PreEmphasis\(factor=...\): not from 0 to less than 1"),
    "shift": (RemoveDC(20), RECORDINGS, r"RemoveDC\(shift=...\): 20 .*\n  cure: give 1 to 14"),
    "channels": (
        SelectChannels([4]),
        RECORDINGS,
        r"SelectChannels\(channels=...\): not some of channels 0 to 2",
    ),
    "channel": (SelectChannels(0), RECORDINGS, r"channels=...\): 0 is not possible\n  cure: give a list"),
    "lengths of one": (Magnitude([1]), RECORDINGS, r"Magnitude\(channels=...\): .* two or three"),
    "floats again": (ToFloat(), [r / 2 for r in RECORDINGS], "ToFloat: the samples are floats already"),
    "scale": (ToFloat(0), RECORDINGS, r"ToFloat\(scale=...\): 0, or too large"),
    "n_fft": (Spectrum(100), RECORDINGS, r"Spectrum\(n_fft=...\): not a power of two"),
    "n_fft none": (
        Spectrum(None),
        RECORDINGS,
        r"n_fft=...\): None is not possible\n  cure: give a whole number",
    ),
    "hop": (Spectrum(16, hop=0), RECORDINGS, r"Spectrum\(hop=...\)"),
    "window": (Spectrum(16, window="kaiser"), RECORDINGS, r"window=...\): 'kaiser' is none of boxcar"),
    "decibels of integers": (Spectrum(16, logarithm="db"), RECORDINGS, r"logarithm=...\): .*\n.*ToFloat\(\)"),
    "bands empty": (Spectrum(16, bands=[2, 2, 4]), RECORDINGS, r"bands=...\): band 0 holds no bin"),
    "bands one": (Spectrum(16, bands=[2]), RECORDINGS, r"bands=...\): one edge makes no band"),
    "bands of halves": (
        Spectrum(16, bands=[2, 2.5]),
        RECORDINGS,
        r"bands=...\): .*\n.*give rate= for edges in hertz",
    ),
    "bands high": (
        Spectrum(16, bands=[1, 30], rate=50),
        RECORDINGS,
        r"bands=...\): edges outside 0 to 25 Hz",
    ),
    "shape": (Spectrum(16, shape=["slope"]), RECORDINGS, r"Spectrum\(shape=...\): not some of peak"),
    "mels": (
        MelSpectrogram(50, n_fft=16, n_mels=10),
        RECORDINGS,
        r"MelSpectrogram\(n_mels=...\): 10; 1 to 9",
    ),
    "mels that see nothing": (
        MelSpectrogram(1000, n_fft=32, n_mels=17, fmax=90),
        RECORDINGS,
        r"n_mels=...\): mel filter \d+ .* sees no bin",
    ),
    "fmax": (MelSpectrogram(50, n_fft=16, n_mels=2, fmax=30), RECORDINGS, r"MelSpectrogram\(fmax=...\)"),
    "coefficients": (MFCC(50, 9, n_fft=16, n_mels=4), RECORDINGS, r"MFCC\(n_mfcc=...\): 9; 1 to 4"),
    "tones": (Goertzel([30], 50), WINDOWS, r"Goertzel\(frequencies=...\): not from 0 to 0.5"),
    "rate": (Goertzel([30], 0), WINDOWS, r"Goertzel\(rate=...\): 0 is not possible"),
    "length": (SlidingWindow(0), RECORDINGS, r"SlidingWindow\(length=...\): 0 .*\n  cure: give 1 to 65535"),
    "feature": (
        TimeFeatures(["meen"]),
        WINDOWS,
        r"features=...\): there is no feature 'meen'\n  cure: choose from mean",
    ),
    "one feature": (TimeFeatures("mean"), WINDOWS, r"features=...\): 'mean' .*\n  cure: give a list"),
    "no feature": (TimeFeatures([]), WINDOWS, r"features=...\): no feature at all"),
    "energy": (TimeFeatures(["energy"]), WINDOWS, r"no energy of samples of 16 bits; take rms"),
    "percentile": (TimeFeatures([("percentile", 101)]), WINDOWS, "percentile takes whole per mille"),
    "no percentile": (
        TimeFeatures(["percentile"]),
        WINDOWS,
        r"'percentile' is .*\n.*\('percentile', number\)",
    ),
    "odd pair": (TimeFeatures([("crossings", "a")]), WINDOWS, r"\('crossings', 'a'\) is not possible"),
    "too few axes": (TimeFeatures(["roll"], [0, 1]), WINDOWS, "roll takes 3 channels, and there are 2"),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_no_parameter_is_refused_by_name(name: str) -> None:
    transformer, data, problem = NAMED[name]
    with pytest.raises(MilliwattError, match=problem):
        transformer.fit(data)


@pytest.mark.parametrize(
    "arguments", [(2, 30.0, 50.0), (2, 5.0, 50.0, "lowest"), (2, [5.0], 50.0, "bandpass")]
)
def test_filters_that_cannot_be_designed_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(MilliwattError, match=r"^IIRFilter.butter\(2, .*\n  cure: give a cutoff between"):
        IIRFilter.butter(*arguments)


# --- labels of windows


def test_windows_have_the_label_of_their_recording() -> None:
    parts = [recording(n, 2, n) for n in (30, 5, 21)]
    front = make_pipeline(IIRFilter(SOS), SlidingWindow(10, 5)).fit(parts)
    labels = window_labels(front, parts, ["a", "b", "c"])
    assert labels.tolist() == ["a"] * 5 + ["c"] * 3
    assert len(front.transform(parts)) == len(labels)
    assert window_groups(front, parts).tolist() == [0] * 5 + [2] * 3


def test_windows_behind_stages_that_change_the_rate() -> None:
    """A label a frame: that of most of the raw frames that the window was made of."""
    parts = [recording(n, 1, n)[:, 0] for n in (200, 37, 311)]
    marks = [np.arange(len(part)) // 40 for part in parts]
    steps = [FIRFilter([1.0], 3), Spectrum(16, length=12, hop=4), SlidingWindow(3, 2)]
    data: Any = parts
    for step in steps:
        data = step.fit(data).transform(data)
    spans = window_spans(steps, parts)
    assert len(spans) == len(data)
    want = []
    for index, begin, end in spans:
        # A window is 3 frames of 12 samples, every 4: 20 of them, of which the last is sample 19.
        assert end - begin == 3 * (12 + 2 * 4 - 1) + 1
        alone = SlidingWindow(3).fit_transform(
            steps[1].transform(steps[0].transform([parts[index][begin:end]]))
        )
        assert (alone[0] == data[len(want)]).all()
        values, counts = np.unique(marks[index][begin:end], return_counts=True)
        want.append(values[counts.argmax()])
    assert (window_labels(steps, parts, marks) == want).all()


def test_labels_that_do_not_fit_are_refused() -> None:
    parts = [recording(30)]
    steps = [SlidingWindow(10).fit(parts)]
    with pytest.raises(InputError, match="2 labels for 1 recordings"):
        window_labels(steps, parts, [1, 2])
    with pytest.raises(InputError, match=r"30 frames, and labels of shape \(29,\)"):
        window_labels(steps, parts, [np.zeros(29)])
    with pytest.raises(MilliwattError, match="last step is no fitted SlidingWindow"):
        window_labels([SlidingWindow(10)], parts, [1])


def test_frames_without_a_label() -> None:
    """NaN is a label like others; what cannot be compared is refused."""
    steps = [SlidingWindow(4).fit([recording(12)])]
    nothing = np.nan
    marks = [nothing, 1, nothing, 2, 1, 1, nothing, 2, 2, nothing, 2, 2]
    found = window_labels(steps, [recording(12)], [np.array(marks)])
    np.testing.assert_array_equal(found, [nothing, 1, 2])
    with pytest.raises(InputError, match="recording 0 has labels of types that cannot be compared\n  cure: "):
        window_labels(steps, [recording(12)], [["walk", None] * 6])


def test_steps_that_do_nothing_are_passed_over() -> None:
    parts = [recording(30), recording(9)]
    front = make_pipeline("passthrough", IIRFilter(SOS), SlidingWindow(10, 5)).fit(parts)
    assert window_labels(front, parts, ["a", "b"]).tolist() == ["a"] * 5
    front.set_params(iirfilter="passthrough")
    assert window_groups([front], parts).tolist() == [0] * 5
    other = make_pipeline(FunctionTransformer(), SlidingWindow(10)).fit(parts)
    with pytest.raises(MilliwattError, match="a FunctionTransformer may change which frames there are"):
        window_spans(other, parts)
