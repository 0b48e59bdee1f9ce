"""Tables and designs of audio features: mel filters, transforms, weightings, against numpy and scipy."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.audio_oracle import mel_filters
from scipy import fft, signal

from milliwatt.errors import MilliwattError
from milliwatt.signal_cepstrum import cepstrum
from milliwatt.signal_mel import hz_to_mel, mel_bank, mel_to_hz
from milliwatt.signal_weighting import (
    FAST_S,
    KINDS,
    response_db,
    time_share,
    weighting_db,
    weighting_sos,
)

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000)
CASES = [(kind, rate) for kind in KINDS for rate in RATES]

# IEC 61672-1:2013, table 3: nominal frequency, A, C, and limits of class 1 (above, below) and class 2.
# Checked against the table of the edition of 2002 (as GOST 17187-2010 prints it), whose limits are wider by
# the uncertainties of measurement that the edition of 2013 no longer counts in: 0.4 dB around 1 kHz, 0.5
# below 250 Hz, 0.6 from 1.6 kHz, 1.0 from 12.5 kHz.
_NONE = math.inf
WEIGHTINGS = [
    (10, -70.4, -14.3, 3.0, _NONE, 5.0, _NONE),
    (12.5, -63.4, -11.2, 2.5, _NONE, 5.0, _NONE),
    (16, -56.7, -8.5, 2.0, 4.0, 5.0, _NONE),
    (20, -50.5, -6.2, 2.0, 2.0, 3.0, 3.0),
    (25, -44.7, -4.4, 2.0, 1.5, 3.0, 3.0),
    (31.5, -39.4, -3.0, 1.5, 1.5, 3.0, 3.0),
    (40, -34.6, -2.0, 1.0, 1.0, 2.0, 2.0),
    (50, -30.2, -1.3, 1.0, 1.0, 2.0, 2.0),
    (63, -26.2, -0.8, 1.0, 1.0, 2.0, 2.0),
    (80, -22.5, -0.5, 1.0, 1.0, 2.0, 2.0),
    (100, -19.1, -0.3, 1.0, 1.0, 1.5, 1.5),
    (125, -16.1, -0.2, 1.0, 1.0, 1.5, 1.5),
    (160, -13.4, -0.1, 1.0, 1.0, 1.5, 1.5),
    (200, -10.9, 0.0, 1.0, 1.0, 1.5, 1.5),
    (250, -8.6, 0.0, 1.0, 1.0, 1.5, 1.5),
    (315, -6.6, 0.0, 1.0, 1.0, 1.5, 1.5),
    (400, -4.8, 0.0, 1.0, 1.0, 1.5, 1.5),
    (500, -3.2, 0.0, 1.0, 1.0, 1.5, 1.5),
    (630, -1.9, 0.0, 1.0, 1.0, 1.5, 1.5),
    (800, -0.8, 0.0, 1.0, 1.0, 1.5, 1.5),
    (1000, 0.0, 0.0, 0.7, 0.7, 1.0, 1.0),
    (1250, 0.6, 0.0, 1.0, 1.0, 1.5, 1.5),
    (1600, 1.0, -0.1, 1.0, 1.0, 2.0, 2.0),
    (2000, 1.2, -0.2, 1.0, 1.0, 2.0, 2.0),
    (2500, 1.3, -0.3, 1.0, 1.0, 2.5, 2.5),
    (3150, 1.2, -0.5, 1.0, 1.0, 2.5, 2.5),
    (4000, 1.0, -0.8, 1.0, 1.0, 3.0, 3.0),
    (5000, 0.5, -1.3, 1.5, 1.5, 3.5, 3.5),
    (6300, -0.1, -2.0, 1.5, 2.0, 4.5, 4.5),
    (8000, -1.1, -3.0, 1.5, 2.5, 5.0, 5.0),
    (10000, -2.5, -4.4, 2.0, 3.0, 5.0, _NONE),
    (12500, -4.3, -6.2, 2.0, 5.0, 5.0, _NONE),
    (16000, -6.6, -8.5, 2.5, 16.0, 5.0, _NONE),
    (20000, -9.3, -11.2, 3.0, _NONE, 5.0, _NONE),
]


def _exact(index: int) -> float:
    """The frequency that a nominal one stands for: thirds of an octave to base ten, from 10 Hz on."""
    return 10.0 ** (1 + index / 10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_design_goal_is_the_standards_table(kind: str) -> None:
    for index, (_, a, c, *_) in enumerate(WEIGHTINGS):
        assert weighting_db(kind, _exact(index)) == pytest.approx(a if kind == "a" else c, abs=0.051)


def _classes(kind: str, rate: int, method: str) -> list[tuple[float, bool, bool]]:
    """For frequencies below half the rate: nominal, whether class 1 is met, and class 2."""
    sections = weighting_sos(kind, rate, method)
    found = []
    for index, (nominal, a, c, above1, below1, above2, below2) in enumerate(WEIGHTINGS):
        if _exact(index) < rate / 2:
            off = response_db(sections, rate, _exact(index)) - (a if kind == "a" else c)
            found.append((nominal, -below1 <= off <= above1, -below2 <= off <= above2))
    return found


@pytest.mark.parametrize(("kind", "rate"), CASES)
def test_matched_filters_are_of_class_1_up_to_half_the_rate(kind: str, rate: int) -> None:
    assert all(first and second for _, first, second in _classes(kind, rate, "matched"))
    sections = weighting_sos(kind, rate)
    for hz in np.geomspace(10, 0.4999 * rate, 300):
        off = abs(response_db(sections, rate, hz) - weighting_db(kind, hz))
        assert off <= (0.3 if hz < 0.45 * rate else 1.0)


def test_bilinear_filters_lose_high_frequencies() -> None:
    rows = _classes("a", 48000, "bilinear")
    assert [nominal for nominal, first, _ in rows if not first] == []
    sections = weighting_sos("a", 48000, "bilinear")
    assert response_db(sections, 48000, 8000) - weighting_db("a", 8000) == pytest.approx(-0.5, abs=0.1)
    assert response_db(sections, 48000, 16000) - weighting_db("a", 16000) == pytest.approx(-6.4, abs=0.1)
    slow = _classes("a", 16000, "bilinear")
    assert [nominal for nominal, first, _ in slow if not first] == [6300, 8000]


@pytest.mark.parametrize(("kind", "rate"), CASES)
def test_weighting_sections_are_stable_and_what_scipy_reads(kind: str, rate: int) -> None:
    for method in ("matched", "bilinear"):
        sections = np.array(weighting_sos(kind, rate, method))
        assert sections.shape == (3 if kind == "a" else 2, 6)
        poles = np.concatenate([np.roots(row[3:]) for row in sections])
        zeros = np.concatenate([np.roots(row[:3]) for row in sections])
        assert np.abs(poles).max() < 1
        assert np.abs(zeros).max() <= 1 + 1e-6
        _, response = signal.sosfreqz(sections, [1000], fs=rate)
        assert abs(response[0]) == pytest.approx(1, abs=1e-9)
        low = 20.0
        got = 20 * np.log10(abs(signal.sosfreqz(sections, [low], fs=rate)[1][0]))
        assert got == pytest.approx(response_db(weighting_sos(kind, rate, method), rate, low), abs=1e-6)


def test_weightings_that_cannot_be() -> None:
    for arguments in (("b", 48000), ("a", 3999), ("a", math.nan), ("a", 48000, "magic")):
        with pytest.raises(MilliwattError):
            weighting_sos(*arguments)


def test_the_share_of_a_block() -> None:
    one = time_share(16000, FAST_S)
    assert time_share(16000, FAST_S, 160) == pytest.approx(1 - (1 - one) ** 160, rel=1e-9)
    assert time_share(16000, FAST_S, 2000) == pytest.approx(1 - math.exp(-1), rel=1e-9)


@given(
    st.sampled_from((8000, 16000, 22050, 44100)),
    st.sampled_from((256, 512, 1024, 2048)),
    st.integers(1, 64),
    st.floats(0, 2000),
    st.floats(0.1, 1),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_mel_filters_are_those_of_the_papers(
    rate: int, n_fft: int, n_mels: int, fmin: float, part: float, htk: bool, area: bool
) -> None:
    fmax = fmin + (rate / 2 - fmin) * part
    want = mel_filters(rate, n_fft, n_mels, fmin, fmax, htk=htk, area=area)
    scale, norm = "htk" if htk else "slaney", "slaney" if area else "none"
    bank = None
    with contextlib.suppress(MilliwattError):
        bank = mel_bank(rate, n_fft, n_mels, fmin=fmin, fmax=fmax, scale=scale, norm=norm)
    if bank is None:  # a filter sees no bin
        assert want.max(axis=1).min() <= 1e-4 * want.max()
        return
    got = np.array(bank.weights())
    assert got == pytest.approx(want, abs=1e-5 * want.max())
    assert sum(bank.bins) + bank.first <= bank.length
    assert len(bank.rises) == sum(bank.bins)


def test_known_places_on_the_mel_scales() -> None:
    # Slaney's filters begin at 133.33 Hz, 66.67 Hz apart; HTK's 1000 Hz is 1000 mel.
    assert hz_to_mel(1000) == pytest.approx(15)
    assert hz_to_mel(400 / 3) == pytest.approx(2)
    assert mel_to_hz(15 + 27) == pytest.approx(6400)
    assert hz_to_mel(1000, "htk") == pytest.approx(1000, abs=0.02)
    for hz in (0.0, 50.0, 999.0, 1001.0, 7000.0):
        for scale in ("slaney", "htk"):
            assert mel_to_hz(hz_to_mel(hz, scale), scale) == pytest.approx(hz)


@pytest.mark.parametrize(
    ("changed", "option"),
    [
        ({"n_mels": 300}, "n_mels"),
        ({"n_mels": 0}, "n_mels"),
        ({"n_fft": 511}, "n_fft"),
        ({"fmax": 8001.0}, "fmax"),
        ({"fmin": 8000.0}, "fmin"),
        ({"scale": "bark"}, "scale"),
        ({"norm": "peak"}, "norm"),
        ({"sample_rate": -1.0}, "sample_rate"),
    ],
)
def test_mel_banks_that_cannot_be(changed: dict[str, object], option: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        mel_bank(**({"sample_rate": 16000, "n_fft": 512, "n_mels": 40} | changed))  # type: ignore[arg-type]
    assert caught.value.option == option


@pytest.mark.parametrize("n_in", [1, 2, 13, 26, 40])
def test_transforms_are_scipys(n_in: int) -> None:
    x = np.random.default_rng(n_in).normal(size=n_in)
    for norm, scipys in (("ortho", "ortho"), ("none", None)):
        got = np.array(cepstrum(n_in, n_in, norm=norm).rows) @ x
        assert got == pytest.approx(fft.dct(x, norm=scipys), abs=1e-12)
    k, j = np.arange(n_in)[:, None], np.arange(1, n_in + 1)
    book = math.sqrt(2 / n_in) * np.cos(np.pi * k / n_in * (j - 0.5))  # HTK book, 5.14
    assert np.array(cepstrum(n_in, n_in, norm="htk").rows) == pytest.approx(book, abs=1e-12)


def test_liftering_is_librosas_and_htks() -> None:
    plain = np.array(cepstrum(26, 13).rows)
    n = np.arange(13)
    for name, place in (("librosa", n + 1), ("htk", n)):
        raised = np.array(cepstrum(26, 13, lifter=22, lifter_of=name).rows)
        assert raised == pytest.approx(plain * (1 + 11 * np.sin(np.pi * place / 22))[:, None])


@given(
    st.integers(1, 80), st.integers(1, 80), st.floats(1e-3, 100), st.sampled_from(("ortho", "none", "htk"))
)
@settings(max_examples=60, deadline=None)
def test_integers_of_transforms_cannot_overflow(n_in: int, n_out: int, gain: float, norm: str) -> None:
    dct = cepstrum(n_in, min(n_in, n_out), gain=gain, norm=norm)
    rows: list[list[int]] = []
    with contextlib.suppress(MilliwattError):
        rows, bits = dct.integers()
    if not rows:
        assert np.abs(np.array(dct.rows)).sum(axis=1).max() > 2**14
        return
    whole = np.array(rows)
    assert np.abs(whole).max() <= 32767
    assert np.abs(whole).sum(axis=1).max() < 2**20
    assert 1 <= bits - 4 <= 30
    assert whole / 2.0**bits == pytest.approx(np.array(dct.rows), abs=2.0**-bits)


def test_transforms_that_cannot_be() -> None:
    for arguments in ((4, 5), (4, 0), (4097, 1)):
        with pytest.raises(MilliwattError):
            cepstrum(*arguments)
    for changed in (
        {"norm": "both"},
        {"gain": 0.0},
        {"gain": math.inf},
        {"lifter": -1.0},
        {"lifter_of": "me"},
    ):
        with pytest.raises(MilliwattError):
            cepstrum(4, 4, **changed)  # type: ignore[arg-type]
    with pytest.raises(MilliwattError, match="too large"):
        cepstrum(40, 4, gain=1e6).integers()
