"""Sets a bare machine up for `make demo` and `make test`: tools, virtual environment, PlatformIO.

    python3 scripts/bootstrap.py [--venv build/venv] [--core-dir build/platformio] [--extras demo]

Every step looks first whether there is anything to do, so that a second run takes a moment.
Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What has to be there (a command, or files), and the Debian package that brings it.
TOOLS = {
    "gcc": "gcc",
    "g++": "g++",
    "clang": "clang",
    "cmake": "cmake",
    "ninja": "ninja-build",
    "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a": "libclang-rt-dev",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "/usr/lib/arm-none-eabi/newlib/nano.specs": "libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-riscv32": "qemu-system-misc",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "/usr/lib/picolibc/riscv64-unknown-elf": "picolibc-riscv64-unknown-elf",
    "avr-gcc": "gcc-avr",
    "/usr/lib/avr/include/avr/io.h": "avr-libc",
    "/usr/include/simavr/sim_avr.h": "libsimavr-dev",
    "/usr/include/libelf.h": "libelf-dev",
}


def main() -> int:
    """Command line; the exit status says whether the machine is ready."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "venv")
    parser.add_argument("--core-dir", type=Path, default=ROOT / "build" / "platformio")
    parser.add_argument("--extras", default="sklearn,rig,report,test,lint,samples")
    options = parser.parse_args()
    if sys.version_info < (3, 10):  # noqa: UP036  this is what says so
        return _fail(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}")
    return (
        _install_tools()
        or _make_environment(options.venv, options.extras)
        or _stage_platformio(options.venv, options.core_dir)
    )


def _stage_platformio(venv: Path, core_dir: Path) -> int:
    return _run([_python(venv), ROOT / "scripts" / "stage_platformio.py", "--core-dir", core_dir])


def _fail(message: str) -> int:
    print(f"bootstrap: {message}", file=sys.stderr)
    return 1


def _run(command: list[object], **environment: str) -> int:
    words = [str(word) for word in command]
    return subprocess.run(words, env={**os.environ, **environment}, check=False).returncode


def missing_packages() -> list[str]:
    """Debian packages whose command or file is not there."""
    return [package for tool, package in TOOLS.items() if not _present(tool)] + _missing_venv()


def _present(tool: str) -> bool:
    return any(Path("/").glob(tool[1:])) if tool.startswith("/") else shutil.which(tool) is not None


def _missing_venv() -> list[str]:
    """Debian ships the `venv` module without what it needs to install pip."""
    probe = [sys.executable, "-c", "import ensurepip"]
    there = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    return [] if there else ["python3-venv"]


def _install_tools() -> int:
    packages = missing_packages()
    if not packages:
        return 0
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None:
        return _fail(f"these tools are missing: {', '.join(packages)} (names of Debian's packages)")
    if os.name != "posix" or os.geteuid() != 0:
        return _fail(
            f"some tools are missing. Type:\n\n    sudo apt-get update && sudo {' '.join(command)}\n"
        )
    print(f"bootstrap: installing {' '.join(packages)}")
    quiet = ["-qq", "-o=Dpkg::Use-Pty=0"]
    if _run(["apt-get", "update", *quiet]) or _run([*command, *quiet], DEBIAN_FRONTEND="noninteractive"):
        return _fail("apt-get could not install them")
    left = missing_packages()
    return _fail(f"still missing after installation: {', '.join(left)}") if left else 0


def _python(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _make_environment(venv: Path, extras: str) -> int:
    """A virtual environment with this package, editable; made anew when its inputs changed."""
    project = ROOT / "pyproject.toml"
    wanted = hashlib.sha256(project.read_bytes() + f"{extras} {sys.version} {venv}".encode()).hexdigest()
    stamp = venv / ".milliwatt"
    if stamp.is_file() and stamp.read_text() == wanted:
        return 0
    print(f"bootstrap: Python packages into {venv}")
    if _run([sys.executable, "-m", "venv", "--clear", venv]):
        return _fail(f"no virtual environment could be made in {venv}")
    pip = [_python(venv), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    if _run([*pip, "--upgrade", "pip"]) or _run([*pip, "-e", f"{ROOT}[{extras}]"]):
        return _fail("pip could not install the Python packages")
    stamp.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
