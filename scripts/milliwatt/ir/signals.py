"""What stands between raw samples and a model's features: stages, a sliding window, features of windows.

A *frame* is one sample of each channel; a *stream* is frames in the order of time, of one type
(:data:`INT16` or :data:`FLOAT`). A stage makes a stream of a stream. The stream of the last stage is cut
into windows; each branch makes numbers of a window, and the branches' numbers side by side, after the
vector steps, are the model's features.

Numbers of 16 bits stay integers: every stage on them is one of the library's fixed-point kernels, so that
features have the same bits on every CPU. Stages of floats compute in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

INT16, FLOAT, INT32 = "int16", "float", "int32"
STREAM_TYPES = (INT16, FLOAT)

POWER, MAGNITUDE = QUANTITIES = ("power", "magnitude")
BINS, BANDS, MEL, CEPSTRUM, NOTHING = VALUES = ("bins", "bands", "mel", "cepstrum", "none")
LINEAR, LN, DB, LOG2 = LOGARITHMS = ("none", "ln", "db", "log2")
PEAK, CENTROID, ROLLOFF = SPECTRAL_SHAPES = ("peak", "centroid", "rolloff")
# mw_window_kind in the order of <milliwatt/windows.h>, under scipy's names.
WINDOWS = ("boxcar", "hann", "hamming", "blackman", "blackmanharris", "flattop")
L1, L2, MAX = NORMS = ("l1", "l2", "max")


@dataclass(frozen=True, slots=True)
class Iir:
    """A cascade of second-order sections, on each channel alike: `<milliwatt/iir.h>`.

    Attributes:
        sections: rows b0, b1, b2, a1, a2, as designed.
        settled: begins as if all samples before had been the first one; else as if they had been 0.
        integers: INT16: ``SectionQ15.row`` of each section (b0, b1, b2, d1, d2, k1, k2, b_shift, d_shift,
            bias, gain, cut) as ``milliwatt.filters`` made them of ``sections``.
        out_shift: INT16: of ``mw_iir_q15``.
    """

    sections: tuple[tuple[float, ...], ...]
    settled: bool = True
    integers: tuple[tuple[int, ...], ...] = ()
    out_shift: int = 0


@dataclass(frozen=True, slots=True)
class Fir:
    """A filter with a finite impulse response, on each channel alike, at rest in the beginning.

    Gives frames 0, M, 2 M, … with a decimation of M: `<milliwatt/fir.h>`.

    Attributes:
        taps: as designed, in the order of scipy.
        decimation: M, at least 1.
        integers: INT16: the taps of ``mw_fir_q15`` in the same order, in 2^-shift.
        shift: INT16: of ``mw_fir_q15``.
    """

    taps: tuple[float, ...]
    decimation: int = 1
    integers: tuple[int, ...] = ()
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Length:
    """The length of the vector of two or three channels (``mw_length_f32``, ``mw_length_q15``).

    INT16: lengths above 32767 are 32767.

    Attributes:
        channels: which.
        keep: it follows the channels that there are, as one more; else it stands alone.
    """

    channels: tuple[int, ...]
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """Some of the channels, in this order."""

    channels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ToFloat:
    """INT16 to FLOAT: ``x * scale`` in float32."""

    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Emphasis:
    """``x - factor * (the sample before)``, on each channel alike; before the first stands it itself.

    Attributes:
        factor: of INT16 in 1/32768, rounded.
    """

    factor: float = 0.97


@dataclass(frozen=True, slots=True)
class RemoveDc:
    """Takes a running mean away: ``mw_remove_dc_f32`` with ``share``, ``mw_remove_dc_q15`` with ``shift``.

    The mean begins at 0.

    Attributes:
        share: of FLOAT, between 0 and 1.
        shift: of INT16, where the share is 2^-shift; 1 to 14.
    """

    share: float = 0.0
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Centre:
    """Takes the mean of the window from each of its samples, on each channel: in branches only."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Spectra of frames one after the other: a stream of ``values`` a channel, every ``hop`` frames.

    The first comes with frame ``length``; samples times window, zeros up to ``n_fft``, transform, power or
    magnitude of the bins, then what ``values`` says, then ``logarithm``. `<milliwatt/spectral.h>` has the
    arithmetic. Values of several channels stand one channel after the other, ``shape`` after the others.

    ============ =====================================================================================
    ``bins``     ``n_fft / 2 + 1`` bins
    ``bands``    sums of bins ``edges[b]`` to ``edges[b + 1] - 1``
    ``mel``      ``n_mels`` triangles
    ``cepstrum`` the first ``n_cepstrum`` coefficients of the cosine transform of ``mel``, whose
                 ``logarithm`` is then not LINEAR
    ``none``     ``shape`` alone
    ============ =====================================================================================

    FLOAT gives floats. INT16 gives 16 bits, saturated: log2 in 1/256 of bins, bands and mel (of samples with
    full scale 1, as if divided by 32768), cepstra in 1/64 of such; ``logarithm`` is LOG2 there, ``quantity``
    is POWER. Its ``shape``: bins, the centroid's in 1/8.

    Attributes:
        n_fft: power of two, 8 to 4096.
        length: samples of a frame, at most ``n_fft``.
        hop: samples from one frame to the next, at least 1.
        window: one of :data:`WINDOWS`, periodic, of ``length``.
        quantity: one of :data:`QUANTITIES`.
        values: one of :data:`VALUES`.
        logarithm: one of :data:`LOGARITHMS`, of what is at least ``floor``; DB is 10 log10 of powers, and
            20 log10 of magnitudes.
        floor: more than 0 where there is a logarithm; of INT16 its log2 is rounded to 1/256.
        shape: some of :data:`SPECTRAL_SHAPES`, of the quantity, as indices of bins.
        rolloff: the share that ROLLOFF asks for.
        edges: of ``bands``.
        rate, n_mels, fmin, fmax, mel_scale, mel_norm: of ``mel``: ``signal_mel.mel_bank``; there are at
            most as many as bins.
        n_cepstrum, cepstrum_norm, lifter: of ``cepstrum``: ``signal_cepstrum.cepstrum``.
        centre: the mean of each frame is taken off before the window.
        chosen: which of a channel's values there are, ascending (``shape`` counts on); empty: all.
    """

    n_fft: int
    length: int
    hop: int
    window: str = "hann"
    quantity: str = POWER
    values: str = BINS
    logarithm: str = LINEAR
    floor: float = 1e-10
    shape: tuple[str, ...] = ()
    rolloff: float = 0.85
    edges: tuple[int, ...] = ()
    rate: float = 0.0
    n_mels: int = 0
    fmin: float = 0.0
    fmax: float = 0.0
    mel_scale: str = "slaney"
    mel_norm: str = "slaney"
    n_cepstrum: int = 0
    cepstrum_norm: str = "ortho"
    lifter: float = 0.0
    centre: bool = False
    chosen: tuple[int, ...] = ()

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1

    @property
    def n_all(self) -> int:
        """Values a channel before any are left out."""
        counts = {
            BINS: self.n_bins,
            BANDS: len(self.edges) - 1,
            MEL: self.n_mels,
            CEPSTRUM: self.n_cepstrum,
            NOTHING: 0,
        }
        return counts[self.values] + len(self.shape)

    @property
    def n_values(self) -> int:
        """Values a channel."""
        return len(self.chosen) or self.n_all


@dataclass(frozen=True, slots=True)
class Goertzel:
    """The root of the power at some frequencies, of blocks one after the other: in branches only.

    One block is the window. FLOAT, amplitude of a tone: ``2 / n * sqrt(power)``; INT16 in samples' units,
    rounded down.

    Attributes:
        frequencies: in cycles a sample, 0 to 0.5.
    """

    frequencies: tuple[float, ...]


Stage: TypeAlias = Iir | Fir | Length | Choose | ToFloat | Emphasis | RemoveDc | Centre | Spectrum | Goertzel


@dataclass(frozen=True, slots=True)
class TimeFeature:
    """A number out of a window's samples: one of ``time_features.TIME_FEATURES``.

    Attributes:
        name: which.
        channels: of the stream, one or as many as the feature compares.
        argument: of percentiles in per mille; of crossings the level; of slope changes the threshold.
    """

    name: str
    channels: tuple[int, ...]
    argument: float = 0.0


@dataclass(frozen=True, slots=True)
class Branch:
    """Numbers out of a window.

    Attributes:
        stages: what is done to the window first, from a fresh start each time.
        features: of its samples; empty: the samples themselves, frame by frame.
        chosen: which of the samples there are, ascending; empty: all. Not with ``features``.
    """

    stages: tuple[Stage, ...] = ()
    features: tuple[TimeFeature, ...] = ()
    chosen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Affine:
    """``x @ weights + offset`` in float32; ``weights`` by rows, one an input."""

    weights: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScaleEach:
    """``(x - centre) / scale`` of each feature in float32: what scalers do."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Normalize:
    """``x`` divided by its norm, one of :data:`NORMS`; zeros stay."""

    norm: str = L2


