"""A short run of ``fuzz_csv.py`` without atheris, the same every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUZZER = Path(__file__).resolve().parent / "fuzz_csv.py"


def test_no_input_raises_anything_but_our_errors() -> None:
    command = [sys.executable, str(FUZZER), "5000", "--engine", "plain", "--seed", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
