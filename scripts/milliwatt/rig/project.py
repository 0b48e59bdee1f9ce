"""The PlatformIO project of a check: written to a work directory, built with ``pio run``.

One directory a board, model name and method, kept between checks so that PlatformIO compiles only what
changed. It has two environments: ``check``, and ``baseline``, the same firmware without a model.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from milliwatt import ir, sdk
from milliwatt.errors import MilliwattError, ToolMissingError
from milliwatt.files import write_text
from milliwatt.host.compiler import cache_directory
from milliwatt.rig import firmware
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.line import RigError
from milliwatt.rig.lock import locked

CHECK, BASELINE = "check", "baseline"
_MODEL_FILE = "model.mw.json"
_STAMP = "built.txt"
_LOG_TAIL = 25
_OTHERS_DIRECTORIES = [
    f"PLATFORMIO_{name}_DIR" for name in ("WORKSPACE", "BUILD", "LIBDEPS", "SRC", "INCLUDE", "LIB")
]
_TOO_BIG = re.compile(
    r"will not fit in region|region .* overflowed|is not within region|greater than maximum allowed"
)
_RAM_OVERFLOW = re.compile(r"RAM overflow|region .?RAM|region .?data|data size .* is greater")
_NO_PACKAGE = re.compile(r"HTTPClientError|InternetConnectionError|UnknownPackageError|UnknownPlatform")


@dataclass(frozen=True)
class Built:
    """The results of a build, in a directory of their own."""

    check: Path
    baseline: Path
    project: Path


def work_directory() -> Path:
    """Where projects are kept: ``$MILLIWATT_RIG_DIR``, else beside the other caches of Milliwatt."""
    chosen = os.environ.get("MILLIWATT_RIG_DIR")
    return Path(chosen).expanduser().resolve() if chosen else cache_directory().parent / "rig"


@contextmanager
def built(spec: FirmwareSpec, work: Path | None = None) -> Iterator[Built]:
    """The firmware, built, for as long as the context lasts.

    The project is locked while it is built; images are copied out of it, so that two checks at once may
    share it.
    """
    ini = _ini(spec)
    key = hashlib.sha256(ini.encode()).hexdigest()[:8]
    project = (work or work_directory()) / f"{spec.board.name}-{spec.model.name}-{spec.method}-{key}"
    with tempfile.TemporaryDirectory(prefix="milliwatt-rig-") as scratch:
        with locked(project.with_name(f"{project.name}.lock")):
            _build(project, ini, spec)
            check = _copy(project, CHECK, Path(scratch))
            baseline = _copy(project, BASELINE, Path(scratch))
        yield Built(check, baseline, project)


def upload(images: Built, spec: FirmwareSpec, port: str | None) -> None:
    """Flash the check firmware to a real board."""
    with locked(images.project.with_name(f"{images.project.name}.lock")):
        where = ["--upload-port", port] if port else []
        _run_pio(["run", "-d", str(images.project), "-e", CHECK, "-t", "upload", *where], spec)


def _ini(spec: FirmwareSpec) -> str:
    target = spec.board.platformio
    options = dict(target.options)
    flags = options.pop("build_flags", "")
    if target.framework:
        flags = f"-DMW_CHECK_BAUD={spec.board.serial.baud} {flags}".strip()
    platform = target.platform
    if platform == "virtual":
        platform = f"symlink://{(sdk.root() / 'boards' / 'virtual').as_posix()}"
    common = {
        "platform": platform,
        "board": target.board,
        **({"framework": target.framework} if target.framework else {}),
        "build_src_filter": f"+<*.c> -<port_*> +<port_{target.framework or 'virtual'}.*>",
        **options,
    }
    sections = {
        "platformio": {"src_dir": firmware.SOURCES.as_posix(), "default_envs": f"{CHECK}, {BASELINE}"},
        "env": common,
        f"env:{CHECK}": {
            "build_flags": flags,
            "lib_deps": f"symlink://{sdk.root().as_posix()}",
            "custom_milliwatt_models": f"{spec.model.name} = {_MODEL_FILE} method={spec.option}",
        },
        f"env:{BASELINE}": {"build_flags": f"{flags} -DMW_CHECK_BASELINE".strip()},
    }
    lines = ["; Written by milliwatt.rig; changes are lost."]
    for section, values in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {value}".rstrip() for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _build(project: Path, ini: str, spec: FirmwareSpec) -> None:
    """Build unless the same inputs have been built here before."""
    stamp, state = project / _STAMP, _state(spec)
    images = [_image(project, environment) for environment in (CHECK, BASELINE)]
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state and all(map(Path.is_file, images)):
        return
    stamp.unlink(missing_ok=True)
    _write(project, ini, spec)
    _run_pio(["run", "-d", str(project)], spec)
    if spec.board.is_virtual:  # of other platforms' packages we do not know when they change
        write_text(stamp, state)


def _state(spec: FirmwareSpec) -> str:
    """The build id, and what else a build depends on: compilers and PlatformIO's variables."""
    lines = [spec.build_id]
    for tool in spec.board.tools():
        path = Path(shutil.which(tool) or tool)
        status = path.stat() if path.exists() else None
        lines.append(f"{path} {status.st_size} {status.st_mtime_ns}" if status else str(path))
    lines += sorted(
        f"{name}={value}" for name, value in os.environ.items() if name.startswith("PLATFORMIO_BUILD")
    )
    return "\n".join(lines)


