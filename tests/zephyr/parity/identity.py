"""The check firmware of one build: what it is made from, and so its build id.

    python identity.py BUILD/parity.json HEADER

writes the header that CMake wants; the test imports the same functions. Python's standard library is enough.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))

from milliwatt import ir
from milliwatt.emit import choose_method
from milliwatt.rig.board import Board, PlatformioTarget, SerialSettings
from milliwatt.rig.firmware import FirmwareSpec


def specification(record: Path) -> FirmwareSpec:
    """What a build directory was configured for, with the model and the sources as they are now."""
    given = json.loads(record.read_text(encoding="utf-8"))
    file = Path(given["model"])
    model = dataclasses.replace(ir.load(file), name=file.name.split(".")[0])
    method = choose_method(model, given["method"]).method
    return FirmwareSpec(model, method, _board(given["board"]), vector=not model.is_classifier)


def _board(name: str) -> Board:
    """A board as far as the firmware's identity needs one: Zephyr knows the rest."""
    return Board(
        name=name,
        description="under Zephyr",
        cpu="",
        arch="",
        clock_hz=None,
        flash_bytes=None,
        ram_bytes=None,
        part="",
        source="",
        cost_unit="ns",
        start="upload",
        platformio=PlatformioTarget("zephyr", name),
        serial=SerialSettings(),
        tested=False,
        file=Path(),
    )


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(specification(Path(sys.argv[1])).header(), encoding="utf-8")
