"""Transforms and filters by CMSIS-DSP (MW_CMSIS_DSP=1): the same interface, results as near to float64.

CMSIS-DSP itself is used where CMSIS_DSP_DIR names a checkout of it; on emulated Arm cores CMSIS_CORE_DIR has
to name CMSIS's `Core/Include`, too. A stand-in of the functions that are called, written from their
documentation, takes their place everywhere.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import scipy.signal
from mwtest.cmsis_dsp import Provider, checkout
from mwtest.fft_cases import answers, signals, transform
from mwtest.filter_cases import Design, db, iir_call, signal
from mwtest.net_cases import ARM, OPTIMISED, SANITIZED, Call, Machine, run
from numpy.typing import NDArray

from milliwatt import sdk

CHECKOUT, CORE = os.environ.get("CMSIS_DSP_DIR", ""), os.environ.get("CMSIS_CORE_DIR", "")
_LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_TRANSFORMS = """
#include <stdint.h>
typedef enum { ARM_MATH_SUCCESS = 0, ARM_MATH_ARGUMENT_ERROR = -1 } arm_status;
typedef struct { uint16_t fftLen; } arm_cfft_instance_f32;
void arm_cfft_f32(const arm_cfft_instance_f32 *S, float *p1, uint8_t ifftFlag, uint8_t bitReverseFlag);
""" + "".join(f"arm_status arm_cfft_init_{n}_f32(arm_cfft_instance_f32 *S);\n" for n in _LENGTHS)
_FILTERING = """
#include <stdint.h>
typedef struct {
    uint8_t numStages;
    float *pState;
    const float *pCoeffs;
} arm_biquad_cascade_df2T_instance_f32;
void arm_biquad_cascade_df2T_f32(const arm_biquad_cascade_df2T_instance_f32 *S, const float *pSrc,
    float *pDst, uint32_t blockSize);
