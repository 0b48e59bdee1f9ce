"""``west milliwatt`` in a workspace whose manifest names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("west")

ROOT = Path(__file__).resolve().parents[2]
XOR = ROOT / "samples" / "hello_xor" / "models" / "hello_xor.mw.json"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, since west refuses commands that links lead to outside of a project."""
    top = tmp_path_factory.mktemp("workspace")
    clone = top / "milliwatt"
    shutil.copytree(ROOT / "scripts", clone / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "include", clone / "include")
    # As in the repository, without Zephyr, which a network would have to bring.
    (clone / "west.yml").write_text(
        "manifest:\n  self:\n    path: milliwatt\n    west-commands: scripts/west-commands.yml\n"
    )
    (top / ".west").mkdir()
    (top / ".west" / "config").write_text("[manifest]\npath = milliwatt\nfile = west.yml\n")
    return top


def west(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "ZEPHYR_BASE"}
    command = [sys.executable, "-m", "west", *arguments]
    return subprocess.run(
        command, cwd=workspace, env=environment, capture_output=True, text=True, check=False
    )


def test_emit(workspace: Path) -> None:
    done = west(workspace, "milliwatt", "emit", str(XOR), "-o", "out", "--method", "inline")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (workspace / "out").iterdir()) == ["hello_xor.c", "hello_xor.h"]


def test_a_blob_for_a_partition(workspace: Path) -> None:
    done = west(workspace, "milliwatt", "emit", str(XOR), "-o", "xor.mw.bin")
    assert done.returncode == 0, done.stderr
    assert (workspace / "xor.mw.bin").read_bytes()[:4] == b"MWMB"


def test_help_of_a_verb_is_the_verbs(workspace: Path) -> None:
    done = west(workspace, "milliwatt", "check", "--help")
    assert done.returncode == 0
    assert "--board" in done.stdout


def test_a_failure_is_a_failure(workspace: Path) -> None:
    done = west(workspace, "milliwatt", "emit", "nothing.mw.json", "-o", "out")
    assert done.returncode == 1
    assert "nothing.mw.json: no such file" in done.stderr


def test_a_python_without_the_packages(workspace: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    done = west(workspace, "milliwatt", "--python", str(bare), "check", "x")
    assert done.returncode == 1
    assert "does not have the packages that `check` needs" in done.stderr
    assert "cure: " in done.stderr
    done = west(workspace, "milliwatt", "--python", str(bare), "emit", str(XOR), "-o", "bare_out")
    assert done.returncode == 0, done.stderr
    assert (workspace / "bare_out" / "hello_xor.h").is_file()


def test_a_python_that_is_not_there(workspace: Path) -> None:
    done = west(workspace, "milliwatt", "--python", "/no/such/python", "emit", str(XOR), "-o", "out")
    assert done.returncode == 1
    assert "/no/such/python cannot be started" in done.stderr
