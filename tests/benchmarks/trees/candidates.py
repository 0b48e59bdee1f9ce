"""Milliwatt and emlearn: from a forest to C sources."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import joblib
from firmware import SKELETON, RowType
from forests import Forest

import milliwatt

EMLEARN = "0.23.2"
_C_TYPES = {"int16": "int16_t", "float": "float"}
_NUMPY_TYPES = {"int16": "<i2", "float": "<f4"}


@dataclass(frozen=True)
class Candidate:
    """One way to run a forest. ``leaf_bits`` is emlearn's: 0 hard votes, 8 soft votes in bytes."""

    library: str
    method: str
    dtype: str
    leaf_bits: int = 0

    @property
    def votes(self) -> str:
        if self.library == "milliwatt":
            return "exact"
        return f"soft {self.leaf_bits} bit" if self.leaf_bits else "hard"

    @property
    def name(self) -> str:
        return "-".join([self.library, self.method, self.dtype, self.votes.replace(" ", "")])

    @property
    def c_type(self) -> str:
        return _C_TYPES[self.dtype]

    def row_type(self, forest: Forest) -> RowType:
        return RowType(self.c_type, forest.rows.shape[1])

    def rows(self, forest: Forest) -> list[bytes]:
        """The forest's rows as the device's memory holds them."""
        return [row.tobytes() for row in forest.rows.astype(_NUMPY_TYPES[self.dtype])]


def candidates(forest: Forest) -> Iterator[Candidate]:
    """All ways that apply. Where leaves are pure, emlearn's soft votes decide what its hard ones do."""
    for dtype in _C_TYPES:
        for method in ("inline", "loadable"):
            yield Candidate("milliwatt", method, dtype)
            if (method, dtype) != ("loadable", "float"):  # emlearn's loadable is int16 only
                for leaf_bits in (0,) if forest.is_pure else (0, 8):
                    yield Candidate("emlearn", method, dtype, leaf_bits)


@dataclass(frozen=True)
class Sources:
    """What to compile for a candidate."""

    files: list[Path]
    includes: list[Path]


class Exporter:
    """Writes C sources into a directory, with emlearn in a Python of its own."""

    def __init__(self, directory: Path, peer_python: Path | None) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.peer_python = peer_python or _peer_environment(directory)
        self.emlearn_version = ""

    def export(self, forest: Forest, candidate: Candidate) -> Sources:
        directory = self.directory / forest.name / candidate.name
        directory.mkdir(parents=True, exist_ok=True)
        if candidate.library == "emlearn":
            return self._emlearn(forest, candidate, directory)
        model = milliwatt.convert(
            forest.estimator, name="model", method=candidate.method, dtype=candidate.dtype
        )
        model.save(file=directory / "model.c")
        return Sources([directory / "model.c", SKELETON / "predict_milliwatt.c"], [directory])

    def _emlearn(self, forest: Forest, candidate: Candidate, directory: Path) -> Sources:
        estimator = self.directory / forest.name / "estimator.joblib"
        if not estimator.exists():
            joblib.dump(forest.estimator, estimator)
        script = Path(__file__).resolve().parent / "emlearn_export.py"
        command = [self.peer_python, script, estimator, directory / "model.h"]
        options = ["--method", candidate.method, "--dtype", candidate.c_type]
        if candidate.leaf_bits:
            options += ["--leaf-bits", str(candidate.leaf_bits)]
        done = subprocess.run([*map(str, command), *options], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"emlearn cannot export {forest.name} as {candidate.name}:\n{done.stderr}")
        about = json.loads(done.stdout.splitlines()[-1])
        self.emlearn_version = about["version"]
        return Sources([SKELETON / "predict_emlearn.c"], [directory, Path(about["include"])])


def _peer_environment(directory: Path) -> Path:
    """A virtual environment with emlearn and the scikit-learn that fitted the forests."""
    home = directory / "emlearn-venv"
    python = home / "bin" / "python"
    wanted = [
        f"emlearn=={EMLEARN}",
        f"scikit-learn=={version('scikit-learn')}",
        f"numpy=={version('numpy')}",
        "joblib",
        "setuptools<81",  # distutils, which emlearn imports, left Python with 3.12
    ]
    done = home / "installed.txt"
    if not done.exists() or done.read_text() != "\n".join(wanted):
        print(f"installing emlearn {EMLEARN} into {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        done.write_text("\n".join(wanted))
    return python
