"""The samples as a user builds them: copied elsewhere, through PlatformIO's `lib_deps`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mwtest.emulated import ROOT, need

pytestmark = [pytest.mark.xdist_group("samples"), pytest.mark.timeout(240)]

DIGITS = [str(digit) for digit in range(10)]
# Of each grape the first three that are held out: all of them are answered right.
GRAPES = ["Barolo"] * 3 + ["Grignolino"] * 3 + ["Barbera"] * 3
SAME = "the board answers as the PC does"


def slow(*boards: str) -> list[Any]:
    """For `make test-all`: the same on another CPU."""
    return [pytest.param(board, marks=pytest.mark.slow) for board in boards]


def copied(sample: str, directory: Path) -> Path:
    """A copy of the sample, in a path with a space."""
    copy = directory / "my copy" / sample
    litter = shutil.ignore_patterns(".pio", "__pycache__")
    shutil.copytree(ROOT / "samples" / sample, copy, ignore=litter)
    settings = copy / "platformio.ini"
    settings.write_text(settings.read_text().replace("symlink://../..", f"symlink://{ROOT}"))
    return copy


def pio(copy: Path, environment: str, core_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "platformio", "run", "-d", str(copy), "-e", environment, "-t", "upload"]
    variables = {
        **os.environ,
        "PLATFORMIO_CORE_DIR": str(core_dir),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
    }
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def run(sample: str, environment: str, core_dir: Path, directory: Path) -> str:
    """What PlatformIO and the firmware say of a copy of the sample."""
    done = pio(copied(sample, directory), environment, core_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    return done.stdout


def used(said: str, memory: str) -> int:
    """Bytes that the whole firmware takes."""
    found = re.search(rf"^{memory}: .*used (\d+) bytes", said, re.MULTILINE)
    assert found is not None, said
    return int(found[1])


@pytest.mark.parametrize("board", ["qemu_cortex_m0", "qemu_cortex_m4f", "host"])
def test_digits_cnn(board: str, core_dir: Path, tmp_path: Path) -> None:
    said = run("digits_cnn", need(board), core_dir, tmp_path)
    rows = re.findall(r"^ +(\d) +(\d)  (\d+)$", said, re.MULTILINE)
    assert [digit for digit, _, _ in rows] == DIGITS
    assert [answer for _, answer, _ in rows] == DIGITS
    assert SAME in said
    if board == "qemu_cortex_m0":
        assert used(said, "Flash") <= 64 * 1024, "of the whole firmware, printf and ten digits included"
        assert used(said, "RAM") <= 4 * 1024
        assert all(int(cost) <= 350_000 for _, _, cost in rows), "instructions"


@pytest.mark.parametrize("board", ["simavr_atmega328p", "qemu_cortex_m0"])
def test_wine_mlp(board: str, core_dir: Path, tmp_path: Path) -> None:
    said = run("wine_mlp", need(board), core_dir, tmp_path)
    rows = re.findall(r"^ +(\d)  (\w+) +(\w+) +(\d+)$", said, re.MULTILINE)
    assert [grape for _, grape, _, _ in rows] == GRAPES
    assert [answer for _, _, answer, _ in rows] == GRAPES
    assert SAME in said
    if board == "simavr_atmega328p":
        assert used(said, "RAM") <= 1024, "half of what there is, the stack not counted"


CORTEX = ("qemu_cortex_m0", "qemu_cortex_m3", "qemu_cortex_m4f", "qemu_cortex_m7", "qemu_cortex_m33")
OTHERS = ("qemu_riscv32", "host")


def a_second_takes(said: str) -> int:
    found = re.search(r"^a second of \w+ takes (\d+) (?:instructions|cycles|ns)$", said, re.MULTILINE)
    assert found is not None, said
    return int(found[1])


@pytest.mark.parametrize("environment", ["one_dollar", *slow(*CORTEX, *OTHERS)])
def test_sound_event(environment: str, core_dir: Path, tmp_path: Path) -> None:
    need("qemu_cortex_m0" if environment == "one_dollar" else environment)
    said = run("sound_event", environment, core_dir, tmp_path)
    rows = re.findall(r"^\d+ +(\w+) +(\w+)$", said, re.MULTILINE)
    assert [alike for _, alike in rows] == ["same"] * 14, "labels, and features bit for bit"
    assert {label for label, _ in rows} == {"cymbal", "kick", "snare", "tone", "quiet"}
    assert SAME in said
    if environment == "one_dollar":
        assert used(said, "Flash") <= 64 * 1024
        assert used(said, "RAM") <= 7 * 1024, "1 KB is kept for the stack"
        assert a_second_takes(said) <= 5_000_000


def test_one_dollar_is_held_by_the_linker(core_dir: Path, tmp_path: Path) -> None:
    need("qemu_cortex_m0")
    copy = copied("sound_event", tmp_path)
    settings = (copy / "platformio.ini").read_text()
    assert settings.count("= 8192") == 1
    (copy / "platformio.ini").write_text(settings.replace("= 8192", "= 4000"))
    done = pio(copy, "one_dollar", core_dir)
    assert done.returncode != 0
    assert "RAM overflow: static data leaves less than the board's minimum stack" in done.stdout + done.stderr


@pytest.mark.parametrize("board", ["qemu_cortex_m0", *slow(*CORTEX[1:], *OTHERS)])
def test_sound_level(board: str, core_dir: Path, tmp_path: Path) -> None:
    """The same hundredths of a decibel everywhere; the firmware itself compares with scipy's."""
    said = run("sound_level", need(board), core_dir, tmp_path)
    rows = re.findall(r"^ +(\d)  +([\d.]+)  +([\d.]+)  +([\d.]+)  \d+$", said, re.MULTILINE)
    assert rows == [
        ("0", "100.17", "100.18", "98.18"),
        ("1", "86.76", "99.84", "94.36"),
        ("2", "87.24", "92.40", "91.12"),
    ]
    assert "the board measures what the PC computes" in said


@pytest.mark.parametrize("board", ["qemu_cortex_m4f", *slow(*CORTEX[:2], *CORTEX[3:], *OTHERS)])
def test_vibration_anomaly(board: str, core_dir: Path, tmp_path: Path) -> None:
    said = run("vibration_anomaly", need(board), core_dir, tmp_path)
    rows = re.findall(r"^ *\d+  (\w+) +(\w+) +(\w+)  \d+$", said, re.MULTILINE)
    assert rows == [("healthy", "normal", "same")] * 6 + [("defective", "ANOMALY", "same")] * 6
    assert SAME in said


@pytest.mark.parametrize("board", ["simavr_atmega328p", *slow(*CORTEX, *OTHERS)])
def test_activity(board: str, core_dir: Path, tmp_path: Path) -> None:
    said = run("activity", need(board), core_dir, tmp_path)
    rows = re.findall(r"^(\w+) +(\d) s  (\w+) +(\w+)$", said, re.MULTILINE)
    assert [second for _, second, _, _ in rows] == ["2", "3", "4"] * 7
    assert [alike for *_, alike in rows] == ["same"] * 21, "labels, and features bit for bit"
    assert sum(did == answer for did, _, answer, _ in rows) >= 15
    assert SAME in said
    if board == "simavr_atmega328p":
        assert used(said, "RAM") <= 1536, "512 bytes are left for the stack, which takes about half of them"
        assert a_second_takes(said) <= 160_000, "cycles: one percent of a CPU at 16 MHz"
