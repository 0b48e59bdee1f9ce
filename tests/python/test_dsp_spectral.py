"""Spectra of frames in C: beside numpy and scipy, on the PC and on Arm, and what constants leave of it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.dsp_cases import Case, case, check, check_avr, compare
from mwtest.fft_cases import shared
from mwtest.net_cases import ARM, SANITIZED, run
from mwtest.spectral_oracle import spectrum_within
from numpy.typing import NDArray

from milliwatt import sdk
from milliwatt.errors import MilliwattError
from milliwatt.ir.signals import WINDOWS, Spectrum
from milliwatt.signal_spectral import spectral, spectral_tables
from milliwatt.signal_windows import window_f32, window_q15

KERNELS = ("fft", "spectrum", "mel", "roots", "sine", "window")
SHAPES = ("peak", "centroid", "rolloff")
MEL = Spectrum(256, 200, 100, "hamming", values="mel", rate=16000, n_mels=20, logarithm="log2", floor=1e-7)
STAGES = [
    Spectrum(64, 64, 64, logarithm="log2", shape=SHAPES),
    Spectrum(64, 50, 10, "boxcar", centre=True, logarithm="log2", chosen=(3, 4, 5, 9)),
    Spectrum(
        32, 32, 32, "blackman", values="bands", edges=(0, 2, 3, 7, 17), logarithm="log2", chosen=(1, 2, 3)
    ),
    Spectrum(8, 1, 1, "flattop", values="none", shape=("rolloff", "peak")),
    MEL,
    replace(MEL, chosen=(4, 5, 6, 7, 9)),
    replace(MEL, values="cepstrum", n_cepstrum=13, lifter=22.0, shape=("centroid",)),
    replace(MEL, values="cepstrum", n_cepstrum=9, chosen=(3, 4, 7)),
]
FLOATS = [
    *STAGES,
    replace(STAGES[0], logarithm="none", quantity="magnitude"),
    replace(STAGES[1], logarithm="ln"),
    replace(STAGES[2], logarithm="db", quantity="magnitude", floor=1e-3),
    replace(MEL, logarithm="none", mel_norm="none", mel_scale="htk", fmin=100.0, fmax=4000.0),
]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory)


def frames(n: int) -> list[NDArray[np.int16]]:
    """Noise loud and quiet, a tone, a step, full scale, a constant, the least there is, and nothing."""
    rng = np.random.default_rng(n)
    t = np.arange(n)
    found = [
        rng.uniform(-32768, 32767, n),
        rng.normal(size=n) * 20 + 500,
        12000 * np.sin(0.7 * t) + rng.normal(size=n) * 40,
        np.where(t < n // 2, -32768, 32767),
        np.full(n, -32768),
        np.where(t == n // 2, 1, 0),
        np.zeros(n),
    ]
    return [np.round(x).astype(np.int16) for x in found]


def spectral_case(stage: Spectrum, dtype: str, x: NDArray[Any], want: NDArray[Any], allowed: Any) -> Case:
    """The frame in two parts and among samples of another channel."""
    made = spectral(stage, dtype)
    kind, work = ("i16", "int32_t") if dtype == "int16" else ("f32", "float")
    given = np.column_stack([x, x[::-1]]).reshape(-1)
    first = (2 * x.size) // 3
    # As a ring holds it: the end of the frame stands first.
    ring = np.concatenate([given[2 * first :], given[: 2 * first]])
    rest = x.size - first
    code = (
        f"{work} *work = ({work} *) room(MW_SPECTRAL_WORK({made.n_fft}) * sizeof *work);\n"
        f"    const mw_view_{kind} frame = {{x + {2 * rest}, x, {first}, {rest}, 2}};\n"
        f"    status = mw_spectral_frame_{kind}(&@_config, &frame, work, out);\n    free(work)"
    )
    tables = spectral_tables(made, "@_config")
    return case(["spectral"], tables, code, {"x": ring}, want, allowed, dtype=x.dtype)


def of_plan(stage: Spectrum, dtype: str, exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of all of a stage's values those that C computes, in its order; what nobody asked for is infinite."""
    made = spectral(stage, dtype)
    chosen = stage.chosen or tuple(range(stage.n_all))
    want = np.full(made.n_out, np.inf)
    want[list(made.picked or range(made.n_out))] = exact[list(chosen)]
    return want


def kind_of(stage: Spectrum) -> NDArray[np.str_]:
    return np.array([stage.values] * (stage.n_all - len(stage.shape)) + list(stage.shape))


