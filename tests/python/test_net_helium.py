"""Which inner loop an Arm core gets; what all of them give is in test_net_kernels.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from mwtest.toolchain import STRICT

from milliwatt import sdk

HELIUM = ("-mcpu=cortex-m55", "-mfloat-abi=hard")


def _assembler(layer: str, *flags: str) -> str:
    """The assembler text of a layer's kernels, compiled without a warning."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    source = sdk.root() / "src" / f"net_{layer}.c"
    command = ["arm-none-eabi-gcc", "-mthumb", *flags, "-std=c99", *STRICT, f"-I{sdk.include_dir()}"]
    done = subprocess.run(
        [*command, "-S", str(source), "-o", "-"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("layer", ["dense", "conv"])
@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_bytes_on_helium(layer: str, level: str) -> None:
    text = _assembler(layer, *HELIUM, level)
    for instruction in ("vld43.32", "vmladava.u8", "vaddva.u8"):
        assert instruction in text
    assert "usada8" not in text
    assert "smlad" in text  # 16 bits


@pytest.mark.parametrize("layer", ["dense", "conv"])
@pytest.mark.parametrize(
    ("flags", "has_pairs"),
    [
        (("-mcpu=cortex-m4",), True),
        (("-mcpu=cortex-m33",), True),
        (("-mcpu=cortex-m55+nomve", "-mfloat-abi=hard"), True),
        (("-mcpu=cortex-m55+nomve", "-mfloat-abi=hard", "-DMW_UNALIGNED=0"), False),
        (("-mcpu=cortex-m55", "-mfloat-abi=hard", "-DMW_UNALIGNED=0"), False),
        (("-mcpu=cortex-m3",), False),
        (("-mcpu=cortex-m0",), False),
    ],
)
def test_other_cores(layer: str, flags: tuple[str, ...], has_pairs: bool) -> None:
    text = _assembler(layer, *flags, "-O2")
    assert "vmladava" not in text
    assert ("smlad" in text) == has_pairs


@pytest.mark.parametrize("flags", [HELIUM, ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")])
@pytest.mark.parametrize("level", ["-O0", "-Og"])
def test_debug_builds(level: str, flags: tuple[str, ...]) -> None:
    """Without optimisation, loops in assembly are left out: they need all registers. Intrinsics are not."""
    for layer in ("dense", "conv", "depthwise", "float"):
        text = _assembler(layer, *flags, level, "-fno-omit-frame-pointer")
        if layer in ("dense", "conv"):
            assert ("vmladava.u8" in text) == (flags == HELIUM)
            assert ("smlad" in text) == (level == "-Og")


def test_clang_takes_the_same_headers(tmp_path: Path) -> None:
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    target = ["--target=thumbv8.1m.main-none-eabi", *HELIUM, "-munaligned-access"]
    (tmp_path / "string.h").write_text(
        "typedef __SIZE_TYPE__ size_t;\n"
        "void *memcpy(void *, const void *, size_t);\nvoid *memset(void *, int, size_t);\n"
    )
    command = [
        "clang",
        *target,
        "-std=c99",
        "-O2",
        *STRICT,
        f"-I{sdk.include_dir()}",
        "-isystem",
        str(tmp_path),
    ]
    source = sdk.root() / "src" / "net_dense.c"
    done = subprocess.run(
        [*command, "-ffreestanding", "-S", str(source), "-o", "-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "vmlava.u8" in done.stdout  # the same instruction
