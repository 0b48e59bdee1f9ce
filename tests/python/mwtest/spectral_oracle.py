"""Spectra by numpy and scipy in float64, as the IR's ``Spectrum`` says."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from milliwatt.ir.signals import Spectrum
from milliwatt.signal_cepstrum import cepstrum
from milliwatt.signal_mel import mel_bank


def bins(stage: Spectrum, frame: NDArray[Any]) -> NDArray[np.float64]:
    """Magnitudes of all bins."""
    x = frame.astype(np.float64)
    x = (x - x.mean() if stage.centre else x) * signal.get_window(stage.window, stage.length)
    return np.abs(np.fft.rfft(x, stage.n_fft))


def energies(stage: Spectrum, magnitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """What ``values`` makes of bins, before the logarithm."""
    quantity = magnitudes**2 if stage.quantity == "power" else magnitudes
    if stage.values == "bins":
        return quantity
    if stage.values == "bands":
        return np.array([quantity[a:b].sum() for a, b in pairwise(stage.edges)])
    if stage.values == "none":
        return np.zeros(0)
    bank = mel_bank(
        stage.rate, stage.n_fft, stage.n_mels, fmin=stage.fmin, fmax=stage.fmax or None,
        scale=stage.mel_scale, norm=stage.mel_norm,
    )  # fmt: skip
    return np.array(bank.weights()) @ quantity


def logarithm(stage: Spectrum, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if stage.logarithm == "none":
        return x
    x = np.log2(np.maximum(x, stage.floor))
    decibels = (10 if stage.quantity == "power" else 20) * np.log10(2)
    return x * {"ln": np.log(2), "db": decibels, "log2": 1.0}[stage.logarithm]


def shapes(stage: Spectrum, magnitudes: NDArray[np.float64]) -> list[float]:
    quantity = magnitudes**2 if stage.quantity == "power" else magnitudes
    total = quantity.sum()
    found = {
        "peak": float(quantity.argmax()),
        "centroid": float((quantity * np.arange(quantity.size)).sum() / total) if total else 0.0,
        "rolloff": float(np.argmax(quantity.cumsum() >= stage.rolloff * total * (1 - 1e-12))),
    }
    return [found[name] for name in stage.shape]


def spectrum(stage: Spectrum, frame: NDArray[Any]) -> NDArray[np.float64]:
    """All values of one frame, whatever ``chosen`` says."""
    return spectrum_within(stage, frame, 0.0, 0.0)[0]


def spectrum_within(
    stage: Spectrum, frame: NDArray[Any], share: float, step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same, and how far off each value may be.

    Args:
        share: how far off magnitudes of bins may be, of the largest one.
        step: how far off logarithms may be besides; energies without, relatively.
    """
    magnitudes = bins(stage, frame)
    off = share * magnitudes.max()
    values = logarithm(stage, energies(stage, magnitudes))
    below = logarithm(stage, energies(stage, np.maximum(magnitudes - off, 0)))
    above = logarithm(stage, energies(stage, magnitudes + off))
    allowed = np.maximum(values - below, above - values)
    allowed += step * (values if stage.logarithm == "none" else 1.0)
    if stage.values == "cepstrum":
        rows = np.array(cepstrum(stage.n_mels, stage.n_cepstrum, lifter=stage.lifter).rows)
        values = fft.dct(values, norm="ortho")[: stage.n_cepstrum]
        if stage.lifter:
            k = np.arange(1, stage.n_cepstrum + 1)
            values = values * (1 + stage.lifter / 2 * np.sin(np.pi * k / stage.lifter))
        allowed = np.abs(rows) @ allowed
    more = shapes(stage, magnitudes)
    return np.concatenate([values, more]), np.concatenate([allowed, np.zeros(len(more))])
