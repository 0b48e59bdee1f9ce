"""The peers' virtual environment, and their export in it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import venv
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
from candidate import Candidate, NotSupportedError, Sources
from forests import Forest

EXPORTERS = Path(__file__).resolve().parent / "exporters"
_TIMEOUT_S = 1800


class PeerEnvironment:
    """Exports candidates of peers; what was exported before, by the same means, is used again."""

    def __init__(self, directory: Path, python: Path | None, requirements: list[str]) -> None:
        """``python``: one that has the peers; otherwise an environment is made in ``directory``."""
        self.directory = directory
        self.given = python
        # The scikit-learn that fitted the forests, too.
        ours = [f"{name}=={version(name)}" for name in ("scikit-learn", "numpy", "joblib")]
        self.requirements = [*requirements, *ours]
        self._lock = threading.Lock()

    @cached_property
    def python(self) -> Path:
        if self.given is not None:
            return self.given
        home = self.directory / "venv"
        python, done = home / "bin" / "python", home / "installed.txt"
        wanted = "\n".join(self.requirements)
        if not done.exists() or done.read_text() != wanted:
            print(f"installing the peers into {home}", file=sys.stderr)
            venv.create(home, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *self.requirements], check=True)
            done.write_text(wanted)
        return python

    def export(self, forest: Forest, candidate: Candidate, directory: Path) -> Sources:
        """C sources of a peer's candidate.

        Raises:
            NotSupportedError: the library refuses the model.
            RuntimeError: the export failed.
        """
        script = EXPORTERS / f"{candidate.library}_export.py"
        estimator, digest = self._estimator(forest, candidate)
        options = {"method": candidate.method, "c_type": candidate.c_type, "leaf_bits": candidate.leaf_bits}
        made_by = [digest, script.read_text(), json.dumps(options), *self.requirements, str(self.given)]
        key = hashlib.sha256("\0".join(made_by).encode()).hexdigest()
        about_file = directory / "about.json"
        about: dict[str, Any] = json.loads(about_file.read_text()) if about_file.exists() else {}
        if about.get("key") != key:
            about = {**self._run(script, estimator, directory, options), "key": key}
            about_file.write_text(json.dumps(about))
        if "refused" in about:
            raise NotSupportedError(about["refused"])
        files = [directory / name for name in about["sources"]]
        return Sources(files, [directory, *map(Path, about["includes"])])

    def _estimator(self, forest: Forest, candidate: Candidate) -> tuple[Path, str]:
        fitted = candidate.fitted(forest)
        kind = "integer" if fitted is forest.integer else "real"
        path = self.directory / "estimators" / f"{forest.name}-{kind}.joblib"
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            joblib.dump(fitted.estimator, partial)
            partial.replace(path)
            return path, hashlib.sha256(path.read_bytes()).hexdigest()

    def _run(self, script: Path, estimator: Path, directory: Path, options: dict[str, Any]) -> dict[str, Any]:
        with self._lock:  # one at a time is enough, and only one makes the environment
            command = [self.python, script, estimator, directory, json.dumps(options)]
            done = subprocess.run(
                list(map(str, command)), capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
        if done.returncode != 0:
            raise RuntimeError(f"{script.name} fails for {estimator.name}:\n{done.stderr}")
        about: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return about
