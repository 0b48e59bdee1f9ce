"""Stages the one package PlatformIO needs to build anything, when its registry cannot be reached.

    python scripts/stage_platformio.py --core-dir DIR [--force]

PlatformIO runs SCons from its own package ``tool-scons``, which it downloads from its registry. Where
that does not answer, this puts the same SCons release, from PyPI, in the same place. Standard
library only; needs the Python that has PlatformIO installed.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

PACKAGE = "tool-scons"
REGISTRY = "https://api.registry.platformio.org/"
REGISTRY_S = 3.0
DOWNLOAD_S = 300

# The wheel has a library and console scripts; PlatformIO wants a file it can start.
SCONS_PY = """\
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import SCons.Script

SCons.Script.main()
"""


class StageError(Exception):
    """What went wrong and what to do about it."""


def wanted_version() -> str:
    """The version of tool-scons this PlatformIO asks for, such as 4.41101.0."""
    try:
        from platformio.dependencies import get_core_dependencies
    except ImportError:
        raise StageError(
            f"{sys.executable} has no PlatformIO; run this with the Python that has it, "
            "or install it: pip install platformio"
        ) from None
    requirement = str(get_core_dependencies()[PACKAGE])
    return requirement.lstrip("~^=v ")


def scons_release(version: str) -> str:
    """PlatformIO writes SCons X.Y.Z as X.XYYZZ.n: 4.41101.0 is SCons 4.11.1, 4.40801.0 is 4.8.1."""
    match = re.fullmatch(r"(\d)\.\1(\d\d)(\d\d)\.\d+", version)
    if match is None:
        raise StageError(f"{PACKAGE} {version}: cannot tell which SCons release it is; update Milliwatt")
    major, minor, patch = (int(group) for group in match.groups())
    return f"{major}.{minor}.{patch}"


def is_staged(package_dir: Path, version: str) -> bool:
    """Whether PlatformIO would take what is there."""
    try:
        record = json.loads((package_dir / ".piopm").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (
        record.get("version") == version
        and record.get("spec", {}).get("owner") == "platformio"
        and (package_dir / "scons.py").is_file()
    )


def registry_answers() -> bool:
    """Whether PlatformIO can download by itself, be it through the proxy the environment names."""
    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(REGISTRY, timeout=REGISTRY_S).close()
        except urllib.error.HTTPError as error:
            if error.code >= 500 or error.code in (403, 407):  # a gateway or a proxy, not the registry
                return
        except (OSError, http.client.HTTPException):
            return
        answered.set()

    # In a thread, since a name server that says nothing is not covered by the timeout.
    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(REGISTRY_S)


def installed_scons(release: str) -> Path | None:
    """The directory with the ``SCons`` package, if this Python has exactly that release."""
    try:
        distribution = importlib.metadata.distribution("scons")
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file("SCons")))
    return path if distribution.version == release and (path / "Script").is_dir() else None


def download_scons(release: str, directory: Path) -> Path:
    """The SCons wheel from PyPI, or from whatever index pip is set up for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(directory), f"scons=={release}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False)
    except subprocess.TimeoutExpired:
        raise StageError(f"pip download scons=={release} took over {DOWNLOAD_S} s; try again") from None
    wheels = sorted(directory.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise StageError(
            f"neither PlatformIO's registry nor PyPI can be reached. '{' '.join(command)}' said:\n"
            f"{done.stderr.strip()}\nCheck the network, or install scons=={release} into {sys.executable}"
        )
    return wheels[0]


def fill(package_dir: Path, version: str, release: str) -> str:
    """Writes the package into an empty directory and returns where SCons came from."""
    installed = installed_scons(release)
    if installed is not None:
        shutil.copytree(installed, package_dir / "SCons", ignore=shutil.ignore_patterns("__pycache__"))
        origin = f"the scons installed in {sys.prefix}"
    else:
        with (
            tempfile.TemporaryDirectory() as scratch,
            zipfile.ZipFile(download_scons(release, Path(scratch))) as wheel,
        ):
            wheel.extractall(package_dir)
        origin = "the scons wheel from PyPI"
    spec = {"owner": "platformio", "id": None, "name": PACKAGE, "requirements": None, "uri": None}
    manifest = {"name": PACKAGE, "version": version, "system": "*", "description": f"SCons {release}"}
    record = {"type": "tool", "name": PACKAGE, "version": version, "spec": spec}
    (package_dir / "scons.py").write_text(SCONS_PY, encoding="utf-8")
    (package_dir / "package.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    # Without the owner PlatformIO ignores the package and asks the registry.
    (package_dir / ".piopm").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return origin


def swap_in(scratch: Path, package_dir: Path, version: str) -> None:
    """Puts the finished package in place; whoever comes second leaves the first one's."""
    old = scratch.with_name(scratch.name + ".old")
    try:
        if package_dir.exists():
            package_dir.rename(old)
        scratch.rename(package_dir)
    except OSError:
        if not is_staged(package_dir, version):
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def stage(core_dir: Path, *, force: bool = False) -> str:
    """Makes ``core_dir`` able to build and returns one line on what was done."""
    version = wanted_version()
    packages = core_dir / "packages"
    package_dir = packages / PACKAGE
    if not force and is_staged(package_dir, version):
        return f"{PACKAGE} {version} is in {package_dir} already"
    if not force and registry_answers():
        return f"PlatformIO's registry answers: it will install {PACKAGE} {version} itself"
    release = scons_release(version)
    packages.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{PACKAGE}-", dir=core_dir))
    try:
        scratch.chmod(0o755)
        origin = fill(scratch, version, release)
        swap_in(scratch, package_dir, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return f"staged {PACKAGE} {version} in {package_dir} from {origin}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Stage PlatformIO's tool-scons from PyPI if it must be.")
    parser.add_argument("--core-dir", type=Path, required=True, help="PlatformIO's core directory")
    parser.add_argument("--force", action="store_true", help="stage even if it is there or can be downloaded")
    options = parser.parse_args(arguments)
    try:
        print(stage(options.core_dir.expanduser().resolve(), force=options.force))
    except (StageError, OSError, zipfile.BadZipFile) as error:
        print(f"stage_platformio: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