def integer_case(stage: Spectrum, x: NDArray[np.int16]) -> Case:
    """Within what spectral.h states: 87 dB below the largest bin, and half a unit of the result."""
    y = x.astype(np.int64)
    if stage.centre:  # by a whole number
        y = np.clip(y - int(np.floor(y.mean() + 0.5)), -32768, 32767)
    exact, allowed = spectrum_within(replace(stage, centre=False), y / 32768.0, 2.0**-14.4, 0.53 / 256)
    kinds = kind_of(stage)
    unit = np.select(
        [kinds == "cepstrum", kinds == "centroid", np.isin(kinds, SHAPES)], [64.0, 8.0, 1.0], 256.0
    )
    # Cosines are rounded to 15 bits, of logarithms of up to 20; shapes to bins, unless bins are equal.
    more = np.select(
        [kinds == "cepstrum", kinds == "centroid", np.isin(kinds, SHAPES)], [0.51 + 0.6, 1.01, 0.0], 0.0
    )
    want, limit = (of_plan(stage, "int16", v) for v in (exact * unit, allowed * unit + more))
    want, limit = np.nan_to_num(want, posinf=0), np.nan_to_num(limit, posinf=1e6)
    return spectral_case(stage, "int16", x, want, limit)


def float_case(stage: Spectrum, x: NDArray[np.float32]) -> Case:
    exact, allowed = spectrum_within(stage, x, 2.0**-21, 2.0**-18)
    kinds = kind_of(stage)
    allowed += np.where(kinds == "centroid", 2.0**-16 * stage.n_bins, 0.0) + 2.0**-22
    want, limit = (of_plan(stage, "float", v) for v in (exact, allowed))
    want, limit = np.nan_to_num(want, posinf=0), np.nan_to_num(limit, posinf=1e6)
    return spectral_case(stage, "float", x, want, limit)


def all_cases() -> list[Case]:
    found = [integer_case(stage, x) for stage in STAGES for x in frames(stage.length)]
    for stage in FLOATS:
        found += [float_case(stage, (x / 32768.0).astype(np.float32)) for x in frames(stage.length)]
    return found


@pytest.fixture(scope="module")
def here(work: Path) -> tuple[list[Case], list[bytes]]:
    """All cases, and what the sanitized PC answers."""
    cases = all_cases()
    return cases, run([one.made for one in cases], work, SANITIZED, KERNELS)


def test_spectra_of_frames_are_those_of_numpy(here: tuple[list[Case], list[bytes]], work: Path) -> None:
    compare(*here)
    ARM["cortex-m4"].need()
    floats = [one for one in here[0] if one.dtype == np.float32]
    check(floats, work, ARM["cortex-m4"], KERNELS)


def test_spectra_have_the_same_bits_everywhere(
    here: tuple[list[Case], list[bytes]], work: Path, tmp_path: Path
) -> None:
    """Integers, on Arm and on an ATmega: what the PC answers."""
    whole = [
        replace(one, want=np.frombuffer(got, np.int16), allowed=None)
        for one, got in zip(*here, strict=True)
        if one.dtype == np.int16
    ]
    for machine in (ARM["cortex-m0"], ARM["cortex-m3"]):
        machine.need()
        check(whole, work, machine, KERNELS)
    small = whole[7:10] + whole[14:17] + whole[21:23]
    check_avr(small, tmp_path, ("fft_", "spectrum_", "mel_", "roots"))


@pytest.mark.parametrize("dtype", ["int16", "float"])
def test_a_frame_that_does_not_fit_is_refused(dtype: str, work: Path) -> None:
    stage = Spectrum(64, 50, 50, logarithm="log2", values="bands", edges=(0, 9, 40))
    x = np.zeros(50, np.int16 if dtype == "int16" else np.float32)
    cases = []
    for wrong, length in ((stage, 50), (replace(stage, edges=(0, 9, 10), length=65), 65), (MEL, 50)):
        made = replace(spectral(wrong, dtype), n_mels=20 if wrong is not MEL else 500)
        kind, number = ("i16", "int32_t") if dtype == "int16" else ("f32", "float")
        code = (
            f"static {number} work[MW_SPECTRAL_WORK(256)]; static {number} room_[64];\n"
            f"    const mw_view_{kind} frame = mw_array_{kind}(x, {length}, {0 if length > 50 else 1});\n"
            f"    status = mw_spectral_frame_{kind}(&@_config, &frame, work, (void *) room_);\n    out[0] = 7"
        )
        cases.append(
            case(["spectral"], spectral_tables(made, "@_c").replace("@_c =", "@_config ="), code, {"x": x},
                 np.array([7], np.int32), status=-2)
        )  # fmt: skip
    check(cases, work, SANITIZED, KERNELS)


