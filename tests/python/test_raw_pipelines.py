"""Pipelines from raw samples to the label: the emitted C answers what the pipeline does, window by window."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import skops.io
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt import features
from milliwatt.errors import InputError, MilliwattError, UnsupportedModelError
from milliwatt.export import export_file
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
)
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.raw_pipelines import check_width
from milliwatt.frontends.skops_audit import _OURS
from milliwatt.ir import Network
from milliwatt.ir import signals as nodes
from milliwatt.ir.network import MaxPool, Reshape
from milliwatt.ir.signal_shapes import raw_frames
from milliwatt.options import ModelOptions

RNG = np.random.default_rng(6)
RATE = 50.0
# scipy.signal.butter(2, 5.0, output="sos", fs=50.0)
LOWPASS = [
    [0.0674552738890719, 0.1349105477781438, 0.0674552738890719, 1.0, -1.1429805025399011, 0.4128015980961887]
]
KINDS = [i % 3 for i in range(6)]


def _recording(kind: int, frames: int = 420, channels: int = 3) -> Any:
    """Axes that swing faster with each kind; int16."""
    times = np.arange(frames) / RATE
    tones = [7000 * np.sin(2 * np.pi * (1 + 2 * kind) * times + c) + 400 * c for c in range(channels)]
    return (np.stack(tones, axis=1) + RNG.normal(0, 300 * (1 + kind), (frames, channels))).astype(np.int16)


MOTION = [_recording(kind) for kind in KINDS]
FLOATS = [(recording / np.float32(8192)).astype(np.float32) for recording in MOTION]
SOUND = [_recording(kind, 3000, 1)[:, 0] for kind in KINDS]
WINDOWS = np.stack([recording[k : k + 60] for recording in MOTION for k in range(0, 300, 60)])
OF_WINDOWS = np.repeat(KINDS, 5)


def _front(*more: Any, length: int = 60, hop: int = 25) -> list[Any]:
    return [*more, SlidingWindow(length, hop)]


def _features() -> TimeFeatures:
    return TimeFeatures(["mean", "std", "peak_to_peak", "correlation", ("percentile", 90)])


def _forest() -> RandomForestClassifier:
    return RandomForestClassifier(4, max_depth=4, random_state=1)


def _network() -> MLPClassifier:
    return MLPClassifier((6,), max_iter=60, random_state=1, tol=1.0)


def _labels(front: list[Any], recordings: list[Any]) -> Any:
    return window_labels(make_pipeline(*front).fit(recordings), recordings, KINDS)


def _bands() -> Pipeline:
    return make_pipeline(
        SelectChannels([1]),
        Centre(),
        Spectrum(32, length=30, hop=30, bands=[1, 3, 8, 20], rate=RATE),
        Flatten(),
    )


def _union() -> FeatureUnion:
    return FeatureUnion(
        [
            ("axes", _features()),
            ("length", make_pipeline(Magnitude(), TimeFeatures(["rms", "mean_crossings"]))),
            ("bands", _bands()),
            ("none", "drop"),
        ]
    )


RECORDED: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "integers": (_front(IIRFilter(LOWPASS)), [_features(), _forest()], MOTION),
    "floats": (_front(IIRFilter(LOWPASS, "rest")), [_features(), _forest()], FLOATS),
    "scaled": (_front(Magnitude(keep=True)), [_features(), StandardScaler(), _forest()], FLOATS),
    "selected": (_front(), [_features(), MinMaxScaler(), SelectKBest(k=2), _forest()], MOTION),
    "pca before trees": (_front(), [_features(), StandardScaler(), PCA(3), _forest()], MOTION),
    "norms before trees": (_front(), [_features(), Normalizer("max"), _forest()], FLOATS),
    "logarithms before a network": (
        _front(), [TimeFeatures(["std"]), FunctionTransformer(np.log1p), StandardScaler(), _network()],
        FLOATS,
    ),
    "network": (_front(RemoveDC(6)), [_features(), StandardScaler(), _network()], MOTION),
    "union": (_front(IIRFilter(LOWPASS)), [_union(), _forest()], MOTION),
    "union of floats": (_front(IIRFilter(LOWPASS)), [_union(), _forest()], FLOATS),
    "tones": (_front(), [make_pipeline(Goertzel([1, 3, 5], RATE), Flatten()), _forest()], MOTION),
    "decimated": (_front(FIRFilter([0.25, 0.5, 0.25], 2), length=30), [_features(), _forest()], MOTION),
    "mel": (
        _front(PreEmphasis(), MelSpectrogram(8000, n_fft=128, n_mels=12, hop=64), length=8, hop=4),
        [TimeFeatures(["mean", "std"]), _forest()], SOUND,
    ),
    "cepstra of floats": (
        _front(ToFloat(1 / 32768), MFCC(8000, 6, n_fft=128, n_mels=12), length=8, hop=4),
        [TimeFeatures(["mean", "std"]), _forest()], SOUND,
    ),
    "gaps between windows": (_front(length=40, hop=70), [_features(), _forest()], MOTION),
    "nested": ([Pipeline([("a", Pipeline([("b", IIRFilter(LOWPASS))])), ("w", SlidingWindow(60))])],
               [Pipeline([("f", _features()), ("p", "passthrough"), ("m", _forest())])], MOTION),
    "missing values": (_front(), [_features(), HistGradientBoostingClassifier(max_iter=3)], MOTION),
    "committee": (
        _front(),
        [_features(), VotingClassifier([("a", _forest()), ("b", DecisionTreeClassifier())], voting="soft")],
        MOTION,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("front", "back", "recordings"), RECORDED.values(), ids=RECORDED)
def test_every_window_is_answered_as_by_the_pipeline(
    front: list[Any], back: list[Any], recordings: list[Any], tmp_path: Path
) -> None:
    pipeline = make_pipeline(*front, *back).fit(recordings, _labels(front, recordings))
    model = milliwatt.convert(pipeline, name="gesture", calibration=recordings)
    assert model.ir.signals is not None
    expected = pipeline.predict(recordings)
    assert (model.predict(recordings) == expected).all()
    assert model.ir.calibration is not None
    assert model.ir.calibration.agreement.fraction == 1.0
    _check_features(model, pipeline, recordings)
    model.save(tmp_path / "gesture.mw.json")
    assert milliwatt.load(tmp_path / "gesture.mw.json").ir == model.ir


def _flat(pipeline: Any) -> list[Any]:
    """The steps, those of pipelines among them instead of these."""
    found = [_flat(step) if isinstance(step, Pipeline) else [step] for _, step in pipeline.steps]
    return [step for steps in found for step in steps if step != "passthrough"]


def _named(steps: list[Any]) -> Any:
    names = None
    for step in steps:
        names = step.get_feature_names_out(names)
    return names


def _check_features(model: milliwatt.Model, pipeline: Pipeline, samples: Any) -> None:
    """Those that the model reads, by name: the same bits of integers, else within 1e-5."""
    found = model.features(samples)
    names = list(model.ir.feature_names)
    if not names or model.ir.signals is None or model.ir.signals.steps:
        return
    flat = _flat(pipeline)
    for count in range(1, len(flat)):
        made = list(_named(flat[:count]))
        of_samples = hasattr(flat[count - 1], "to_stage") or isinstance(flat[count - 1], SlidingWindow)
        if set(names) <= set(made) and not of_samples:
            break
    for step in flat[:count]:
        samples = step.transform(samples)
    wanted = samples[:, [made.index(name) for name in names]]
    if found.dtype.kind == "i":
        assert (found == wanted).all()
    else:
        assert (np.abs(found - wanted) <= 1e-5 * np.abs(wanted).max(axis=0)).all()


def test_windows_that_were_cut_before() -> None:
    """Each was a recording of its own in training, and so it is on the device."""
    pipeline = make_pipeline(IIRFilter(LOWPASS), _features(), _forest()).fit(WINDOWS, OF_WINDOWS)
    model = milliwatt.convert(pipeline, name="gesture")
    assert model.ir.signals is not None
    assert model.ir.signals.restart == 60
    assert (model.predict(WINDOWS) == pipeline.predict(WINDOWS)).all()
    _check_features(model, pipeline, WINDOWS)
    with pytest.raises(InputError, match=r"windows of shape .*takes \(windows, 60, 3\)"):
        model.predict(WINDOWS[:, :50])


def test_windows_of_one_channel_may_be_rows() -> None:
    rows = WINDOWS[:, :, 0]
    pipeline = make_pipeline(_features().set_params(features=["mean", "std"]), _forest()).fit(
        rows, OF_WINDOWS
    )
    model = milliwatt.convert(pipeline)
    assert (model.predict(rows) == pipeline.predict(rows)).all()


def test_frames_that_no_spectrum_needs_are_passed_over() -> None:
    """60 frames hold three spectra of 32, 10 apart; the last 8 belong to none."""
    pipeline = make_pipeline(
        SelectChannels([0]), Spectrum(32, hop=10), TimeFeatures(["mean", "max"]), _forest()
    ).fit(WINDOWS, OF_WINDOWS)
    model = milliwatt.convert(pipeline)
    assert model.ir.signals is not None
    assert raw_frames(model.ir.signals) == (52, 60)
    assert (model.predict(WINDOWS) == pipeline.predict(WINDOWS)).all()


def test_regressors_and_outlier_detectors() -> None:
    front = _front()
    target = _labels(front, MOTION) * 10.0
    pipeline = make_pipeline(*front, _features(), GradientBoostingRegressor(n_estimators=5)).fit(
        MOTION, target
    )
    model = milliwatt.convert(pipeline)
    np.testing.assert_allclose(model.predict(MOTION), pipeline.predict(MOTION), rtol=1e-6)
    detector = make_pipeline(*front, _features(), IsolationForest(n_estimators=5, random_state=1)).fit(MOTION)
    assert (milliwatt.convert(detector).predict(MOTION) == detector.predict(MOTION)).all()


@pytest.mark.parametrize("quantize", ["int8", "int16"])
def test_quantised_networks_take_spectra_as_they_are(quantize: str) -> None:
    front = _front(MelSpectrogram(8000, n_fft=128, n_mels=12, hop=64), length=8, hop=4)
    pipeline = make_pipeline(*front, Flatten(), _network()).fit(SOUND, _labels(front, SOUND))
    model = milliwatt.convert(pipeline, quantize=quantize, calibration=SOUND)
    assert model.ir.dtype == "int16"
    same = model.predict(SOUND) == pipeline.predict(SOUND)
    assert same.mean() >= 0.98
    assert (model.features(SOUND) == pipeline[:-1].transform(SOUND)).all()


def test_only_what_is_read_is_computed() -> None:
    """A tree of one split: one feature of one channel, filtered alone."""
    front = _front(IIRFilter(LOWPASS))
    pipeline = make_pipeline(*front, _features(), DecisionTreeClassifier(max_depth=1, random_state=3))
    pipeline.fit(MOTION, _labels(front, MOTION))
    model = milliwatt.convert(pipeline)
    assert model.ir.signals is not None
    assert model.ir.n_features == 1
    stages, (branch,) = model.ir.signals.stages, model.ir.signals.branches
    assert len(branch.features) == 1
    assert isinstance(stages[0], nodes.Choose)
    assert isinstance(stages[1], nodes.Iir)
    assert model.ir.signals.channels == 3  # which the sensor has all the same
    assert (model.predict(MOTION) == pipeline.predict(MOTION)).all()


def test_bands_that_are_not_read_are_not_computed() -> None:
    front = _front()
    pipeline = make_pipeline(*front, _bands(), DecisionTreeClassifier(max_depth=1, random_state=1))
    model = milliwatt.convert(pipeline.fit(MOTION, _labels(front, MOTION)))
    assert model.ir.signals is not None
    spectrum = model.ir.signals.branches[0].stages[-1]
    assert isinstance(spectrum, nodes.Spectrum)
    # Two spectra a window share their bands, so that the choice is of numbers; of one it would be of bands.
    assert len(spectrum.chosen) == 1 or len(model.ir.signals.branches[0].chosen) == 1
    assert (model.predict(MOTION) == pipeline.predict(MOTION)).all()


def test_mel_bands_of_a_stream_that_are_not_read_take_no_memory() -> None:
    front = _front(MelSpectrogram(8000, n_fft=128, n_mels=12, hop=64), length=8, hop=4)
    pipeline = make_pipeline(
        *front, TimeFeatures(["mean"]), DecisionTreeClassifier(max_depth=1, random_state=1)
    )
    model = milliwatt.convert(pipeline.fit(SOUND, _labels(front, SOUND)))
    assert model.ir.signals is not None
    (spectrum,) = model.ir.signals.stages
    assert isinstance(spectrum, nodes.Spectrum)
    assert len(spectrum.chosen) == 1
    assert (model.predict(SOUND) == pipeline.predict(SOUND)).all()


def test_a_model_that_reads_nothing() -> None:
    front = _front()
    pipeline = make_pipeline(*front, _features(), DecisionTreeClassifier())
    model = milliwatt.convert(pipeline.fit(MOTION, np.zeros(len(_labels(front, MOTION)), dtype=int)))
    assert model.ir.n_features == 1
    assert (model.predict(MOTION) == 0).all()


def test_cross_validation_by_recording() -> None:
    front = make_pipeline(*_front(IIRFilter(LOWPASS))).fit(MOTION)
    scores = cross_val_score(
        make_pipeline(_features(), _forest()), front.transform(MOTION), window_labels(front, MOTION, KINDS),
        groups=window_groups(front, MOTION), cv=GroupKFold(2),
    )  # fmt: skip
    assert scores.min() > 0.8


def test_pipelines_load_from_skops_files(tmp_path: Path) -> None:
    """Which run no code, so that firmware builds need not be told to trust them."""
    front = _front(IIRFilter(LOWPASS), RemoveDC(5))
    pipeline = make_pipeline(*front, _union(), _forest()).fit(MOTION, _labels(front, MOTION))
    skops.io.dump(pipeline, tmp_path / "gesture.skops")
    loaded = load_estimator(tmp_path / "gesture.skops", trust_pickle=False)
    assert milliwatt.convert(loaded).ir == milliwatt.convert(pipeline).ir
    model = export_file(
        tmp_path / "gesture.skops", name="gesture", options=ModelOptions(), trust_pickle=False
    )
    assert (model.predict(MOTION) == pipeline.predict(MOTION)).all()


def test_every_transformer_is_one_that_skops_files_may_hold() -> None:
    """The classes, and the stages that they learn."""
    classes = [
        getattr(features, name) for name in features.__all__ if isinstance(getattr(features, name), type)
    ]
    known = {f"{cls.__module__}.{cls.__qualname__}" for cls in classes}
    stages = {f"milliwatt.ir.signals.{cls.__name__}" for cls in get_args(nodes.Stage)}
    assert known | stages | {"milliwatt.ir.signals.Branch", "milliwatt.ir.signals.TimeFeature"} == set(_OURS)


@pytest.mark.parametrize("value", [("x",), {"a": object()}, (1.5,), ((1, 2, 3),)])
def test_what_a_file_makes_up_is_refused(value: Any) -> None:
    front = _front(SelectChannels([0, 1]))
    pipeline = make_pipeline(*front, TimeFeatures(["mean"]), _forest()).fit(MOTION, _labels(front, MOTION))
    pipeline[0].stage_ = nodes.Choose(value)
    with pytest.raises(MilliwattError, match=r"channels|learnt"):
        milliwatt.convert(pipeline)


# -- what is refused ------------------------------------------------------------------------------


def _fitted(*steps: Any, samples: Any = MOTION, y: Any = None) -> Pipeline:
    pipeline = make_pipeline(*steps)
    if y is None:
        before = next(i for i, step in enumerate(steps) if isinstance(step, SlidingWindow)) + 1
        y = _labels(list(steps[:before]), samples)
    return pipeline.fit(samples, y)


REFUSED: dict[str, tuple[Callable[[], Pipeline], str]] = {
    "step in between": (
        lambda: _fitted(*_front(), FunctionTransformer(np.abs), _features(), _forest()),
        r"step 'functiontransformer' \(FunctionTransformer\) before steps on samples",
    ),
    "step behind features": (
        lambda: _fitted(*_front(), _features(), PolynomialFeatures(2), _forest()),
        "'polynomialfeatures' .PolynomialFeatures. is not supported",
    ),
    "no power of what is not linear": (
        lambda: _fitted(*_front(), _features(), FunctionTransformer(np.tanh), Normalizer(), _forest()),
        "can neither become part of the model nor be computed on the device",
    ),
    "ends with a transformer": (
        lambda: _fitted(*_front(), _features()), "ends with a transformer",
    ),
    "rates that contradict each other": (
        lambda: _fitted(
            *_front(FIRFilter([1.0], 2, rate=16000), MelSpectrogram(16000, n_fft=128, n_mels=12), length=4),
            TimeFeatures(["mean"]), _forest(), samples=SOUND,
        ),
        r"'melspectrogram' .* is for 16000 Hz, and gets 8000 Hz",
    ),
    "windows of another rate": (
        lambda: _fitted(
            IIRFilter(LOWPASS, rate=100.0), SlidingWindow(60, 25, rate=50.0), _features(), _forest()
        ),
        r"'slidingwindow' .* is for 50 Hz, and gets 100 Hz",
    ),
    "weights of a union": (
        lambda: _fitted(
            *_front(), FeatureUnion([("a", _features())], transformer_weights={"a": 2.0}), _forest()
        ),
        "has transformer_weights",
    ),
    "union without features": (
        lambda: _fitted(FeatureUnion([("a", Centre())]), _forest(), samples=WINDOWS[:, :, 0], y=OF_WINDOWS),
        r"step 'featureunion' .*: 'a' \(Centre\) makes no features",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("pipeline", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_converted_is_refused_by_name(pipeline: Callable[[], Pipeline], problem: str) -> None:
    with pytest.raises(UnsupportedModelError, match=problem) as caught:
        milliwatt.convert(pipeline())
    assert caught.value.cure


def _pooling(*shape: int) -> Network:
    """A network for images of that shape."""
    pool = MaxPool((0,), (1, 1, shape[2]), (shape[0], shape[1]), (1, 1))
    return Network("regressor", math.prod(shape), (pool, Reshape((1,), (shape[2],))), input_shape=shape)


def test_networks_for_other_windows_are_refused() -> None:
    """8 frames of 5 numbers, as an image, or as a signal of 5 channels."""
    signals = nodes.Signals("int16", 5, 8, 8, (nodes.Branch(),))
    for fits in ((8, 5, 1), (1, 8, 5)):
        check_width(signals, _pooling(*fits), ("net", "a network"))
    for other in ((5, 8, 1), (1, 5, 8), (4, 10, 1)):
        with pytest.raises(UnsupportedModelError, match="a window is 8 frames of 5 numbers"):
            check_width(signals, _pooling(*other), ("net", "a network"))
    with pytest.raises(UnsupportedModelError, match="takes 45 features, and the steps before it make 40"):
        check_width(signals, _pooling(9, 5, 1), ("net", "a network"))


def test_options_that_do_not_fit() -> None:
    pipeline = _fitted(*_front(), _features(), _forest(), samples=FLOATS)
    with pytest.raises(MilliwattError, match=r"dtype: .*type float, not int16"):
        milliwatt.convert(pipeline, dtype="int16")
    with pytest.raises(MilliwattError, match="calibrated with recordings"):
        milliwatt.convert(pipeline, calibration="features.csv")
    assert milliwatt.convert(_fitted(*_front(), _features(), _forest()), dtype="float").ir.dtype == "float"


def test_samples_that_do_not_fit() -> None:
    model = milliwatt.convert(_fitted(*_front(), _features(), _forest()))
    with pytest.raises(InputError, match="takes recordings, a list"):
        model.predict(MOTION[0])
    with pytest.raises(InputError, match=r"recording 1 has the shape \(420, 2\)"):
        model.predict([MOTION[0], MOTION[1][:, :2]])
    with pytest.raises(InputError, match="holds float32, and this model takes int16"):
        model.predict(FLOATS)
    assert len(model.predict([MOTION[0][:30]])) == 0
    with pytest.raises(MilliwattError, match="takes features, not raw samples"):
        milliwatt.convert(_forest().fit(np.eye(4), range(4))).features(MOTION)


def test_not_fitted() -> None:
    with pytest.raises(MilliwattError, match="not fitted"):
        milliwatt.convert(make_pipeline(*_front(), _features(), _forest()))
