"""Models that XGBoost and LightGBM saved, in a project whose Python for them has numpy and nothing else."""

from __future__ import annotations

import os
import shutil
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from .conftest import REPOSITORY, Outcome, Project, main_c

xgb = pytest.importorskip("xgboost")
lgb = pytest.importorskip("lightgbm")

pytestmark = [
    pytest.mark.xdist_group("consumer_saved"),
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="links numpy into an environment of its own"),
]

INI = f"""\
[env:watch]
platform = symlink://{REPOSITORY}/boards/virtual
board = host
build_flags = -Wall -Wextra
lib_deps = symlink://{REPOSITORY}
custom_milliwatt_models =
    gesture = models/{{gesture}} method=loadable
    effort  = "models/my effort.txt"
{{options}}
"""


@dataclass(frozen=True)
class Watch:
    """A project, and what the two libraries answer to the samples in its firmware."""

    project: Project
    answers: dict[str, NDArray[np.float64]]

    def build(self, gesture: str = "gesture.ubj", *, python: str = "", check: bool = True) -> Outcome:
        options = f"custom_milliwatt_python = {python}" if python else ""
        self.project.write({"platformio.ini": INI.format(gesture=gesture, options=options)})
        return self.project.run(check=check)

    def expect(self) -> None:
        given = self.project.answers("watch")
        assert given["gesture"] == self.answers["gesture"].tolist()
        np.testing.assert_allclose(given["effort"], self.answers["effort"], rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def watch(make_project: Callable[[str], Project]) -> Watch:
    project = make_project("boosted")
    models = project.directory / "models"
    shutil.rmtree(models)
    models.mkdir()
    random = np.random.default_rng(4)
    X = random.normal(size=(150, 4)).astype(np.float32)
    samples = random.normal(size=(20, 4)).astype(np.float32)
    classes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
    classifier = xgb.XGBClassifier(n_estimators=6, max_depth=3, n_jobs=1).fit(X, classes)
    for ending in ("ubj", "json"):
        classifier.save_model(models / f"gesture.{ending}")
    regressor = lgb.LGBMRegressor(n_estimators=6, num_leaves=8, n_jobs=1, verbose=-1)
    regressor.fit(X, X @ [1.0, 2.0, -1.0, 0.5])
    regressor.booster_.save_model(models / "my effort.txt")
    project.write({"src/main.c": main_c(samples, "gesture", "effort")})
    answers = {"gesture": classifier.predict(samples), "effort": regressor.predict(samples)}
    assert len(set(answers["gesture"])) == 3
    return Watch(project, answers)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has numpy alone: neither the two libraries nor scikit-learn."""
    directory = tmp_path_factory.mktemp("numpy only")
    venv.create(directory, with_pip=False, symlinks=True)
    (site,) = directory.glob("lib/python*/site-packages")
    package = Path(np.__file__).parent
    for path in (package, package.with_name("numpy.libs")):
        if path.is_dir():
            (site / path.name).symlink_to(path)
    return str(directory / "bin" / "python")


def test_a_python_without_numpy_is_told_so(watch: Watch) -> None:
    failed = watch.build(check=False)
    assert failed.status == 1
    assert "models/gesture.ubj: custom_milliwatt_python: needs numpy, which the Python" in failed.stderr
    assert f"{watch.project.pio.python} -m pip install numpy;" in failed.stderr
    assert "trust_pickle" not in failed.stderr
    assert "Traceback" not in failed.stderr


def test_converted_once_and_right(watch: Watch, python: str) -> None:
    first = watch.build(python=python)
    shown = ("models/gesture.ubj", "models/my effort.txt")
    assert first.told[:2] == [f"milliwatt: converting {file} with {python}" for file in shown]
    assert "warning" not in first.stderr.lower()
    watch.expect()
    again = watch.build(python=python)
    assert (again.told, again.compiled) == ([], [])
    # Wiped, on a machine that has no such Python: the conversion is kept.
    shutil.rmtree(watch.project.directory / ".pio" / "build")
    shutil.rmtree(watch.project.directory / ".pio" / "milliwatt" / "models")
    assert not any("converting" in line for line in watch.build(python="/no/such/python").told)
    watch.expect()


def test_xgboosts_json_and_our_own(watch: Watch, python: str) -> None:
    assert f"milliwatt: converting models/gesture.json with {python}" in (
        watch.build("gesture.json", python=python).told
    )
    watch.expect()
    models = watch.project.directory / "models"
    cached = watch.project.directory / ".pio" / "milliwatt" / "cache"
    ours = next(p for p in cached.iterdir() if '"name": "gesture"' in p.read_text(encoding="utf-8")[:200])
    shutil.copy(ours, models / "ours.json")
    told = watch.build("ours.json").told
    assert [line.partition(" (")[0] for line in told] == ["milliwatt: gesture.h from models/ours.json"]
    watch.expect()


def test_a_model_saved_again(watch: Watch, python: str) -> None:
    watch.build(python=python)
    file = watch.project.directory / "models" / "my effort.txt"
    old = file.read_bytes()
    booster = lgb.Booster(model_file=file)
    booster.save_model(file, num_iteration=2)
    try:
        changed = watch.build(python=python)
        assert changed.told[0] == f"milliwatt: converting models/my effort.txt with {python}"
        assert {Path(made).name for made in changed.compiled} >= {"effort.o", "firmware.elf"}
        assert not any(Path(made).name == "gesture.o" for made in changed.compiled)
    finally:
        file.write_bytes(old)
    watch.build(python=python)
    watch.expect()
