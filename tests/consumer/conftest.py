"""A user outside the repository: PlatformIO in a Python of its own, projects in a path with a space."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from packaging.requirements import Requirement
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import milliwatt

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = {"gesture": "inline", "effort": "loadable"}


@dataclass(frozen=True)
class Outcome:
    """What a PlatformIO command did."""

    status: int
    stdout: str
    stderr: str

    @property
    def compiled(self) -> list[str]:
        """Everything that was made: objects, archives, programs."""
        return re.findall(r"^(?:Compiling|Archiving|Linking) (.+)$", self.stdout, re.MULTILINE)

    @property
    def told(self) -> list[str]:
        """What the hook said."""
        return [line for line in self.stdout.splitlines() if line.startswith("milliwatt: ")]


@dataclass(frozen=True)
class Pio:
    """A Python with PlatformIO."""

    python: Path
    core_dir: Path

    def __call__(self, *arguments: object, cwd: Path, check: bool = True) -> Outcome:
        command = [str(self.python), "-m", "platformio", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=cwd, env=self.environment(), capture_output=True, text=True, check=False
        )
        outcome = Outcome(done.returncode, done.stdout, done.stderr)
        if check and outcome.status:
            pytest.fail(f"{' '.join(command)}\n{outcome.stdout}\n{outcome.stderr}")
        return outcome

    def environment(self) -> dict[str, str]:
        mine = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        return {
            **mine,
            "PLATFORMIO_CORE_DIR": str(self.core_dir),
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
            "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
            "PLATFORMIO_NO_ANSI": "true",
        }


@dataclass(frozen=True)
class Trained:
    """An estimator and samples to try it on."""

    estimator: Any
    samples: NDArray[np.float32]

    @property
    def answers(self) -> list[float]:
        """What it says of the samples: values, or indices of classes as the firmware gives them."""
        said = self.estimator.predict(self.samples)
        classes = getattr(self.estimator, "classes_", None)
        answers = said if classes is None else np.searchsorted(classes, said)
        return [float(answer) for answer in answers]

    def save(self, directory: Path, name: str) -> None:
        model = milliwatt.convert(self.estimator, name=name, method=MODELS[name])
        directory.mkdir(parents=True, exist_ok=True)
        model.save(directory / f"{name}.mw.json")
        joblib.dump(self.estimator, directory / f"{name}.joblib")


@dataclass(frozen=True)
class Project:
    """A PlatformIO project."""

    directory: Path
    pio: Pio

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, *arguments: object, check: bool = True) -> Outcome:
        return self.pio("run", *arguments, cwd=self.directory, check=check)

    def answers(self, environment: str) -> dict[str, list[float]]:
        """What the firmware prints: one line ``<model> <answer>`` a sample."""
        program = self.directory / ".pio" / "build" / environment / "firmware.elf"
        done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
        found: dict[str, list[float]] = {}
        for line in done.stdout.splitlines():
            name, value = line.split()
            found.setdefault(name, []).append(float(value))
        return found


@pytest.fixture(scope="session")
def core_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where PlatformIO keeps what it would otherwise download."""
    given = os.environ.get("PLATFORMIO_CORE_DIR")
    directory = Path(given) if given else tmp_path_factory.mktemp("platformio")
    stage = REPOSITORY / "scripts" / "stage_platformio.py"
    subprocess.run([sys.executable, stage, "--core-dir", directory], check=True, capture_output=True)
    return directory


def _distributions(name: str) -> Iterator[importlib.metadata.Distribution]:
    """An installed package and all it requires, some of them more than once."""
    distribution = importlib.metadata.distribution(name)
    yield distribution
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from _distributions(requirement.name)


@pytest.fixture(scope="session")
def pio(tmp_path_factory: pytest.TempPathFactory, core_dir: Path) -> Pio:
    """A Python with PlatformIO and what PlatformIO requires, and nothing else: no numpy, no milliwatt."""
    directory = tmp_path_factory.mktemp("bare")
    venv.create(directory, with_pip=False, symlinks=os.name == "posix")
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    purelib = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    for distribution in {d.metadata["Name"]: d for d in _distributions("platformio")}.values():
        for file in distribution.files or []:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue  # console scripts
            target = Path(purelib, file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(distribution.locate_file(file)), target)
    return Pio(python, core_dir)


@pytest.fixture(scope="session")
def trained() -> dict[str, Trained]:
    """A classifier of 3 classes and a regressor, over 4 features."""
    random = np.random.default_rng(7)
    X = random.normal(size=(120, 4)).astype(np.float32)
    samples = random.normal(size=(10, 4)).astype(np.float32)
    classes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
    classifier = RandomForestClassifier(5, max_depth=4, random_state=0).fit(X, classes)
    regressor = RandomForestRegressor(5, max_depth=4, random_state=0).fit(X, X @ [1.0, 2.0, -1.0, 0.5])
    return {"gesture": Trained(classifier, samples), "effort": Trained(regressor, samples)}


PRINTS = {
    "gesture": 'printf("gesture %d\\n", gesture_predict(samples[i], 4));',
    "effort": 'float e; effort_regress(samples[i], 4, &e, 1); printf("effort %.9g\\n", (double) e);',
}


def main_c(samples: NDArray[np.float32], *models: str, includes: str | None = None) -> str:
    """A firmware that prints the models' answers to the samples."""
    rows = ",\n".join("{" + ", ".join(f"{float(v)!r}f" for v in row) + "}" for row in samples)
    headers = "".join(f"#include <{name}.h>\n" for name in models) if includes is None else includes
    statements = " ".join(f"{{ {PRINTS[name]} }}" for name in models)
    return (
        f"#include <stdio.h>\n{headers}static const float samples[][4] = {{\n{rows}}};\n"
        f"int main(void) {{\n    for (int i = 0; i < {len(samples)}; ++i) {{ {statements} }}\n"
        "    return 0;\n}\n"
    )


@pytest.fixture(scope="session")
def make_project(
    tmp_path_factory: pytest.TempPathFactory, pio: Pio, trained: dict[str, Trained]
) -> Callable[[str], Project]:
    """Makes projects that have the models, and a firmware that prints their answers."""

    def make(name: str) -> Project:
        project = Project(tmp_path_factory.mktemp("user") / f"my {name}", pio)
        for model, what in trained.items():
            what.save(project.directory / "models", model)
        project.write({"src/main.c": main_c(trained["gesture"].samples, *MODELS)})
        return project

    return make


# Offline, the list of licences that `pio pkg pack` downloads to check `license` is out of reach.
_PACK = """\
import sys
from platformio.package.manifest.schema import ManifestSchema
ManifestSchema.load_spdx_licenses = staticmethod(lambda: {"licenses": [{"licenseId": "MIT"}]})
from platformio.__main__ import main
sys.exit(main(["pio", "pkg", "pack", "-o", sys.argv[2], sys.argv[1]]))
"""


@pytest.fixture(scope="session")
def archive(pio: Pio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pio pkg pack` makes of the repository."""
    directory = tmp_path_factory.mktemp("packed")
    command = [pio.python, "-c", _PACK, REPOSITORY, f"{directory}{os.sep}"]
    done = subprocess.run(command, env=pio.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = directory.glob("*.tar.gz")
    return path


@pytest.fixture(scope="session")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with libraries in it: the packed one."""
    libraries = tmp_path_factory.mktemp("my libraries")
    with tarfile.open(archive) as tar:
        tar.extractall(libraries / "milliwatt")
    return libraries
