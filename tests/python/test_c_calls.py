"""Generated functions called in every wrong way: a status each time, and never a byte out of bounds."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mwtest.batch import SANITIZERS
from mwtest.calls import wrong_calls
from mwtest.network_calls import wrong_network_calls
from mwtest.objects import objects

from milliwatt import sdk


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("calls", [wrong_calls, wrong_network_calls])
def test_wrong_calls_give_a_status(
    compiler: str, calls: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    for name, text in calls().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    flags = ("-O1", *SANITIZERS)
    sources = [*map(str, sorted(tmp_path.glob("*.c"))), *objects(("net_",), flags, compiler)]
    command = [compiler, "-std=c99", *flags, f"-I{sdk.include_dir()}", f"-I{tmp_path}"]
    subprocess.run([*command, *sources, "-o", str(tmp_path / "calls")], check=True)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run(
        [tmp_path / "calls"], capture_output=True, text=True, env=environment, check=False
    )
    assert (result.returncode, result.stdout) == (0, "ok\n"), result.stdout + result.stderr
