"""Runs a firmware image on a virtual board. Standard library only; a module and a command.

    python run.py --board qemu_cortex_m4f firmware.elf [--serial stdio|tcp:PORT] [--timeout SECONDS]

With ``tcp:PORT`` the emulator listens on 127.0.0.1:PORT and the firmware starts when a client has
connected, so that no byte is lost. Which emulator, and how it is called, is in ``boards/<name>.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

HERE = Path(__file__).resolve().parent
RUNNER_SOURCE = HERE / "simavr" / "runner.c"
RUNNER_FLAGS = ("-std=gnu11", "-O2")
RUNNER_LIBS = ("-lsimavr", "-lelf")


class BoardError(Exception):
    """Something the user can put right; the message says how."""


def boards() -> list[str]:
    """Names of all virtual boards."""
    return sorted(path.stem for path in (HERE / "boards").glob("*.json"))


def load(board: str) -> dict[str, Any]:
    """A board's description, by name or by the path of its JSON file."""
    path = Path(board) if board.endswith(".json") else HERE / "boards" / f"{board}.json"
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BoardError(f"no virtual board '{board}'; there are {', '.join(boards())}") from None
    except ValueError as error:
        raise BoardError(f"{path}: not valid JSON: {error}") from None
    if "virtual" not in data:
        raise BoardError(f"{path}: not a virtual board: it has no 'virtual' section")
    return data


def _present(need: Mapping[str, str], compiler: str) -> bool:
    if "program" in need:
        return shutil.which(need["program"]) is not None
    if shutil.which(compiler) is None:
        return False
    if "header" in need:
        check = [compiler, "-E", "-x", "c", "-include", need["header"], os.devnull]
        return subprocess.run(check, capture_output=True, check=False).returncode == 0
    flags = [need["flag"]] if "flag" in need else []
    found = subprocess.run(
        [compiler, *flags, f"-print-file-name={need['library']}"], capture_output=True, text=True, check=False
    )
    return Path(found.stdout.strip()).is_absolute()


def require(board: str, stage: str) -> None:
    """Raises BoardError unless what a board needs for ``stage`` ("build" or "run") is installed."""
    needs: list[dict[str, str]] = load(board)["virtual"][f"{stage}_needs"]
    compiler = next((n["program"] for n in needs if n.get("program", "").endswith(("gcc", "cc"))), "cc")
    missing = [need for need in needs if not _present(need, compiler)]
    if missing:
        names = ", ".join(next(n[k] for k in ("program", "library", "header") if k in n) for n in missing)
        packages = " ".join(dict.fromkeys(need["apt"] for need in missing))
        raise BoardError(f"board {Path(board).stem}: {names} not found; install with: apt install {packages}")


def cache_dir() -> Path:
    """Where the simavr runner is kept: under XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "milliwatt"


def simavr_runner(board: str) -> Path:
    """The simavr runner, compiled the first time; safe when several processes want it at once."""
    recipe = hashlib.sha256(RUNNER_SOURCE.read_bytes())
    recipe.update(" ".join((*RUNNER_FLAGS, *RUNNER_LIBS, *os.uname()[::4])).encode())
    runner = cache_dir() / f"simavr-runner-{recipe.hexdigest()[:16]}"
    if os.access(runner, os.X_OK):
        return runner
    require(board, "run")
    runner.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=runner.parent) as scratch:
        built = Path(scratch) / "runner"
        command = ["cc", *RUNNER_FLAGS, str(RUNNER_SOURCE), "-o", str(built), *RUNNER_LIBS]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BoardError(f"cannot compile {RUNNER_SOURCE}:\n{done.stderr.strip()}")
        built.replace(runner)
    return runner


def _qemu_serial(serial: str) -> list[str]:
    kind, _, value = serial.partition(":")
    if kind == "stdio":
        chardev = "stdio,id=mw,signal=on"
    elif kind == "tcp":
        chardev = f"socket,id=mw,host=127.0.0.1,port={value},server=on,wait=on,nodelay=on"
    else:
        chardev = f"socket,id=mw,fd={value},server=on,wait=on,nodelay=on"
    return ["-chardev", chardev, "-serial", "chardev:mw"]


def _check_serial(serial: str) -> None:
    kind, _, value = serial.partition(":")
    if serial != "stdio" and not (kind in ("tcp", "fd") and value.isdigit() and int(value) > 0):
        raise BoardError(f"serial '{serial}': use stdio, tcp:PORT or fd:N (a listening socket)")


def command(board: str, firmware: Path, *, serial: str = "stdio") -> list[str]:
    """The command line that runs ``firmware``; ends with the firmware's exit status.

    ``serial`` is "stdio" (start it with stdin from /dev/null), "tcp:PORT" or "fd:N", N being a
    listening socket the process inherits. Raises BoardError if the emulator is not installed.
    """
    _check_serial(serial)
    virtual = load(board)["virtual"]
    firmware = Path(firmware).resolve()
    if not firmware.is_file():
        raise BoardError(f"{firmware}: no such firmware; build it first (pio run)")
    values = {"firmware": str(firmware), "icount_shift": str(virtual.get("icount_shift", 0))}
    if virtual["kind"] == "simavr":
        values["simavr_runner"] = str(simavr_runner(board))
    else:
        require(board, "run")
    argv = [part.format(**values) for part in virtual["command"]]
    return argv + (_qemu_serial(serial) if virtual["kind"] == "qemu" else ["--serial", serial])


def free_port() -> int:
    """A TCP port nobody uses at the moment. Prefer start(), which cannot lose it to another process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Emulator:
    """A started board; its serial port is a TCP server that already takes connections."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """For pyserial's serial_for_url()."""
        return f"socket://127.0.0.1:{self.port}"


@contextlib.contextmanager
def start(board: str, firmware: Path, *, stderr: IO[bytes] | int | None = None) -> Iterator[Emulator]:
    """Starts a board that waits for one client on a free port, and ends it on leaving.

    The listening socket is handed to the emulator, so connecting needs no retries. What the emulator
    itself has to say goes to ``stderr`` (as for subprocess.Popen).
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts has it too
        port = int(server.getsockname()[1])
        argv = command(board, firmware, serial=f"fd:{server.fileno()}")
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=[server.fileno()],
        )
    try:
        yield Emulator(process, port)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def run(board: str, firmware: Path, *, serial: str = "stdio", timeout: float | None = None) -> int:
    """Runs a firmware to its end and returns its exit status; 128 + n if signal n ended it."""
    argv = command(board, firmware, serial=serial)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise BoardError(f"{firmware}: still running after {timeout:g} s on {Path(board).stem}") from None
        finally:
            if process.poll() is None:
                process.kill()
    return status if status >= 0 else 128 - status


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run a firmware image on a virtual board.")
    parser.add_argument("--board", required=True, help="one of " + ", ".join(boards()))
    parser.add_argument("firmware", type=Path, help="the ELF file PlatformIO built")
    parser.add_argument("--serial", default="stdio", help="stdio (default) or tcp:PORT")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after this long")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)  # unwinds run(), so that the emulator does not outlive us
    try:
        return run(options.board, options.firmware, serial=options.serial, timeout=options.timeout)
    except BoardError as error:
        print(f"milliwatt boards: {error}", file=sys.stderr)
        return 125
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
