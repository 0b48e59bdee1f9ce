"""Signals made up for tests: every kind of stage and step, and trees behind them."""

from __future__ import annotations

from milliwatt import filters, ir
from milliwatt.ir import signals as nodes
from milliwatt.ir.model import Tree
from milliwatt.ir.signal_shapes import feature_type, n_features
from milliwatt.ir.signals import FLOAT, INT16, Branch, Signals, TimeFeature

# scipy.signal.butter(2, 0.2, output="sos"): b0 b1 b2 a0 a1 a2
LOWPASS = (
    0.0674552738890719,
    0.1349105477781438,
    0.0674552738890719,
    1.0,
    -1.1429805025399011,
    0.4128015980961887,
)
TAPS = (0.25, 0.5, 0.25)


def iir(dtype: str, *, settled: bool = True) -> nodes.Iir:
    """A low-pass."""
    sections = ((*LOWPASS[:3], *LOWPASS[4:]),)
    if dtype == FLOAT:
        return nodes.Iir(sections, settled)
    found = filters.iir_q15([LOWPASS])
    return nodes.Iir(sections, settled, tuple(s.row for s in found.sections), found.out_shift)


def fir(dtype: str, decimation: int = 1) -> nodes.Fir:
    """Three taps."""
    if dtype == FLOAT:
        return nodes.Fir(TAPS, decimation)
    found = filters.fir_q15(TAPS, decimation)
    return nodes.Fir(TAPS, decimation, found.taps, found.shift)


def spectrum(dtype: str, **changes: object) -> nodes.Spectrum:
    """Frames of 16 samples."""
    logarithm = nodes.LOG2 if dtype == INT16 else nodes.LINEAR
    return nodes.Spectrum(**{"n_fft": 16, "length": 16, "hop": 8, "logarithm": logarithm, **changes})  # type: ignore[arg-type]


def motion(dtype: str = INT16, **changes: object) -> Signals:
    """Three axes, filtered, and features of windows of them."""
    features = (
        TimeFeature("mean", (0,)), TimeFeature("std", (2,)), TimeFeature("percentile", (1,), 900.0),
        TimeFeature("correlation", (0, 2)), TimeFeature("max", (3,)),
    )  # fmt: skip
    usual = {
        "dtype": dtype,
        "channels": 3,
        "length": 20,
        "hop": 10,
        "stages": (iir(dtype), nodes.Length((0, 1, 2), keep=True)),
        "branches": (Branch((), features),),
        "rate": 50.0,
        "channel_names": ("ax", "ay", "az"),
    }
    return Signals(**{**usual, **changes})  # type: ignore[arg-type]


def sound(dtype: str = INT16, **changes: object) -> Signals:
    """One channel, mel energies of frames, a window of such frames."""
    mel = spectrum(
        dtype, n_fft=64, length=48, hop=32, values=nodes.MEL, rate=8000.0, n_mels=6, fmin=100.0, fmax=4000.0,
        logarithm=nodes.LOG2, window="hamming",
    )  # fmt: skip
    usual = {
        "dtype": dtype,
        "channels": 1,
        "length": 4,
        "hop": 2,
        "stages": (nodes.Emphasis(0.95), mel),
        "branches": (Branch(), Branch((), (TimeFeature("mean", (1,)), TimeFeature("max", (5,))))),
        "rate": 8000.0,
    }
    return Signals(**{**usual, **changes})  # type: ignore[arg-type]


def trees(signals: Signals, reads: tuple[int, ...] = (), cuts: tuple[float, ...] = ()) -> ir.TreeEnsemble:
    """A forest of stumps, one for each of the features that it reads (all of them), behind signals."""
    reads = reads or tuple(range(n_features(signals)))
    cuts = cuts or (0.0,) * len(reads)
    kind = float if feature_type(signals) == FLOAT else int
    stumps = tuple(
        Tree(0, (feature,), (kind(cut),), (~0,), (~1,)) for feature, cut in zip(reads, cuts, strict=True)
    )
    return ir.TreeEnsemble(
        task="classifier",
        n_features=n_features(signals),
        trees=stumps,
        leaves=((1.0, 0.0), (0.0, 1.0)),
        classes=("low", "high"),
        dtype=feature_type(signals),
        name="gesture",
        signals=signals,
    )
