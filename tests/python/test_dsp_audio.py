"""Kernels of audio features on this PC, sanitized, and on emulated Arm cores: one program each.

Integers have to equal the oracle bit for bit, floats be within what headers state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.audio_oracle import dct_i16, deltas_want, log2_q16, mel_energies, mel_log2, mel_touched
from mwtest.dsp_cases import Case, case, check, check_avr
from mwtest.net_cases import ARM, SANITIZED, Machine
from numpy.typing import NDArray
from scipy import fft, signal

from milliwatt.signal_cepstrum import cepstrum
from milliwatt.signal_mel import mel_bank

M0 = ARM["cortex-m0"]
# For size, gcc hardly uses high registers of a Cortex-M0, which our loop for it does.
SMALL = replace(M0, name="cortex-m0-Os", flags=(*(flag for flag in M0.flags if flag != "-O2"), "-Os"))
MACHINES = [SANITIZED, SMALL, ARM["cortex-m3"], ARM["cortex-m4"]]
EPS = 2.0**-24
BANK = mel_bank(16000, 512, 40)
BANKS = [BANK, mel_bank(8000, 256, 10, fmin=300, fmax=3400, scale="htk", norm="none"), mel_bank(100, 4, 1)]


def signals(n: int, peak: float, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """What every kernel is fed: random, sine, step, impulse, full scale, zeros."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return {
        "random": peak * rng.uniform(-1, 1, n),
        "sine": peak * np.sin(0.37 * t),
        "step": peak * (t >= n // 2),
        "impulse": peak * (t == n // 3),
        "full": np.full(n, peak),
        "least": np.full(n, -peak),
        "alternating": peak * (1.0 - 2.0 * (t % 2)),
        "zeros": np.zeros(n),
        "small": peak * 2.0**-13 * rng.uniform(-1, 1, n),
    }


def i16(n: int, seed: int = 0) -> list[NDArray[np.int16]]:
    return [np.clip(np.round(x), -32768, 32767).astype(np.int16) for x in signals(n, 32768.0, seed).values()]


def f32(n: int, seed: int = 0) -> list[NDArray[np.float32]]:
    found = [x.astype(np.float32) for x in signals(n, 1.0, seed).values()]
    return [*found, (found[0] * 1e-44).astype(np.float32), (found[0] * 1e30).astype(np.float32)]


# --- logarithms


def logarithm_cases() -> list[Case]:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(0.9, 1.1, 300), 2.0 ** rng.uniform(-149, 127, 300), [1e-45, 1.0, 0.0]])
    x = x.astype(np.float32)
    loop = "for (unsigned i = 0; i < {n}U; ++i) {{ out[i] = mw_{name}(x[i]); }}"
    exact = x.astype(np.float64)
    exact[-1] = 2.0**-150
    whole = rng.integers(0, 1 << 63, 500, dtype=np.uint64) >> rng.integers(0, 63, 500).astype(np.uint64)
    given = {
        "log": np.log(exact),
        "db_of_power": 10 * np.log10(exact),
        "log1p": np.log1p(x.astype(np.float64)),
    }
    return [
        *(
            case(
                ["logarithm"],
                "",
                loop.format(n=x.size, name=name),
                {"x": x},
                want,
                np.spacing(np.abs(want).astype(np.float32)).astype(np.float64),
                dtype=np.float32,
            )
            for name, want in given.items()
        ),
        case(["logarithm"], "", loop.format(n=500, name="log2_q16_u64"), {"x": whole}, log2_q16(whole)),
    ]


# --- mel