LINKED = {
    "bins": {"mw_rfft_i32", "mw_power_block_i32"},
    "mel": {"mw_rfft_i32", "mw_power_block_i32", "mw_mel_log2_u32"},
    "cepstrum": {"mw_rfft_i32", "mw_power_block_i32", "mw_mel_log2_u32", "mw_dct_i16", "mw_centroid_u32"},
    "floats": {"mw_rfft_f32", "mw_magnitude_f32", "mw_mel_f32"},
}


@pytest.mark.parametrize(
    "compiler", ["arm-none-eabi-gcc -mcpu=cortex-m0", "avr-gcc -mmcu=atmega328p", "clang"]
)
@pytest.mark.parametrize("name", LINKED)
def test_only_what_a_constant_names_is_linked(name: str, compiler: str, tmp_path: Path) -> None:
    stage = {
        "bins": STAGES[1], "mel": MEL, "cepstrum": STAGES[6],
        "floats": replace(MEL, quantity="magnitude", logarithm="none"),
    }[name]  # fmt: skip
    program, *flags = compiler.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    kind = "f32" if name == "floats" else "i16"
    number = "float" if name == "floats" else "int16_t"
    source = tmp_path / "one.c"
    source.write_text(
        "#include <milliwatt/spectral.h>\n"
        + spectral_tables(spectral(stage, "float" if name == "floats" else "int16"), "config")
        + f"int frame(const mw_view_{kind} *x, void *work, {number} *out);\n"
        + f"int frame(const mw_view_{kind} *x, void *work, {number} *out)\n"
        + f"{{\n    return mw_spectral_frame_{kind}(&config, x, work, out);\n}}\n",
        encoding="utf-8",
    )
    for level in ("-Os", "-O2"):
        made = tmp_path / "one.o"
        warn = ("-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror")
        subprocess.run(
            [program, *flags, "-std=c99", level, *warn, f"-I{sdk.include_dir()}", "-c", source, "-o", made],
            check=True,
        )
        symbols = subprocess.run(["nm", "-u", made], capture_output=True, text=True, check=True).stdout
        found = {line.split()[-1] for line in symbols.splitlines()}
        kernels = {one for one in found if one.startswith("mw_") and not one.startswith("mw_fft_table")}
        assert kernels == LINKED[name], level
        assert {one for one in found if one.startswith("mw_fft_table")} == {
            f"mw_fft_table_{stage.n_fft}_{'f32' if name == 'floats' else 'i32'}"
        }


def test_the_plan_of_a_stage_leaves_out_what_is_not_chosen() -> None:
    made = spectral(STAGES[5], "int16")
    assert (made.n_mels, made.n_values, made.picked) == (6, 6, (0, 1, 2, 3, 5))
    made = spectral(STAGES[7], "float")
    assert made.dct is not None
    assert (len(made.dct.rows), made.n_values, made.picked) == (6, 6, (1, 2, 5))
    made = spectral(replace(STAGES[0], chosen=(35,)), "float")
    assert (made.n_values, made.shape, made.picked, made.n_out) == (0, (3,), (), 1)
    made = spectral(STAGES[2], "float")
    assert (made.edges, made.first, made.picked) == ((2, 3, 7, 17), 0, ())


def test_windows_in_python_have_the_bits_of_c(work: Path) -> None:
    cases = []
    names = ("RECTANGULAR", "HANN", "HAMMING", "BLACKMAN", "BLACKMAN_HARRIS", "FLAT_TOP")
    for name, kind in zip(WINDOWS, names, strict=True):
        for n in (1, 2, 7, 200, 1024):
            for ends in ("PERIODIC", "SYMMETRIC"):
                call = f"status = mw_window_{{}}(out, {n}U, MW_WINDOW_{kind}, MW_WINDOW_{ends})"
                floats = window_f32(name, n, periodic=ends == "PERIODIC")
                exact = np.array(floats, np.float32)
                assert (exact.astype(np.float64) == floats).all()
                cases.append(case(["windows"], "", call.format("f32"), {}, exact))
                whole = np.array(window_q15(name, n, periodic=ends == "PERIODIC"), np.int16)
                cases.append(case(["windows"], "", call.format("q15"), {}, whole))
    check(cases, work, SANITIZED, KERNELS)
    for name, n, problem in (("kaiser", 8, "not known"), ("hann", 0, "a length of 0")):
        with pytest.raises(MilliwattError, match=problem):
            window_f32(name, n)
