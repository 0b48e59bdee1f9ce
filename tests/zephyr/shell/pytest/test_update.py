"""A model that is sent to a running firmware, as docs/zephyr.md says: `flash write`, `settings write`."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from twister_harness import Shell

ROOT = Path(__file__).resolve().parents[4]
MODEL = ROOT / "tests" / "zephyr" / "updatable" / "models" / "inverted.mw.json"
PARTITION = 0xDE000  # scratch_partition of native_sim
SECTOR = 0x1000


@pytest.fixture
def blob(tmp_path: Path) -> bytes:
    target = tmp_path / "inverted.mw.bin"
    command = [sys.executable, "-m", "milliwatt.emit", str(MODEL), "-o", str(target)]
    subprocess.run(command, cwd=ROOT / "scripts", check=True)
    return target.read_bytes()


@pytest.fixture(autouse=True)
def empty(shell: Shell) -> Iterator[None]:
    yield
    shell.exec_command(f"flash erase {PARTITION:#x} {SECTOR:#x}")
    shell.exec_command("settings delete milliwatt/hello_xor")


def opened(shell: Shell) -> str:
    shell.exec_command(f"flash read {PARTITION:#x} 4")  # the log of an earlier command has come by then
    (line,) = [line for line in shell.exec_command("reopen") if line.startswith("from the ")]
    return line.removeprefix("from the ")


def answer(shell: Shell) -> str:
    (line,) = [line for line in shell.exec_command("mw predict hello_xor 0 0") if line.startswith("class ")]
    return line.partition(": ")[2]


def write(shell: Shell, blob: bytes) -> None:
    shell.exec_command(f"flash erase {PARTITION:#x} {SECTOR:#x}")
    words = struct.unpack(f"<{len(blob) // 4}I", blob)
    for i in range(0, len(words), 8):
        shell.exec_command(
            f"flash write {PARTITION + 4 * i:#x} " + " ".join(f"{w:#x}" for w in words[i : i + 8])
        )


def test_flash_write(shell: Shell, blob: bytes) -> None:
    assert opened(shell) == "firmware"
    assert answer(shell) == "same"
    write(shell, blob)
    assert opened(shell) == "partition"
    assert answer(shell) == "different"
    (line,) = [line for line in shell.exec_command("mw list") if line.startswith("hello_xor: ")]
    assert line == "hello_xor: classifier, 2 int8 features, 2 classes, in the partition"


def test_flash_write_that_was_cut_short(shell: Shell, blob: bytes) -> None:
    write(shell, blob[: len(blob) // 8 * 4])
    assert opened(shell) == "firmware"
    assert answer(shell) == "same"


def test_settings_write(shell: Shell, blob: bytes) -> None:
    assert opened(shell) == "firmware"  # which also starts the settings, as every firmware does
    shell.exec_command(f"settings write hex milliwatt/hello_xor {blob.hex()}")
    assert opened(shell) == "setting"
    assert answer(shell) == "different"
