"""Recursive filters: integers are the oracle's bit for bit, accuracy is what the header says."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mwtest.filter_cases import (
    FULL,
    SIGNALS,
    Design,
    check,
    db,
    designs,
    iir_call,
    oracle_q15,
    oracle_q31,
    run,
    shared_directory,
    signal,
    worst_input,
)  # fmt: skip
from mwtest.net_cases import ARM, NUMPY, OPTIMISED, SANITIZED, Checked

from milliwatt import filters
from milliwatt.errors import MilliwattError

LOWPASS = Design("butter", 4, "lowpass", 0.2, 0).sos
HIGHPASS = Design("butter", 2, "highpass", 0.02, 0).sos
NAMED = {
    "low-pass": LOWPASS,
    "slow low-pass": Design("butter", 2, "lowpass", 0.03, 0).sos,
    "high-pass": HIGHPASS,
    "steep": Design("ellip", 5, "lowpass", 0.3, 0).sos,
    "band": Design("butter", 2, "bandpass", 0.1, 0.2).sos,
    "order 8": Design("butter", 8, "lowpass", 0.3, 0).sos,
    "first order": Design("butter", 1, "highpass", 0.4, 0).sos,
    "resonant": Design("cheby1", 2, "highpass", 0.8, 0).sos,
}
MAKE: dict[str, Any] = {"q15": filters.iir_q15, "q31": filters.iir_q31}
ORACLE: dict[str, Any] = {"q15": oracle_q15, "q31": oracle_q31}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_directory(tmp_path_factory)


def fixed_case(
    kind: str, sos: Any, columns: list[np.ndarray[Any, Any]], blocks: tuple[int, ...] = (), *,
    in_place: bool = False, settled: list[int] | None = None,
) -> Checked:  # fmt: skip
    """A call with a channel for each column, and what the oracle gives."""
    made = MAKE[kind](sos, at_least_db=20.0)
    x = np.round(np.stack(columns, 1))
    firsts = settled or [None] * len(columns)
    want = [ORACLE[kind](made, list(map(int, x[:, i])), first) for i, first in enumerate(firsts)]
    made_call = iir_call(kind, made, x, blocks=blocks, in_place=in_place, settled=settled)
    return made_call, np.array(want).T.astype(NUMPY["i16" if kind == "q15" else "i32"])


@st.composite
def fixed_cases(draw: st.DrawFn) -> Checked:
    kind = draw(st.sampled_from(("q15", "q31")))
    n, channels = draw(st.integers(1, 60)), draw(st.sampled_from((1, 1, 1, 2, 3)))
    names = draw(st.lists(st.sampled_from(SIGNALS), min_size=channels, max_size=channels))
    columns = [signal(name, n, FULL[kind], draw(st.integers(0, 99))) for name in names]
    blocks = tuple(draw(st.lists(st.integers(0, n // 3), max_size=2)))
    settled = [int(column[0]) for column in columns] if draw(st.booleans()) else None
    sos = draw(designs()).sos
    try:
        return fixed_case(kind, sos, columns, blocks, in_place=draw(st.booleans()), settled=settled)
    except MilliwattError:  # not to be had in 16 bits
        assume(False)
        raise


@given(st.lists(fixed_cases(), min_size=8, max_size=16))
@settings(max_examples=6)
def test_integers_are_the_oracles(work: Path, cases: list[Checked]) -> None:
    check(cases, work, SANITIZED)


def _fixed_set() -> list[Checked]:
    """Every section's shape in every kind of block, once."""
    cases = []
    for kind in ("q15", "q31"):
        for index, sos in enumerate(NAMED.values()):
            random = signal("random", 61, FULL[kind], index)
            full = signal("full", 61, FULL[kind], index)
            cases.append(fixed_case(kind, sos, [random], (1, 9, 7 + index), in_place=index % 2 == 1))
            cases.append(fixed_case(kind, sos, [worst_input(sos, 60, FULL[kind])], (8, 1)))
            cases.append(fixed_case(kind, sos, [random, full, -full], (3,), in_place=index % 2 == 0))
            cases.append(fixed_case(kind, sos, [random[:24] + 0], (12,), settled=[int(random[0])]))
    return cases


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m4-Os", "cortex-m55"])
def test_integers_on_arm_are_the_oracles(name: str, work: Path) -> None:
    ARM[name].need()
    check(_fixed_set(), work, ARM[name])