"""
_STAND_IN = """
#include <math.h>
#include "dsp/filtering_functions.h"
#include "dsp/transform_functions.h"
int stand_in_calls = 0;
void arm_cfft_f32(const arm_cfft_instance_f32 *S, float *p1, uint8_t ifftFlag, uint8_t bitReverseFlag)
{
    static double re[4096], im[4096];
    const uint32_t n = S->fftLen;
    ++stand_in_calls;
    for (uint32_t k = 0; k < n; ++k) {
        re[k] = im[k] = 0;
        for (uint32_t j = 0; j < n; ++j) {
            const double angle = -2 * 3.14159265358979323846 * (double) (j * k % n) / n;
            re[k] += p1[2 * j] * cos(angle) - p1[2 * j + 1] * sin(angle);
            im[k] += p1[2 * j] * sin(angle) + p1[2 * j + 1] * cos(angle);
        }
    }
    for (uint32_t k = 0; k < n && !ifftFlag && bitReverseFlag; ++k) {
        p1[2 * k] = (float) re[k];
        p1[2 * k + 1] = (float) im[k];
    }
}
void arm_biquad_cascade_df2T_f32(const arm_biquad_cascade_df2T_instance_f32 *S, const float *pSrc,
    float *pDst, uint32_t blockSize)
{
    ++stand_in_calls;
    for (int stage = 0; stage < S->numStages; ++stage, pSrc = pDst) {
        const float *b = S->pCoeffs + 5 * stage, *a = b + 3;
        float *d = S->pState + 2 * stage;
        for (uint32_t i = 0; i < blockSize; ++i) {
            const float x = pSrc[i], y = b[0] * x + d[0];
            d[0] = b[1] * x + a[0] * y + d[1];
            d[1] = b[2] * x + a[1] * y;
            pDst[i] = y;
        }
    }
}
""" + "".join(
    f"arm_status arm_cfft_init_{n}_f32(arm_cfft_instance_f32 *S)\n"
    f"{{\n    S->fftLen = {n};\n    return ARM_MATH_SUCCESS;\n}}\n"
    for n in _LENGTHS
)
_KERNELS = ("fft", "sine", "iir")
Numbers: TypeAlias = NDArray[Any]


def on(provider: Provider, machine: Machine, directory: Path) -> Machine:
    """The machine with a library that calls the functions; skips the test where that cannot be."""
    machine.need()
    if provider.name == "stand-in" and machine is not SANITIZED:
        pytest.skip("the stand-in is for the sanitizers")
    if provider.name != "stand-in" and machine.machine and not CORE:
        pytest.skip("CMSIS_CORE_DIR does not name CMSIS's Core/Include")
    return provider.on(machine, directory)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cmsis-dsp")


@pytest.fixture(scope="module", params=("stand-in", "CMSIS-DSP"))
def provider(request: pytest.FixtureRequest, work: Path) -> Provider:
    if request.param == "CMSIS-DSP":
        if not CHECKOUT:
            pytest.skip("CMSIS_DSP_DIR does not name a checkout of CMSIS-DSP")
        return checkout(Path(CHECKOUT), CORE)
    (work / "stand-in" / "dsp").mkdir(parents=True)
    for name, text in (
        ("dsp/transform_functions.h", _TRANSFORMS),
        ("dsp/filtering_functions.h", _FILTERING),
        ("stand-in.c", _STAND_IN),
    ):
        (work / "stand-in" / name).write_text(text, encoding="utf-8")
    return Provider("stand-in", (work / "stand-in",), (work / "stand-in" / "stand-in.c",))


MACHINES = (SANITIZED, OPTIMISED, ARM["cortex-m0"], ARM["cortex-m4"], ARM["cortex-m55"])


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest, provider: Provider, work: Path) -> Machine:
    return on(provider, request.param, work)


def _snr(kind: str, x: Numbers, got: Numbers, n: int) -> float:
    exact = x.astype(np.float64)
    if kind == "irfft":
        exact[[1, n + 1]] = 0
        return db(np.fft.irfft(exact.view(np.complex128), n), got[:n])
    if kind == "rfft":
        return db(np.fft.rfft(exact[:n]).view(np.float64), got)
    bins = exact.view(np.complex128)
    return db((np.fft.fft(bins) if kind == "fft" else np.fft.ifft(bins)).view(np.float64), got)


@pytest.mark.parametrize("table", [1, 2, 4], ids=["own-table", "of-twice", "of-four-times"])
def test_transforms_are_numpys(machine: Machine, work: Path, table: int) -> None:
    """With the table of its own length; a longer one, of whose half CMSIS-DSP has transforms; and longer."""
    todo, calls = [], []
    for n in (8, 16, 32, 64, 512) if "stand-in" in machine.name else (8, 16, 32, 128, 512, 2048, 4096):
        for kind in ("fft", "ifft", "rfft", "irfft"):
            if n * table <= 4096:
                inputs = signals(kind, "f32", n)
                chosen = [inputs[name] for name in ("noise", "sine", "step", "impulse")]
                todo.append((kind, n, chosen))
                calls.append(transform(kind, "f32", n, chosen, n * table))
    for (kind, n, chosen), output in zip(todo, run(calls, work, machine, _KERNELS), strict=True):
        for x, (status, _, got) in zip(chosen, answers(kind, "f32", n, len(chosen), output), strict=True):
            assert status == 0
            assert _snr(kind, x, got.astype(np.float64), n) > 135, (kind, n)


def test_filters_are_scipys(machine: Machine, work: Path) -> None:
    """Blocks, in place, one and several channels, settled: the state is the same with either's code."""
    designs = [
        Design("butter", 4, "lowpass", 0.2, 0).sos,
        Design("butter", 2, "highpass", 0.05, 0).sos,
        Design("ellip", 5, "lowpass", 0.3, 0).sos,
    ]
    calls, wanted = [], []
    for at, sos in enumerate(designs):
        for channels in (1, 3):
            columns = [signal(name, 200, 0.9, at) for name in ("random", "sine", "step")][:channels]
            x = np.stack(columns, 1).astype(np.float32)
            for settled in (None, [float(value) for value in x[0]]):
                calls.append(iir_call("f32", sos, x, blocks=(64, 1, 7), in_place=at == 1, settled=settled))
                wanted.append(_filtered(sos, x.astype(np.float64), settled))
    for output, want in zip(run(calls, work, machine, _KERNELS), wanted, strict=True):
        got = np.frombuffer(output, np.float32).astype(np.float64)
        assert db(want.reshape(-1), got) > 108


