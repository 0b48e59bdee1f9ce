"""Runs firmware on the emulated boards; what was measured once is kept.

Emulators count exactly, so the same image given the same rows costs the same: a measurement is kept
under the hash of both, of the board's description and of the emulator.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from firmware import BOARDS, Image, Target

_ANSWER = struct.Struct("<Ih")
_TIMEOUT_S = 60.0  # for one row


class BoardStoppedError(RuntimeError):
    """The firmware crashed or hangs: a stack that is too small for it, usually."""


@dataclass(frozen=True)
class Answers:
    """One cost and one class index a row."""

    cost: list[int]
    classes: list[int]


@cache
def _board_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("milliwatt_board_runner", BOARDS / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def emulator(board: str) -> str:
    """What emulates a board, exactly enough to tell versions apart."""
    virtual = _board_runner().load(board)["virtual"]
    if virtual["kind"] == "simavr":
        runner = _board_runner().simavr_runner(board)
        linked = subprocess.run(["ldd", runner], capture_output=True, text=True, check=True).stdout
        library = re.search(r"=> (\S*libsimavr\S*)", linked)
        parts = [Path(runner), *([Path(library.group(1))] if library else [])]
        return " ".join(f"{p.name} {hashlib.sha256(p.read_bytes()).hexdigest()[:16]}" for p in parts)
    program = virtual["command"][0]
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


class Boards:
    """Runs images, or remembers how they ran."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.runs = 0

    def run(self, target: Target, image: Image, rows: Sequence[bytes]) -> Answers:
        """Send every row to the board; what it answered and what that cost.

        Raises:
            BoardStoppedError: it stopped answering.
        """
        virtual = _board_runner().load(target.board)["virtual"]
        parts = [
            image.path.read_bytes(),
            *rows,
            json.dumps(virtual).encode(),
            emulator(target.board).encode(),
        ]
        key = hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts))
        kept = self.directory / f"{key.hexdigest()[:32]}.json"
        if not kept.exists():
            self.runs += 1
            _write_whole(kept, json.dumps(_try(target, image.path, rows)))
        found: dict[str, Any] = json.loads(kept.read_text())
        if "stopped" in found:
            raise BoardStoppedError(found["stopped"])
        return Answers(found["cost"], found["classes"])


def _try(target: Target, image: Path, rows: Sequence[bytes]) -> dict[str, Any]:
    """The answers, or where they ended: a firmware that crashes does so every time."""
    answers = Answers([], [])
    try:
        _run(target, image, rows, answers)
    except TimeoutError:  # which a loaded PC may be to blame for: not kept
        raise BoardStoppedError(f"no answer within {_TIMEOUT_S:.0f} s to row {len(answers.cost)}") from None
    except (BoardStoppedError, OSError):
        return {"stopped": f"crashes at row {len(answers.cost)}"}
    return {"cost": answers.cost, "classes": answers.classes}


def _run(target: Target, image: Path, rows: Sequence[bytes], answers: Answers) -> None:
    with (
        _board_runner().start(target.board, image, stderr=subprocess.DEVNULL) as emulator,
        socket.create_connection(("127.0.0.1", emulator.port), timeout=_TIMEOUT_S) as link,
    ):
        _receive(link, 1)  # the board is ready
        for row in rows:
            link.sendall(row)
            cost, answer = _ANSWER.unpack(_receive(link, _ANSWER.size))
            answers.cost.append(cost)
            answers.classes.append(answer)


def _receive(link: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        part = link.recv(n - len(data))
        if not part:
            raise BoardStoppedError("the board ended in the middle of an answer")
        data += part
    return data


def _write_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)