def test_optimised_integers_are_the_oracles(work: Path) -> None:
    check(_fixed_set(), work, OPTIMISED)


@given(designs(), st.sampled_from(("q15", "q31")), st.integers(0, 99))
@settings(max_examples=25)
def test_nothing_inside_overflows(design: Design, kind: str, seed: int) -> None:
    """The oracle asserts that; inputs drive one section's results after the other as high as they get."""
    try:
        made = MAKE[kind](design.sos, at_least_db=0.0)
    except MilliwattError:
        assume(False)
    exact = np.array([[*s.exact[:3], 1.0, *s.exact[3:]] for s in made.sections])
    for count in range(1, len(exact) + 1):
        x = worst_input(exact[:count], 500, FULL[kind])
        for sign in (1, -1):
            ORACLE[kind](made, np.clip(sign * x, -FULL[kind] - 1, FULL[kind]).tolist())
    ORACLE[kind](made, signal("full", 500, FULL[kind], seed).tolist())
    assert all(section.peak < 1 for section in made.sections)


@pytest.mark.parametrize("bits", [5, 8, 10, 14])
@pytest.mark.parametrize("settled", [False, True])
def test_nothing_inside_overflows_where_a_filter_attenuates(bits: int, settled: bool) -> None:
    """Half of what the output is rounded to is then many units of what is inside."""
    size = 0.998 * 2.0**-bits  # as near to a power of two as is scaled for
    sos = np.array([[0.05 * size, 0.05 * size, 0.0, 1.0, -0.9, 0.0]])
    made = filters.iir_q15(sos)
    for value in (32767, -32768):
        got = oracle_q15(made, [value] * 200, value if settled else None)
        assert abs(got[-1] - value * size) <= 0.75
    filters.check_q15(made.sections, made.out_shift)


def test_a_bias_that_lifts_results_too_far_is_refused() -> None:
    made = filters.iir_q15([[0.0499, 0.0499, 0.0, 1.0, -0.9, 0.0]])
    (section,) = made.sections
    assert 0.998 < section.peak < 1
    shift = 16 + section.b_shift + section.d_shift
    for units in (100, -100):  # there is room for some 60
        bias = section.bias + round(units * 0.1 * 2**shift)
        with pytest.raises(MilliwattError, match="could overflow"):
            filters.check_q15((dataclasses.replace(section, bias=bias),), made.out_shift)
    with pytest.raises(MilliwattError, match="could overflow"):
        filters.check_q15(made.sections, 31)  # half of 2^31 on top, once it has settled


def test_output_saturates_and_recovers(work: Path) -> None:
    """Where scipy's result has no room in 16 bits it is the end of the range; behind it nothing is left."""
    sos = NAMED["steep"]
    x = np.concatenate([worst_input(sos, 300, 32767), np.zeros(100)])
    want = scipy.signal.sosfilt(sos, x)
    assert want.max() > 34000
    made = filters.iir_q15(sos)
    got = np.frombuffer(run([iir_call("q15", made, x[:, None])], work, SANITIZED)[0], np.int16)
    assert np.abs(got - np.clip(want, -32768, 32767)).max() < 60
    assert got.max() == 32767


ACCURACY = {"f32": 108.0, "q15": 66.0, "q31": 138.0}  # dB; noise of full scale and a sine wave


@pytest.mark.parametrize("kind", ["f32", "q15", "q31"])
@pytest.mark.parametrize("machine", [SANITIZED, ARM["cortex-m4"]], ids=lambda machine: machine.name)
def test_accuracy(kind: str, machine: Any, work: Path) -> None:
    machine.need()
    calls, wanted = [], []
    for sos in NAMED.values():
        for x in (signal("random", 600, 0.9 * FULL[kind]), 0.7 * signal("full", 600, FULL[kind], 4)):
            x = x.astype(np.float32).astype(np.float64) if kind == "f32" else np.round(x)
            calls.append(
                iir_call(kind, sos if kind == "f32" else MAKE[kind](sos), x[:, None], blocks=(64, 1))
            )
            wanted.append(scipy.signal.sosfilt(sos, x))
    for got, want, made in zip(run(calls, work, machine), wanted, calls, strict=True):
        values = np.frombuffer(got, NUMPY[{"f32": "f32", "q15": "i16", "q31": "i32"}[kind]])
        room = np.abs(want) < FULL[kind] - 60 if kind != "f32" else np.full(len(want), True)
        assert db(want[room], values[room].astype(np.float64)) > ACCURACY[kind], made.tables


