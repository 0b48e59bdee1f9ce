"""The wheel a user installs: complete, and working away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the installed wheel and nothing else of this repository."""
    work = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(work), str(ROOT)], check=True)
    (wheel,) = work.glob("milliwatt-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("include/milliwatt/trees.h", "src/model.c", "library.json", "scripts/pio_hook.py"):
        assert f"milliwatt/_sdk/{needed}" in names
    assert not [name for name in names if "__pycache__" in name or ".pio/" in name]
    subprocess.run([*pip, "install", "--no-deps", "--target", str(work / "site"), str(wheel)], check=True)
    return work / "site"


def run(site: Path, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A core directory links one platform of a name; that of other tests links the repository's.
    environment = {**os.environ, "PYTHONPATH": str(site), "PLATFORMIO_CORE_DIR": str(site.parent / "core")}
    program = [] if arguments[0] == "-m" else ["-m", "milliwatt"]
    command = [sys.executable, *program, *arguments]
    return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an estimator's file and samples for it."""
    work = tmp_path_factory.mktemp("trained")
    X, y = load_iris(return_X_y=True)
    skops.io.dump(RandomForestClassifier(5, random_state=1).fit(X, y), work / "iris.skops")
    np.savetxt(work / "iris.csv", X[::10], delimiter=",")
    return work


def test_export_and_emit_from_the_installed_wheel(site: Path, trained: Path, tmp_path: Path) -> None:
    exported = run(site, tmp_path, "export", str(trained / "iris.skops"), "-o", "iris.mw.json")
    assert exported.returncode == 0, exported.stderr
    emitted = run(site, tmp_path, "emit", "iris.mw.json", "-o", "src", "--method", "loadable")
    assert emitted.returncode == 0, emitted.stderr
    # Blobs and CSV: from the hand-over file, at once from the estimator, and by the program without typer.
    for arguments in (
        ("emit", "iris.mw.json", "-o", "{}"),
        ("export", str(trained / "iris.skops"), "-o", "{}"),
        ("-m", "milliwatt.emit", "iris.mw.json", "-o", "{}"),
    ):
        for ending in ("mw.bin", "csv"):
            file = f"{arguments[0].strip('-')}.{ending}"
            done = run(site, tmp_path, *(argument.format(file) for argument in arguments))
            assert done.returncode == 0, done.stderr
            assert (tmp_path / file).read_bytes()[:4] == (b"MWMB" if ending == "mw.bin" else b"f,4\n")
            assert (tmp_path / file).read_bytes() == (tmp_path / f"emit.{ending}").read_bytes()
    sdk = site / "milliwatt" / "_sdk"
    sources = [*sorted(map(str, (sdk / "src").glob("*.c"))), str(tmp_path / "src" / "iris.c")]
    subprocess.run(["gcc", "-c", f"-I{sdk / 'include'}", *sources], cwd=tmp_path, check=True)


def test_check_on_the_host_board_from_the_installed_wheel(site: Path, trained: Path) -> None:
    stage = [
        sys.executable,
        str(ROOT / "scripts" / "stage_platformio.py"),
        "--core-dir",
        str(site.parent / "core"),
    ]
    subprocess.run(stage, check=True)
    checked = run(site, trained, "check", "iris.skops", "--board", "host", "--data", "iris.csv")
    assert checked.returncode == 0, checked.stderr
    assert "100.00" in checked.stdout


def test_a_wrong_file_gives_one_message_and_status_1(site: Path, tmp_path: Path) -> None:
    failed = run(site, tmp_path, "emit", "missing.mw.json", "-o", "src")
    assert failed.returncode == 1
    assert failed.stderr.startswith("milliwatt: missing.mw.json: no such file")
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "src").exists()