@dataclass(frozen=True, slots=True)
class Log1p:
    """``ln(1 + x)`` of each feature; of what is below -1 it is NaN."""


VectorStep: TypeAlias = Affine | ScaleEach | Normalize | Log1p


@dataclass(frozen=True, slots=True)
class Signals:
    """All of it, from raw samples to features.

    Attributes:
        dtype: of raw samples, one of :data:`STREAM_TYPES`.
        channels: of a raw frame.
        length: frames of the last stage in a window.
        hop: from one window to the next.
        branches: at least one; their numbers, one branch after the other, are what ``steps`` take.
        stages: in the order of the stream.
        restart: raw frames after which everything begins anew, as each window was a recording of its own when
            the model was trained; the window is then complete once in them, and ``hop`` is ``length``. 0:
            stages run on.
        steps: on all numbers together, which are floats then.
        rate: of raw frames in hertz; 0: not known.
        channel_names: one a channel, identifiers of C; or empty.
        chosen: which of the numbers after ``steps`` are features, ascending; empty: all.
    """

    dtype: str
    channels: int
    length: int
    hop: int
    branches: tuple[Branch, ...]
    stages: tuple[Stage, ...] = ()
    restart: int = 0
    steps: tuple[VectorStep, ...] = ()
    rate: float = 0.0
    channel_names: tuple[str, ...] = ()
    chosen: tuple[int, ...] = ()