def spectra(length: int, bits: int) -> list[NDArray[Any]]:
    rng = np.random.default_rng(bits)
    dtype = np.uint32 if bits <= 32 else np.uint64
    shifts = rng.integers(0, bits, length).astype(np.uint64)
    peak = np.zeros(length, dtype)
    peak[length // 3] = 1 << (bits - 1)
    full = np.full(length, (1 << bits) - 1, dtype)
    any_size = (
        (rng.integers(0, 1 << 62, length, dtype=np.uint64) << np.uint64(2)) >> np.uint64(64 - bits)
    ) >> shifts
    return [np.zeros(length, dtype), np.ones(length, dtype), full, peak, any_size.astype(dtype)]


def mel_cases() -> list[Case]:
    found = []
    for bank in BANKS:
        made = f"status = {{name}}(&@_bank, x, {bank.length}U, {{more}}out, {bank.n_mels}U)"
        for x in f32(bank.length):
            power = np.abs(x)
            want = np.array(bank.weights()) @ power.astype(np.float64)
            allowed = (max(bank.bins) * 2 + 4) * EPS * want + EPS * mel_touched(bank, power) + 2.0**-140
            call = made.format(name="mw_mel_f32", more="")
            found.append(
                case(["mel"], bank.c_float("@_bank"), call, {"x": power}, want, allowed, dtype=np.float32)
            )
        for bits in (32, 48, 64):
            for number, spectrum in enumerate(spectra(bank.length, bits)):
                name, table = f"mw_mel_log2_u{min(64, spectrum.itemsize * 8)}", bank.c_integer("@_bank")
                exponent = (0, -30, 7, 500, -500)[number]
                call = made.format(name=name, more=f"{exponent}, ")
                found.append(case(["mel"], table, call, {"x": spectrum}, mel_log2(bank, spectrum, exponent)))
                if bits == 32:
                    energies = np.array(mel_energies(bank, spectrum), np.uint64)
                    call = made.format(name="mw_mel_u32", more="")
                    found.append(case(["mel"], table, call, {"x": spectrum}, energies))
    return found


def energy_cases() -> list[Case]:
    """Logarithms of energies, and what cannot be asked for."""
    x = np.float32([0.0, 1e-12, 1e-10, 1.0, 3e7, np.nan, np.inf, 1e-30])
    taken = np.where(np.isnan(x) | (x < 1e-10), np.float32(1e-10), x).astype(np.float64)
    found = []
    for name, want in (("ln", np.log(taken)), ("db", 10 * np.log10(taken))):
        allowed = np.spacing(np.abs(np.where(np.isinf(want), 1, want)).astype(np.float32)).astype(np.float64)
        call = f"status = mw_mel_{name}_f32(x, 8U, 1e-10f)"
        finite = np.isfinite(want)
        want = np.where(finite, want, 3.0e38)
        top = "; for (int i = 0; i < 8; ++i) { x[i] = x[i] > 3.0e38f ? 3.0e38f : x[i]; }"
        found.append(
            case(["mel"], "", call + top, {"x": x}, want, allowed + 3e31 * ~finite, out="x", dtype=np.float32)
        )
    zero = np.zeros(2, np.float32)
    found.append(
        case(["mel"], "", "status = mw_mel_db_f32(x, 2U, 0.0f)", {"x": zero}, zero, out="x", status=-2)
    )
    levels = np.float32([-100, -3.5, -83.5, -83.25, -120])
    want = np.maximum(levels, np.float32(-83.5))
    found.append(case(["mel"], "", "mw_top_db_f32(x, 5U, 80.0f)", {"x": levels}, want, out="x"))
    x = np.zeros(BANK.length, np.float32)
    for call in (
        f"status = mw_mel_f32(&@_bank, x, {BANK.length - 1}U, out, 40U)",
        f"status = mw_mel_f32(&@_bank, x, {BANK.length}U, out, 41U)",
    ):
        untouched = np.frombuffer(bytes((171 * i + 77) % 256 for i in range(4)), np.float32)
        found.append(case(["mel"], BANK.c_float("@_bank"), call, {"x": x}, untouched, status=-2))
    return found


# --- cepstrum

DCTS = [
    cepstrum(40, 13),
    cepstrum(40, 40, norm="none"),
    cepstrum(26, 12, norm="htk", lifter=22, lifter_of="htk"),
    cepstrum(23, 8, lifter=9, gain=3.0103 / 256),
    cepstrum(1, 1),
    cepstrum(2, 1, gain=100.0),
]


def dct_cases() -> list[Case]:
    found = []
    for dct in DCTS:
        n_out = len(dct.rows)
        exact = np.array(dct.rows)
        call = f"status = mw_dct_{{0}}(&@_dct, x, {dct.n_in}U, out, {n_out}U)"
        for x in f32(dct.n_in):
            wide = x.astype(np.float64)
            allowed = (dct.n_in / 2 + 3) * EPS * (np.abs(exact) @ np.abs(wide)) + 2.0**-138
            call_f32 = call.format("f32")
            found.append(
                case(
                    ["cepstrum"],
                    dct.c_float("@_dct"),
                    call_f32,
                    {"x": x},
                    exact @ wide,
                    allowed,
                    dtype=np.float32,
                )
            )
        signs = [np.where(row >= 0, 32767, -32768).astype(np.int16) for row in exact[:3]]
        for whole in [*i16(dct.n_in), *signs, *(-1 - s for s in signs)]:
            want = dct_i16(dct, whole)
            found.append(case(["cepstrum"], dct.c_integer("@_dct"), call.format("i16"), {"x": whole}, want))
    x = np.zeros(40, np.float32)
    untouched = np.frombuffer(bytes((171 * i + 77) % 256 for i in range(4)), np.float32)
    call = "status = mw_dct_f32(&@_dct, x, 39U, out, 13U)"
    return [*found, case(["cepstrum"], DCTS[0].c_float("@_dct"), call, {"x": x}, untouched, status=-2)]


def deltas_cases() -> list[Case]:
    found = []
    for reach, order, n, count in ((4, 1, 3, 12), (2, 1, 1, 5), (4, 2, 2, 10), (1, 2, 3, 3), (16, 1, 2, 20)):
        rng = np.random.default_rng(reach)
        frames = rng.normal(size=(count, n)).astype(np.float32)
        want = deltas_want(frames, reach, order)
        call = (
            f"mw_deltas state; enum {{ SIZE = MW_DELTAS_SIZE({n}, {reach}) }}; float history[SIZE];\n"
            f"    status = mw_deltas_begin(&state, history, SIZE, {n}, {reach}, {order});\n"
            f"    for (int i = 0, k = 0; i < {count + reach}; ++i) {{\n"
            f"        const float *frame = x + {n} * (i < {count} ? i : {count - 1});\n"
            f"        k += {n} * mw_deltas_push(&state, frame, {n}U, out + k);\n"
            f"    }}"
        )
        allowed = (2 * reach + 3) * 2.0**-23 * np.abs(frames).max() * np.ones_like(want)
        found.append(case(["cepstrum"], "", call, {"x": frames}, want, allowed, dtype=np.float32))
    bad = np.zeros(4, np.int32)
    call = (
        "mw_deltas s; float h[9]; out[0] = mw_deltas_begin(&s, h, 9U, 3, 0, 1) + 2;"
        "out[1] = mw_deltas_begin(&s, h, 8U, 3, 1, 1) + 2; out[2] = mw_deltas_begin(&s, h, 9U, 3, 1, 3) + 2;"
        "out[3] = mw_deltas_begin(&s, h, 9U, 3, 1, 1) + mw_deltas_push(&s, h, 2U, h) + 2"
    )
    return [*found, case(["cepstrum"], "", call, {}, bad)]


# --- samples


def clip16(x: NDArray[Any]) -> NDArray[np.int16]:
    return np.clip(x, -32768, 32767).astype(np.int16)


def emphasis_cases() -> list[Case]:
    found = []
    head = ["emphasis"]
    for x in i16(37):
        wide = x.astype(np.int64)
        for factor in (31785, 0, 32767):
            last = np.concatenate([[-32768], wide[:-1]])
            want = clip16(wide - ((factor * last + 0x4000) >> 15))
            call = (
                "int16_t before = INT16_MIN;\n"
                f"    mw_emphasize_q15(x, 20U, {factor}, &before, x);\n"
                f"    mw_emphasize_q15(x + 20, 17U, {factor}, &before, x + 20)"
            )
            found.append(case(head, "", call, {"x": x}, want, out="x"))
        for shift in (1, 10, 14):
            level, out = 0, []
            for sample in wide:
                level += (int(sample) * 16384 - level) >> shift
                assert -(2**29) <= level < 2**29
                out.append(int(sample) - ((level + 0x2000) >> 14))
            call = f"int32_t mean = 0; mw_remove_dc_q15(x, 37U, {shift}, &mean, out)"
            found.append(case(head, "", call, {"x": x}, clip16(np.array(out))))
        mean = int(np.floor(int(wide.sum()) / 37 + 0.5))
        found.append(case(head, "", "mw_centre_q15(x, 37U, x)", {"x": x}, clip16(wide - mean), out="x"))
    for y in f32(37):
        exact, most = y.astype(np.float64), float(np.abs(y).max())
        factor = float(np.float32(0.97))
        want = exact - factor * np.concatenate([[0], exact[:-1]])
        call = "float before = 0.0f; mw_emphasize_f32(x, 37U, 0.97f, &before, x)"
        allowed = 3 * EPS * most + 2.0**-149
        found.append(case(head, "", call, {"x": y}, want, allowed, out="x", dtype=np.float32))
        call = "mw_centre_f32(x, 37U, out)"
        allowed = 39 * EPS * most + 2.0**-149
        found.append(case(head, "", call, {"x": y}, exact - exact.mean(), allowed, dtype=np.float32))
        share = 2.0**-5
        b, a = [1 - share, share - 1], [1, share - 1]
        call = "float mean = 0.0f; mw_remove_dc_f32(x, 37U, 0.03125f, &mean, out)"
        allowed = 2.0**-22 / share * most + 2.0**-144
        found.append(case(head, "", call, {"x": y}, signal.lfilter(b, a, exact), allowed, dtype=np.float32))
    return found


def level_cases() -> list[Case]:
    found = []
    head = ["sound_level"]
    for x in i16(96):
        squares = x.astype(np.int64) ** 2
        mean, share, marks = 1 << 40, 123456, []
        for block in np.split(squares, 3):
            change = int(block.sum()) * 65536 // 32 - mean
            mean += change * share >> 24
            marks.append(mean)
        call = (
            "uint64_t mean = (uint64_t) 1 << 40;\n"
            "    for (int i = 0; i < 3; ++i) {\n"
            f"        mw_level_q15(&mean, {share}U, x + 32 * i, 32U); out[i] = mean;\n    }}"
        )
        found.append(case(head, "", call, {"x": x}, np.array(marks, np.uint64)))
        call = "mw_leq_integer s = {0, 0}; mw_leq_q15(&s, x, 95U); mw_leq_q15(&s, x + 95, 1U); out[0] = s.sum"
        found.append(case(head, "", call, {"x": x}, np.array([squares.sum()], np.uint64)))
        if squares.any():
            want = np.array([2560 * np.log10(squares.mean() / 2**30)])
            call = "mw_leq_integer s = {0, 0}; mw_leq_q15(&s, x, 96U); out[0] = mw_leq_db_q8(&s)"
            found.append(case(head, "", call, {"x": x}, want, 2.56, dtype=np.int32))
    # Full share: the mean is the block's own, from any mean before.
    loud = np.full(33, -32768, np.int16)
    call = "uint64_t mean = 0; mw_level_q15(&mean, 1U << 24, x, 33U); out[0] = mw_level_db_q8(mean)"
    found.append(case(head, "", call, {"x": loud}, np.zeros(1, np.int32)))
    call = "(void) x; out[0] = mw_level_db_q8(0)"
    found.append(case(head, "", call, {"x": loud}, np.array([-36220], np.int32)))
    for y in f32(96)[:-1]:  # squares of the last are no floats
        squares = y.astype(np.float64) ** 2
        share = 2.0**-6
        want = signal.lfilter([share], [1, share - 1], squares)[-1:]
        call = "float mean = 0.0f; mw_level_f32(x, 0.015625f, x, 0U); mw_level_f32(&mean, 0.015625f, x, 96U)"
        call += "; out[0] = mean"
        allowed = 2.0**-23 / share * want + 2.0**-130
        found.append(case(head, "", call, {"x": y}, want, allowed, dtype=np.float32))
        call = (
            "mw_leq_float s = {0.0f, 0}; mw_leq_f32(&s, x, 60U); mw_leq_f32(&s, x + 60, 36U); out[0] = s.mean"
        )
        want = np.array([squares.mean()])
        allowed = 2 * 66 * EPS * max(squares.max(), 0) + 2.0**-130
        found.append(case(head, "", call, {"x": y}, want, allowed, dtype=np.float32))
    return found


def quantize_cases() -> list[Case]:
    found = []
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(size=200) * 40, [0.5, -0.5, 1.5, -2.5, 1e9, -1e9, np.inf, -np.inf, 1e-40]])
    x = np.concatenate([x, [0.49999997, 126.5, -128.5]]).astype(np.float32)
    for sign, low, high, zero in (("i", -128, 127, -7), ("u", 0, 255, 255), ("i", -128, 127, 0)):
        inverse = np.float32(1.0 if zero == 0 else 1.7)
        steps = (x * inverse).astype(np.float64)
        steps = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        want = np.clip(steps + zero, low, high).astype(np.int8 if sign == "i" else np.uint8)
        call = f"mw_quantize_{sign}8_f32(x, {x.size}U, {inverse}f, {zero}, out)"
        found.append(case(["quantize"], "", call, {"x": x}, want))
        nan = np.full(2, np.nan, np.float32)
        least = np.full(2, low).astype(want.dtype)
        call = f"mw_quantize_{sign}8_f32(x, 2U, 1.0f, {zero}, out)"
        found.append(case(["quantize"], "", call, {"x": nan}, least))
        for whole in i16(50):
            for factor, offset, shift in (
                (77, (zero << 12) + 2048, 12),
                (-32768, 2**30 - 1, 0),
                (3, 1 - 2**30, 30),
            ):
                wide = (whole.astype(np.int64) * factor + offset) >> shift
                answer = np.clip(wide, low, high).astype(want.dtype)
                call = f"mw_quantize_{sign}8_i16(x, 50U, {factor}, {offset}, {shift}, out)"
                found.append(case(["quantize"], "", call, {"x": whole}, answer))
    return found


