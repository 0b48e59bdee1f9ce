"""Opens the serial port of a board: an emulator that is started for it, or a real one."""

from __future__ import annotations

import fnmatch
import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from milliwatt import sdk
from milliwatt.errors import MilliwattError, ToolMissingError
from milliwatt.rig.board import Board, SerialSettings
from milliwatt.rig.line import Line, RigError

_PORT_WAIT = 10.0  # seconds a board may take to come back after flashing
_STDERR_TAIL = 10


@contextmanager
def emulated(board: Board, image: Path) -> Iterator[Line]:
    """The line to a firmware in its emulator, which ends with the context."""
    run = _run_module()
    with tempfile.TemporaryFile() as stderr:
        try:
            with (
                run.start(board.platformio.board, image, stderr=stderr) as emulator,
                _open(emulator.url, board, "see what the emulator says; is its version supported?") as port,
            ):
                yield Line(port)
        except run.BoardError as error:
            raise ToolMissingError(str(error), option=board.name) from None
        except MilliwattError as error:
            raise _with_stderr(error, stderr) from None


@contextmanager
def attached(board: Board, port: str | None) -> Iterator[Line]:
    """The line to a real board that was flashed just now."""
    cure = "close other programs that use it, and see that you may (Debian: group dialout)"
    with _open(port or _find_port(board), board, cure) as serial_port:
        yield Line(serial_port)


@lru_cache(maxsize=1)
def _run_module() -> ModuleType:
    """``boards/virtual/run.py``, which belongs to the PlatformIO platform and not to this package."""
    path = sdk.root() / "boards" / "virtual" / "run.py"
    spec = importlib.util.spec_from_file_location("milliwatt_boards_run", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ToolMissingError("the virtual boards are missing", file=path, cure="install milliwatt again")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def _open(url: str, board: Board, cure: str) -> Any:
    try:
        import serial
    except ImportError:
        raise ToolMissingError("the rig needs pyserial", cure="type: pip install 'milliwatt[rig]'") from None
    try:
        return serial.serial_for_url(url, baudrate=board.serial.baud, timeout=1)
    except (serial.SerialException, ValueError) as error:
        raise RigError(f"the serial port cannot be opened: {error}", option=board.name, cure=cure) from None


def _find_port(board: Board) -> str:
    """The board's port; it may take a moment to come back after flashing."""
    from serial.tools import list_ports

    settings = board.serial
    deadline = time.monotonic() + _PORT_WAIT
    while True:
        found = _candidates(sorted(list_ports.comports(), key=lambda port: str(port.device)), settings)
        if len(found) == 1:
            return found[0]
        if found:
            raise RigError(
                f"several ports could be the board's: {', '.join(found)}",
                option=board.name,
                cure="name one with --port",
            )
        if time.monotonic() > deadline:
            wanted = " or ".join(filter(None, [settings.port, *(f"USB {usb}" for usb in settings.usb)]))
            raise RigError(
                f"no serial port that is {wanted}",
                option=board.name,
                cure="connect the board, or name its port with --port",
            )
        time.sleep(0.2)


def _candidates(ports: Sequence[Any], settings: SerialSettings) -> list[str]:
    """The ports that fit the pattern, or if none does those with the USB id."""
    by_name = [p.device for p in ports if settings.port and fnmatch.fnmatch(p.device, settings.port)]
    known = [p for p in ports if p.vid is not None and p.pid is not None]
    return by_name or [p.device for p in known if f"{p.vid:04x}:{p.pid:04x}" in settings.usb]


def _with_stderr(error: MilliwattError, stderr: Any) -> MilliwattError:
    """The same error with what the emulator itself had to say."""
    stderr.seek(0)
    text = stderr.read().decode("utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and "waiting for connection" not in line]
    if not lines:
        return error
    said = "\n    ".join(lines[-_STDERR_TAIL:])
    problem = f"{error.problem}\n  the emulator said:\n    {said}"
    return RigError(problem, file=error.file, option=error.option, cure=error.cure)