def _write(project: Path, ini: str, spec: FirmwareSpec) -> None:
    """Write what differs from what is there: PlatformIO rebuilds everything when the ini is newer."""
    files = {
        "platformio.ini": ini,
        f"include/{firmware.HEADER}": spec.header(),
        _MODEL_FILE: ir.dumps(spec.model),
    }
    for name, text in files.items():
        path = project / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def _image(project: Path, environment: str) -> Path:
    return project / ".pio" / "build" / environment / "firmware.elf"


def _copy(project: Path, environment: str, scratch: Path) -> Path:
    source = _image(project, environment)
    if not source.is_file():
        raise RigError(
            "PlatformIO made no such image", file=source, cure="use a platform that makes firmware.elf"
        )
    return Path(shutil.copy2(source, scratch / f"{environment}.elf"))


def _pio() -> list[str]:
    if importlib.util.find_spec("platformio"):
        return [sys.executable, "-m", "platformio"]
    command = shutil.which("pio") or shutil.which("platformio")
    if command:
        return [command]
    raise ToolMissingError("PlatformIO is not installed", cure="type: pip install 'milliwatt[rig]'")


def _run_pio(arguments: Sequence[str], spec: FirmwareSpec) -> None:
    # A PlatformIO that runs us, in a test say, has directories of its own.
    inherited = {name: value for name, value in os.environ.items() if name not in _OTHERS_DIRECTORIES}
    environment = {
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",  # else a PC without network waits a minute
        **inherited,
        "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [*_pio(), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise _build_failure(done.stdout, spec)


def _failed_part(log: str) -> str:
    """Of a log of several environments the one that failed first."""
    parts = re.split(r"(?m)^(?=Processing \S+ \()", log)
    return next((part for part in parts if "[FAILED]" in part), log)


def _build_failure(log: str, spec: FirmwareSpec) -> MilliwattError:
    board = spec.board
    ram = _RAM_OVERFLOW.search(log)
    if ram or _TOO_BIG.search(log):
        network = isinstance(spec.model, ir.Network)
        trees = "method=compact, a narrower dtype, fewer or shallower trees"
        smaller = "quantize=int8, a smaller network" if network else trees
        limit = f"{board.ram_bytes} bytes of RAM" if ram else f"{board.flash_bytes} bytes of flash"
        return RigError(
            f"model {spec.model.name!r} ({spec.method}) does not fit: {board.name} has {limit}",
            option=board.name,
            cure=f"try {smaller}, or another board",
        )
    tail = "\n    ".join([line for line in _failed_part(log).splitlines() if line.strip()][-_LOG_TAIL:])
    cure = "read the log above; the project is kept and can be built by hand with `pio run`"
    if _NO_PACKAGE.search(log):
        cure = (
            "PlatformIO could not download a package; where its registry cannot be reached, run"
            " `python scripts/stage_platformio.py --core-dir DIR` and set PLATFORMIO_CORE_DIR=DIR"
        )
    problem = f"PlatformIO could not build or flash the check firmware:\n    {tail}"
    return RigError(problem, option=board.name, cure=cure)
