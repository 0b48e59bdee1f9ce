"""The samples with networks as a user builds them: copied elsewhere, through PlatformIO's `lib_deps`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mwtest.emulated import ROOT, need

pytestmark = [pytest.mark.xdist_group("samples"), pytest.mark.timeout(240)]

DIGITS = [str(digit) for digit in range(10)]
# Of each grape the first three that are held out: all of them are answered right.
GRAPES = ["Barolo"] * 3 + ["Grignolino"] * 3 + ["Barbera"] * 3
SAME = "the board answers as the PC does"


def run(sample: str, board: str, core_dir: Path, directory: Path) -> str:
    """What PlatformIO and the firmware say of a copy of the sample."""
    copy = directory / "my copy" / sample
    litter = shutil.ignore_patterns(".pio", "__pycache__")
    shutil.copytree(ROOT / "samples" / sample, copy, ignore=litter)
    settings = copy / "platformio.ini"
    settings.write_text(settings.read_text().replace("symlink://../..", f"symlink://{ROOT}"))
    command = [sys.executable, "-m", "platformio", "run", "-d", str(copy), "-e", board, "-t", "upload"]
    environment = {
        **os.environ,
        "PLATFORMIO_CORE_DIR": str(core_dir),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
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