def _through(made: Any, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What the rounded coefficients give, but for rounding of results."""
    for section in made.sections:
        b0, b1, b2, a1, a2 = section.exact
        x = scipy.signal.lfilter([b0, b1, b2], [1, a1, a2], x)
    return np.asarray(x) / made.gains[-1]


@pytest.mark.parametrize("name", NAMED)
def test_noise_of_16_bits_is_predicted(name: str) -> None:
    """White noise at the output, its standard deviation; what is cut off of results is compensated."""
    made = filters.iir_q15(NAMED[name])
    x = np.round(signal("random", 4000, 0.9 * FULL["q15"]))
    want = _through(made, x)
    error = (np.array(oracle_q15(made, x.tolist())) - want)[np.abs(want) < 32700]
    assert error.std() == pytest.approx(made.noise, rel=0.05)
    assert abs(error.mean()) < 0.03


def test_sections_cut_what_comes_back_where_that_is_better() -> None:
    """The first of two, and one that is the last: both kinds of loop on CPUs that have such."""
    cuts = {name: [s.cut for s in filters.iir_q15(sos).sections] for name, sos in NAMED.items()}
    assert cuts["low-pass"] == [True, False]
    assert cuts["resonant"] == [True]
    assert not any(cuts["slow low-pass"])


@pytest.mark.parametrize(("name", "least"), [("random", 82.5), ("sine", 86.5)])
def test_a_low_pass_of_two_sections_in_16_bits(name: str, least: float) -> None:
    x = np.round(signal(name, 2000, 0.9 * FULL["q15"]))
    got = np.array(oracle_q15(filters.iir_q15(LOWPASS), x.tolist()))
    assert db(scipy.signal.sosfilt(LOWPASS, x), got) > least


@pytest.mark.parametrize("kind", ["f32", "q15", "q31"])
def test_settled_filters_do_not_ring(kind: str, work: Path) -> None:
    """Gravity is not a step: a high-pass gives 0 from the first sample, a low-pass what it gets."""
    value = 0.6 * FULL[kind] if kind == "f32" else int(0.6 * FULL[kind])
    x = np.full((200, 2), value) * [1, -0.5]
    if kind != "f32":
        x = np.round(x)
    firsts = [float(x[0, 0]), float(x[0, 1])] if kind == "f32" else [int(x[0, 0]), int(x[0, 1])]
    calls = [
        iir_call(kind, sos if kind == "f32" else MAKE[kind](sos), x, settled=firsts)
        for sos in (HIGHPASS, NAMED["slow low-pass"])
    ]
    high, low = (
        np.frombuffer(got, NUMPY[{"f32": "f32", "q15": "i16", "q31": "i32"}[kind]]).astype(float)
        for got in run(calls, work, SANITIZED)
    )
    unit = {"f32": 2e-5, "q15": 1.0, "q31": 64.0}[kind]
    assert np.abs(high).max() <= unit
    # A low-pass is off by its coefficients' rounding.
    error = 10 ** (-MAKE.get(kind, filters.iir_q31)(NAMED["slow low-pass"]).accuracy_db / 20)
    assert np.abs(low - x.reshape(-1)).max() <= unit + 2 * error * FULL[kind]


@pytest.mark.parametrize("kind", ["q15", "q31"])
@pytest.mark.parametrize("order", [2, 4])
def test_settled_band_stops_begin_where_they_stay(kind: str, order: int) -> None:
    """Sections behind others that attenuate gain more than 1, or 2, in their own units."""
    sos = scipy.signal.butter(order, [0.2, 0.6], "bandstop", output="sos")
    made = MAKE[kind](sos)
    value = int(-0.6 * FULL[kind])
    got = np.array(ORACLE[kind](made, [value] * 40, value), np.float64)
    off = made.noise * 6 + 2 * abs(value) * 10 ** (-made.accuracy_db / 20)
    assert np.abs(got - value).max() <= off < FULL[kind] / 1000


def test_nan_stays_until_reset(work: Path) -> None:
    x = np.array([0.5, np.nan, 0.25, 1.0])[:, None]
    got = np.frombuffer(run([iir_call("f32", LOWPASS, x)], work, SANITIZED)[0], np.float32)
    assert np.isfinite(got[0])
    assert np.isnan(got[1:]).all()


def test_arguments_are_checked(work: Path) -> None:
    x = np.zeros((1, 1))
    made = iir_call("q15", filters.iir_q15(LOWPASS), x)
    asked = (
        "out[0] = (int16_t) mw_iir_run_q15(NULL, NULL, 1, x, out, 1);\n"
        "    mw_iir_state_q15 s[2];\n"
        "    out[0] = (int16_t) (out[0] * 10 + mw_iir_run_q15(&@, s, 1, x, NULL, 1))"
    )
    code = made.code[: made.code.index("mw_iir_state_q15 s")] + asked + ";\n    put(out, 2U);\n"
    code += "    free(x);\n    free(out);\n"
    found = run([type(made)(made.tables, code, made.given, 2)], work, SANITIZED)
    assert np.frombuffer(found[0], np.int16)[0] == -11


ROW = [0.1, 0.2, 0.1, 1.0, -0.5, 0.2]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "0 sections"),
        ([ROW, ROW[:5]], "section 1: 5 coefficients"),
        ([[0.1, float("nan"), 0, 1, 0, 0]], "section 0: a coefficient is not finite"),
        ([ROW, [1, 0, 0, 2, 0, 0]], "section 1: a0 is 2, not 1"),
        ([ROW, [1, 0, 0, 1, -2.0, 1.0]], "section 1: a pole is 1 from 0: the section is not stable"),
        ([[1, 0, 0, 1, 0.5, 1.2]], "section 0: a pole is"),
        ([ROW, [0, 0, 0, 1, 0, 0]], "section 1: all of b is 0"),
        ([[1e-9, 0, 0, 1, -1.99999, 0.99999001]], "section 0: a pole is"),
        ([[1e12, 0, 0, 1, 0, 0]], "section 0"),
    ],
)
@pytest.mark.parametrize("kind", ["q15", "q31"])
def test_what_cannot_be_had_is_refused_by_section(kind: str, rows: list[list[float]], words: str) -> None:
    with pytest.raises(MilliwattError, match="cure:") as caught:
        MAKE[kind](rows)
    assert words in str(caught.value)


def test_too_little_accuracy_is_refused() -> None:
    sos = np.vstack([LOWPASS, np.atleast_2d(scipy.signal.tf2sos(*scipy.signal.iirnotch(50, 30, 1000)))])
    with pytest.raises(MilliwattError, match=r"section 2: .* dB accurate, less than 60 dB"):
        filters.iir_q15(sos, at_least_db=60.0)
    assert filters.iir_q31(sos).accuracy_db > 100


def test_zero_at_frequency_0_is_exact() -> None:
    for kind, design in (("q15", filters.iir_q15), ("q31", filters.iir_q31)):
        for low in (0.01, 0.1, 0.5):
            made = design(Design("butter", 4, "highpass", low, 0).sos, at_least_db=20.0)
            assert all(sum(section.b) == 0 and section.gain == 0 for section in made.sections), kind


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("cutoff", [0.01, 0.1, 0.4])
def test_the_proof_against_overflow_fails_for_louder_sections(order: int, cutoff: float) -> None:
    found = filters.iir_q15(scipy.signal.butter(order, 2 * cutoff, output="sos"))
    filters.check_q15(found.sections, found.out_shift)
    last = found.sections[-1]
    b = tuple(min(2 * value, 32767) for value in last.b)
    louder = dataclasses.replace(last, b=b, gain=2 * last.gain)
    with pytest.raises(MilliwattError, match="could overflow"):
        filters.check_q15((*found.sections[:-1], louder), found.out_shift)
