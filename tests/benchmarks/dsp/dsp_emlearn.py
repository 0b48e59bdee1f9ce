"""emlearn's transform and filter: headers of its package on PyPI."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import peers
from peers.environment import PeerEnvironment

NOTE = (
    "emlearn 0.23.2, `eml_fft.h` and `eml_iir.h`, measured in the same run, compiled like ours. Its "
    "transform is complex, forward, of floats; making its tables of sines, at run time, is in the flash and "
    "not in the instructions. Its filter takes one sample a call; with the filter in sight of the compiler "
    "(`static`, one file, blocks of known length) the compiler puts its numbers into the code. It has no "
    "transform of real numbers, and nothing here in fixed point"
)


def include(directory: Path, python: Path | None) -> Path:
    """Where its headers are; in the environment of the trees' benchmark, which is made if there is none.

    Raises:
        RuntimeError: that Python has no emlearn.
    """
    environment = PeerEnvironment(directory, python, peers.requirements())
    command = [str(environment.python.absolute()), "-c", "import emlearn; print(emlearn.includedir)"]
    with tempfile.TemporaryDirectory() as elsewhere:  # emlearn leaves a `tmp` where it is
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=600, cwd=elsewhere
        )
    if done.returncode:
        raise RuntimeError(f"{command[0]} does not import emlearn:\n{done.stderr}")
    return Path(done.stdout.splitlines()[-1])
