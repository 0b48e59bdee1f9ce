"""Fourier transforms: fixed point bit for bit as the integer oracle has it, floats as close as fft.h says."""

from __future__ import annotations

import sys
from decimal import Decimal, getcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest import fft_oracle as oracle
from mwtest.fft_cases import KINDS, NUMPY, TABLES, answers, room, run, shared, signals, transform
from mwtest.net_cases import ARM, SANITIZED, Call, Machine
from numpy.typing import NDArray

from milliwatt import sdk

LENGTHS = tuple(1 << power for power in range(3, 13))
# What fft.h promises, in dB, up to 256 and up to 4096: of noise, and of tones.
PROMISED = {"f32": (138.0, 137.0), "i32": (100.0, 97.0), "q15": (63.0, 60.0)}
TONE = (58.0, 46.0)  # of q15


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory)


def exact(kind: str, family: str, n: int, x: NDArray[np.generic]) -> NDArray[np.float64]:
    """numpy's answer, with the factor that the header states."""
    numbers = x.astype(np.float64)
    if kind == "rfft":
        return np.fft.rfft(numbers[:n]).view(np.float64) / (4 * n if family == "i32" else 1)
    bins = numbers.view(np.complex128)
    if kind == "irfft":
        return np.fft.irfft(bins, n) / (16 if family == "i32" else 1)
    if kind == "fft":
        return np.fft.fft(bins).view(np.float64) / (8 * n if family == "i32" else 1)
    return np.fft.ifft(bins).view(np.float64) / (8 if family == "i32" else 1)


def integers(kind: str, family: str, n: int, x: NDArray[np.generic]) -> tuple[NDArray[np.int64], int]:
    """The oracle's answer."""
    numbers = x.astype(np.int64)
    pair = numbers[0::2], numbers[1::2]
    made = getattr(oracle, f"{kind}_{family}")(numbers[:n] if kind == "rfft" else pair)
    if isinstance(made, oracle.Block):
        return np.stack(made.x, 1).reshape(-1), made.exponent
    if kind == "irfft":
        return made if isinstance(made, tuple) else (made, 0)
    return np.stack(made, 1).reshape(-1), 0


def db(want: NDArray[np.float64], got: NDArray[np.float64]) -> float:
    error = float(np.sum((got - want) ** 2))
    return float(10 * np.log10(np.sum(want**2) / error)) if error else 999.0


def compare(kind: str, family: str, n: int, inputs: dict[str, NDArray[np.generic]], output: bytes) -> None:
    for (name, x), (status, exponent, got) in zip(
        inputs.items(), answers(kind, family, n, len(inputs), output), strict=True
    ):
        where = f"{kind} {family} {n} {name}"
        assert status == 0, where
        want = exact(kind, family, n, x)
        found = got[: want.size].astype(np.float64) * 2.0**exponent
        if family != "f32":
            integer, power = integers(kind, family, n, x)
            np.testing.assert_array_equal(got[: want.size], integer[: want.size], where)
            assert exponent == power, where
        if name == "zero":
            assert not found.any(), where
        elif name in ("noise", "half") or (family == "q15" and name == "quiet"):
            least = PROMISED[family][n > 256]
            assert db(want, found) >= least, (where, db(want, found))
        elif family == "f32" and name != "tiny":
            assert db(want, found) >= 130, (where, db(want, found))
        elif family == "q15" and name == "sine" and kind == "rfft":
            assert db(want, found) >= TONE[n > 256], (where, db(want, found))
        elif family == "q15":  # one peak and rounding
            assert db(want, found) >= 30, (where, db(want, found))


def check(machine: Machine, work: Path, lengths: tuple[int, ...]) -> None:
    cases = [(kind, family, n) for kind in KINDS for family in NUMPY for n in lengths]
    inputs = [signals(*case) for case in cases]
    calls = [transform(*case, list(taken.values())) for case, taken in zip(cases, inputs, strict=True)]
    for case, taken, output in zip(cases, inputs, run(calls, work, machine), strict=True):
        compare(*case, taken, output)


def test_transforms(work: Path) -> None:
    check(SANITIZED, work, LENGTHS)


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m3", "cortex-m4"])
def test_transforms_on_arm(name: str, work: Path) -> None:
    """The same bits on every CPU, and variants in src/arch too."""
    ARM[name].need()
    check(ARM[name], work, (8, 16, 32, 128, 256, 1024))


@given(st.integers(0, 2**32), st.sampled_from((8, 16, 64, 128)))
@settings(max_examples=4, deadline=None)
def test_random_levels(work: Path, seed: int, n: int) -> None:
    """Any numbers, of any size, in fixed point: no overflow, the oracle's bits."""
    random = np.random.default_rng(seed)
    cases, calls, inputs = [], [], []
    for kind in KINDS:
        for family, bits in (("i32", 31), ("q15", 15)):
            taken = {}
            for i in range(8):
                limit = 1 << int(random.integers(1, bits + 1))
                x = random.integers(-limit, limit, room(kind, n))
                if i % 2:
                    x = np.where(random.random(x.size) < 0.9, np.where(x < 0, -limit, limit - 1), x)
                taken[f"level {i}"] = x.astype(NUMPY[family])
            cases.append((kind, family, n))
            inputs.append(taken)
            calls.append(transform(kind, family, n, list(taken.values()), 256))
    for case, taken, output in zip(cases, inputs, run(calls, work, SANITIZED), strict=True):
        for (name, x), (status, exponent, got) in zip(
            taken.items(), answers(*case, len(taken), output), strict=True
        ):
            integer, power = integers(*case, x)
            assert (status, exponent) == (0, power), (case, name)
            np.testing.assert_array_equal(got[: integer.size], integer[: got.size], f"{case} {name}")