KERNELS: list[Callable[[], list[Case]]] = [
    logarithm_cases,
    mel_cases,
    energy_cases,
    dct_cases,
    deltas_cases,
    emphasis_cases,
    level_cases,
    quantize_cases,
]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_kernels_answer_what_they_should(machine: Machine, tmp_path: Path) -> None:
    machine.need()
    check([one for cases in KERNELS for one in cases()], tmp_path, machine, ("mel", "sound"))


@pytest.mark.parametrize("part", range(3))
def test_kernels_answer_the_same_on_an_atmega(part: int, tmp_path: Path) -> None:
    """Some of each; 32 KB of flash hold no more."""
    cases: list[Case] = []
    for number, kernels in enumerate(KERNELS):
        fits = [one for one in kernels() if len(one.made.given) + one.made.size < 1300]
        cases += fits[part :: max(1, len(fits) // 3)] if number % 3 == part else []
    check_avr(cases, tmp_path, ("mel_", "sound_"))


def test_the_transform_of_integers_is_close() -> None:
    """Logarithms of speech as they are: 40 bands, log2 in 1/256 around -10."""
    rng = np.random.default_rng(0)
    x = (256 * (-10 + rng.normal(size=(20, 40)).cumsum(axis=1) / 3)).round().astype(np.int16)
    exact = fft.dct(x.astype(np.float64), norm="ortho")[:, :13]
    got = np.array([dct_i16(DCTS[0], row) for row in x]).astype(np.float64)
    assert np.abs(got - exact).max() <= 0.51 + 40 * 2.0**-15 * 0.2236 * np.abs(x).max()
    # The first coefficient is large and saturates here at no time; the others are what classifiers look at.
    assert 10 * np.log10((exact[:, 1:] ** 2).sum() / ((got - exact)[:, 1:] ** 2).sum()) >= 55