def _filtered(sos: Numbers, x: Numbers, settled: Sequence[float] | None) -> Numbers:
    if settled is None:
        return np.asarray(scipy.signal.sosfilt(sos, x, axis=0))
    rest = scipy.signal.sosfilt_zi(sos)
    columns = [scipy.signal.sosfilt(sos, x[:, i], zi=rest * first)[0] for i, first in enumerate(settled)]
    return np.stack(columns, 1)


_COUNTED = "    stand_in_calls = 0;\n    CALL;\n    { const int32_t n = stand_in_calls; put(&n, 4); }\n"


def _counted(call: str) -> Call:
    tables = "#include <milliwatt/fft.h>\n#include <milliwatt/iir.h>\nextern int stand_in_calls;\n"
    tables += "static float @x[600];\nstatic float @state[12];\n"
    tables += "static const mw_iir_section_f32 @s[2] = {{{1, 0, 0}, {0, 0}}, {{1, 0, 0}, {0, 0}}};\n"
    tables += "static const mw_iir_f32 @f = {@s, 2};\n"
    return Call(tables, _COUNTED.replace("CALL", call), b"", 4)


# A call, and how many of CMSIS-DSP's functions it comes to.
_COUNTS = [
    ("(void) mw_fft_f32(@x, 64, mw_fft_table_64_f32)", 1),
    ("(void) mw_fft_f32(@x, 64, mw_fft_table_128_f32)", 1),
    ("(void) mw_rfft_f32(@x, 64, mw_fft_table_64_f32)", 1),
    ("(void) mw_irfft_f32(@x, 32, mw_fft_table_32_f32)", 1),
    ("(void) mw_ifft_f32(@x, 16, mw_fft_table_16_f32)", 1),
    # No transform of 8 is there; no more than the table's length, and half of it.
    ("(void) mw_fft_f32(@x, 8, mw_fft_table_8_f32)", 0),
    ("(void) mw_rfft_f32(@x, 16, mw_fft_table_16_f32)", 0),
    ("(void) mw_fft_f32(@x, 64, mw_fft_table_256_f32)", 0),
    # A table in RAM; what is refused.
    ("float t[18]; (void) mw_fft_table_f32(t, 64); (void) mw_fft_f32(@x, 64, t)", 0),
    ("(void) mw_fft_f32(@x, 128, mw_fft_table_64_f32)", 0),
    # Sections one by one, of one channel.
    ("(void) mw_iir_run_f32(&@f, @state, 1, @x, @x, 20)", 2),
    ("(void) mw_iir_run_f32(&@f, @state, 3, @x, @x, 20)", 0),
    ("@x[0] = mw_iir_one_f32(&@f, @state, @x[0])", 0),
    ("(void) mw_iir_run_f32(&@f, @state, 1, @x, @x, 0)", 0),
]


def test_what_is_left_to_cmsis(provider: Provider, work: Path) -> None:
    if provider.name != "stand-in":
        pytest.skip("CMSIS-DSP does not count its calls")
    calls = [_counted(call) for call, _ in _COUNTS]
    found = run(calls, work, on(provider, SANITIZED, work), _KERNELS)
    for (call, count), output in zip(_COUNTS, found, strict=True):
        assert np.frombuffer(output, np.int32)[0] == count, call


@pytest.mark.parametrize(("macro", "told"), [("ESP_PLATFORM", "Cortex-M"), ("__AVR__", "in place")])
def test_where_the_option_is_refused(macro: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "avr").mkdir()
    (tmp_path / "avr" / "pgmspace.h").write_text("", encoding="utf-8")
    command = ["gcc", "-std=c99", f"-D{macro}", "-DMW_CMSIS_DSP=1", f"-I{sdk.include_dir()}", f"-I{tmp_path}"]
    done = subprocess.run(
        [*command, "-fsyntax-only", "-include", "milliwatt/config.h", "-x", "c", "/dev/null"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert told in done.stderr
