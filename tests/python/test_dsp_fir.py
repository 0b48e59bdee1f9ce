"""Filters with a finite impulse response, and decimation with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.filter_cases import FULL, SIGNALS, check, db, fir_call, oracle_fir, run, shared_directory, signal
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Checked

from milliwatt import filters
from milliwatt.errors import MilliwattError


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_directory(tmp_path_factory)


def q15_case(
    taps: Any, x: Any, decimation: int, blocks: tuple[int, ...], room: int, in_place: bool = False
) -> Checked:
    made = filters.fir_q15(taps, decimation)
    x = np.round(x)
    want = np.array(oracle_fir(made, list(map(int, x))), np.int16)
    return fir_call("q15", made, x, decimation, blocks, room, in_place), want


@st.composite
def q15_cases(draw: st.DrawFn) -> Checked:
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n_taps, n = draw(st.integers(1, 40)), draw(st.integers(1, 90))
    taps = rng.normal(0, draw(st.sampled_from((1e-3, 0.2, 3.0))), n_taps)
    x = signal(draw(st.sampled_from(SIGNALS)), n, 32767, draw(st.integers(0, 99)))
    blocks = tuple(draw(st.lists(st.integers(0, n // 3), max_size=2)))
    decimation = draw(st.sampled_from((1, 1, 2, 3, 7, 100)))
    return q15_case(taps, x, decimation, blocks, draw(st.integers(0, 50)), draw(st.booleans()))


@given(st.lists(q15_cases(), min_size=10, max_size=20))
@settings(max_examples=4)
def test_integers_are_the_oracles(work: Path, cases: list[Checked]) -> None:
    check(cases, work, SANITIZED)


def _fixed_set() -> list[Checked]:
    cases = []
    for n_taps in (1, 3, 4, 7, 33):
        for index, decimation in enumerate((1, 3)):
            taps = np.random.default_rng(n_taps).normal(0, 0.3, n_taps)
            # Full scale with the taps' signs: the highest sums there are, either way.
            high = np.where(np.resize(taps[::-1], 70) < 0, -32768, 32767)
            for x in (signal("random", 70, 32767, n_taps), high, -1 - high):
                cases.append(q15_case(taps, x, decimation, (1, 13 + index), n_taps % 3 * 8, index == 0))
    return cases


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4", "cortex-m55-Os"])
def test_integers_on_arm_are_the_oracles(name: str, work: Path) -> None:
    ARM[name].need()
    check(_fixed_set(), work, ARM[name])


def test_optimised_integers_are_the_oracles(work: Path) -> None:
    check(_fixed_set(), work, OPTIMISED)


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=300).filter(lambda taps: max(map(abs, taps)) > 1e-6))
def test_sums_of_32_bits_are_enough(taps: list[float]) -> None:
    made = filters.fir_q15(taps)
    assert sum(map(abs, made.taps)) * 32768 + made.bias < 1 << 31
    assert max(map(abs, made.taps)) <= 32767
    assert np.abs(np.array(made.taps) * 2.0**-made.shift - taps).max() <= 0.5 * 2.0**-made.shift


@pytest.mark.parametrize("machine", [SANITIZED, OPTIMISED, ARM["cortex-m4"]], ids=lambda each: each.name)
def test_floats_are_close_to_scipys(machine: Any, work: Path) -> None:
    """Within n_taps * 2^-24 of the sum of magnitudes, however samples come."""
    machine.need()
    calls, wanted = [], []
    for index, n_taps in enumerate((1, 2, 5, 8, 31, 64)):
        taps = scipy.signal.firwin(n_taps, 0.3).astype(np.float32).astype(float)
        for decimation in (1, 3):
            for name in ("random", "impulse", "tiny"):
                x = signal(name, 200, 1.0, index).astype(np.float32).astype(float)
                room = (0, 20, 200)[index % 3]
                calls.append(fir_call("f32", taps, x, decimation, (1, 7, 64), room, index % 2 == 1))
                want = scipy.signal.upfirdn(taps, x, 1, decimation)[: -(-200 // decimation)]
                size = scipy.signal.upfirdn(abs(taps), abs(x), 1, decimation)[: len(want)]
                wanted.append((want, size * n_taps * 2.0**-24 + n_taps * 1.5e-45))
    for got, (want, bound) in zip(run(calls, work, machine), wanted, strict=True):
        assert (np.abs(np.frombuffer(got, np.float32) - want) <= bound).all()


def test_accuracy_of_16_bits(work: Path) -> None:
    taps = scipy.signal.firwin(32, 0.2)
    made = filters.fir_q15(taps)
    x = np.round(signal("random", 1000, 0.9 * FULL["q15"]))
    found = run([fir_call("q15", made, x, 1, (64,), 64, False)], work, SANITIZED)[0]
    assert db(scipy.signal.lfilter(taps, 1, x), np.frombuffer(found, np.int16).astype(float)) > 76
    assert made.accuracy_db > 79


def test_infinity_passes(work: Path) -> None:
    x = np.array([1.0, np.inf, 1, 1, 1, 1])
    found = run([fir_call("f32", [0.5, 0.25], x, 1, (), 3, False)], work, SANITIZED)[0]
    values = np.frombuffer(found, np.float32)
    assert values[0] == 0.5
    assert np.isinf(values[1:3]).all()
    assert (values[3:] == 0.75).all()


@pytest.mark.parametrize(
    ("taps", "decimation", "words"),
    [
        ([], 1, "taps: 0 of them"),
        ([1, float("inf")], 1, "taps, number 1: not finite"),
        ([0.0], 1, "taps: all of them are 0"),
        ([70000.0], 1, "results have no room"),
        ([1], 0, "decimation: 0 of them"),
    ],
)
def test_refused(taps: list[float], decimation: int, words: str) -> None:
    with pytest.raises(MilliwattError, match=words):
        filters.fir_q15(taps, decimation)


def test_arguments_are_checked(work: Path) -> None:
    made = fir_call("q15", filters.fir_q15([0.5, 0.25]), np.zeros(1), 1, (), 0, False)
    asked = (
        "mw_fir_state_q15 s;\n    int16_t buffer[1];\n"
        "    out[0] = (int16_t) mw_fir_reset_q15(&@, &s, buffer, 1);\n" # one too few
        "    out[0] = (int16_t) (out[0] * 10 + mw_fir_run_q15(&@, &s, NULL, out, 1));\n"
        "    out[0] = (int16_t) (out[0] * 10 + mw_fir_run_q15(&@, &s, x, out, 32768U))"
    )  # fmt: skip
    code = made.code[: made.code.index("const size_t size")] + asked + ";\n    put(out, 2U);\n"
    code += "    free(x);\n    free(out);\n"
    found = run([type(made)(made.tables, code, made.given, 2)], work, SANITIZED)
    assert np.frombuffer(found[0], np.int16)[0] == -212
