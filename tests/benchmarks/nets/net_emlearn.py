"""emlearn's networks: multi-layer perceptrons in floats."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from pathlib import Path

import joblib
import peers
from net_cases import Case
from peers.environment import PeerEnvironment

EMLEARN = "emlearn"
NOTE = (
    "emlearn 0.23.2, `loadable`, the only form that works: its `inline` networks end in `ValueError: invalid "
    "literal for int() with base 10: 'EmlNetActivationRelu'`, and its integer networks need those. It takes "
    "multi-layer perceptrons in floats, no convolutions, and always computes the softmax"
)
_SCRIPT = Path(__file__).resolve().parent / "emlearn_export.py"
_lock = threading.Lock()


def environment(directory: Path, python: Path | None) -> PeerEnvironment:
    """The one that the trees' benchmark makes."""
    return PeerEnvironment(directory, python, peers.requirements())


def export(case: Case, peer: PeerEnvironment, directory: Path) -> tuple[list[Path], list[Path]]:
    """emlearn's header for a perceptron, and the directories to include from; kept until either changes.

    Raises:
        RuntimeError: it does not export.
    """
    directory.mkdir(parents=True, exist_ok=True)
    estimator, about = directory / "estimator.joblib", directory / "about.json"
    with _lock:
        joblib.dump(case.estimator(), estimator)
        made_by = [estimator.read_bytes(), _SCRIPT.read_bytes(), "\0".join(peer.requirements).encode()]
        key = hashlib.sha256(b"\0".join(made_by)).hexdigest()
        if not about.exists() or json.loads(about.read_text())["key"] != key:
            command = [str(peer.python.absolute()), str(_SCRIPT), str(estimator), str(directory / "model.h")]
            # There, because emlearn leaves a `tmp` where it is.
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=600, cwd=directory
            )
            if done.returncode:
                raise RuntimeError(f"emlearn does not export {case.name}:\n{done.stderr}")
            about.write_text(json.dumps({"key": key, "include": done.stdout.splitlines()[-1]}))
    return [], [directory, Path(json.loads(about.read_text())["include"])]