def test_a_larger_table_does(work: Path) -> None:
    for family in NUMPY:
        taken = list(signals("rfft", family, 64).values())
        one, other = run(
            [transform("rfft", family, 64, taken, table) for table in (64, 2048)], work, SANITIZED
        )
        assert one == other


# -- tables -----------------------------------------------------------------------------------------


def test_constant_tables_are_what_the_script_writes() -> None:
    sys.path.insert(0, str(sdk.root() / "scripts"))
    try:
        import fft_tables
    finally:
        sys.path.pop(0)
    assert fft_tables.main(["--check"]) == 0
    getcontext().prec = 40
    for n in LENGTHS:
        for k, (single, wide, narrow) in enumerate(
            zip(fft_tables.floats(n)[1:], fft_tables.i32(n)[1:], fft_tables.q15(n)[1:], strict=True)
        ):
            value = _cosine(k, n)
            assert abs(Decimal(single) - value) <= _half_ulp(single)
            if k != 0:
                assert abs(wide - value * 65536) <= Decimal("0.5") or wide == 65535
                assert abs(narrow + value * 32768) <= Decimal("0.5") or narrow == -32767


def _cosine(k: int, n: int) -> Decimal:
    angle = Decimal("6.283185307179586476925286766559005768394") * k / n
    term, total = Decimal(1), Decimal(0)
    for i in range(0, 60, 2):
        total += term
        term *= -angle * angle / ((i + 1) * (i + 2))
    return total if 4 * k != n else Decimal(0)


def _half_ulp(value: float) -> Decimal:
    return Decimal(float(np.spacing(np.float32(value)))) / 2 if value else Decimal(0)


def test_filled_tables_are_the_constant_ones(work: Path) -> None:
    calls, want = [], []
    for n in LENGTHS:
        for family, kind in TABLES.items():
            size = f"MW_FFT_TABLE_SIZE({n}) * sizeof({kind})"
            code = (
                f"    {kind} *x = ({kind} *) room({size});\n"
                f"    int32_t status = mw_fft_table_{family}(x, {n});\n"
                f"    put(&status, 4);\n    put(x, {size});\n    put(mw_fft_table_{n}_{family}, {size});\n"
                "    free(x);\n"
            )
            width = 4 if family == "f32" else 2
            calls.append(Call("#include <milliwatt/fft.h>\n", code, b"", 4 + 2 * width * (n // 4 + 2)))
            want.append(family)
    for family, output in zip(want, run(calls, work, SANITIZED), strict=True):
        assert output[:4] == bytes(4)
        kind = np.int32 if family == "f32" else np.int16
        filled, constant = np.frombuffer(output[4:], kind).reshape(2, -1).astype(np.int64)
        assert np.abs(filled - constant).max() <= (1 if family == "f32" else 0)


# -- what is refused --------------------------------------------------------------------------------

_REFUSED = """
    float x[34];
    float table[10];
    int16_t q[40];
    uint16_t none[4] = {65535, 0, 0, 0};
    int exponent = 5;
    int32_t told[16];
    told[0] = mw_fft_f32(NULL, 16, mw_fft_table_16_f32);
    told[1] = mw_fft_f32(x, 16, NULL);
    told[2] = mw_fft_f32(x, 12, mw_fft_table_16_f32);
    told[3] = mw_rfft_f32(x, 4, mw_fft_table_16_f32);
    told[4] = mw_irfft_f32(x, 32, mw_fft_table_16_f32);
    told[5] = mw_ifft_f32(x, 0, mw_fft_table_16_f32);
    told[6] = mw_fft_q15(q, 16, mw_fft_table_16_q15, NULL);
    told[7] = mw_rfft_q15(q + 1, 16, mw_fft_table_16_q15, &exponent);
    told[8] = mw_rfft_i32(NULL, 16, mw_fft_table_16_i32);
    told[9] = mw_fft_i32((int32_t *) x, 8, none);
    told[10] = mw_fft_table_f32(NULL, 32);
    told[11] = mw_fft_table_f32(table, 4);
    told[12] = mw_fft_table_i32(none, 8192);
    told[13] = mw_fft_table_q15(q, 24);
    told[14] = mw_fft_table_q15(NULL, 32);
    told[15] = exponent;
    put(told, sizeof told);
"""


def test_refusals(work: Path) -> None:
    (output,) = run([Call("#include <milliwatt/fft.h>\n", _REFUSED, b"", 64)], work, SANITIZED)
    null, length, alignment = -1, -2, -6
    want = [null, null, length, length, length, length, null, alignment, null, length]
    assert np.frombuffer(output, np.int32).tolist() == [*want, null, length, length, length, null, 5]


def test_nan_does_not_crash(work: Path) -> None:
    x = np.array([np.nan, np.inf, *np.zeros(30)], np.float32)
    (output,) = run([transform("fft", "f32", 16, [x])], work, SANITIZED)
    ((status, _, got),) = answers("fft", "f32", 16, 1, output)
    assert status == 0
    assert np.isnan(got).any()
