"""Transformers for scikit-learn's pipelines that compute with the C kernels of the firmware.

A list is recordings, each (frames,) or (frames, channels); an array holds windows in its rows, (windows,
frames) or (windows, frames, channels). int16 is computed with in fixed point, floats in float32. A pipeline
that begins with them is converted from raw samples on: docs/pipelines.md, docs/features.md.
"""

from milliwatt.features.channels import Magnitude, SelectChannels, ToFloat
from milliwatt.features.filters import Centre, FIRFilter, IIRFilter, PreEmphasis, RemoveDC
from milliwatt.features.spectra import MFCC, Goertzel, MelSpectrogram, Spectrum
from milliwatt.features.times import Flatten, TimeFeatures
from milliwatt.features.windows import SlidingWindow, window_groups, window_labels, window_spans

__all__ = [
    "MFCC",
    "Centre",
    "FIRFilter",
    "Flatten",
    "Goertzel",
    "IIRFilter",
    "Magnitude",
    "MelSpectrogram",
    "PreEmphasis",
    "RemoveDC",
    "SelectChannels",
    "SlidingWindow",
    "Spectrum",
    "TimeFeatures",
    "ToFloat",
    "window_groups",
    "window_labels",
    "window_spans",
]
