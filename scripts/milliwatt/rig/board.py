"""Boards as data: YAML files in ``boards/virtual`` and ``boards/rigs``, or one of the user's own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from milliwatt import sdk
from milliwatt.errors import MilliwattError, ToolMissingError

DIRECTORIES = ("virtual", "rigs")
ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class PlatformioTarget:
    """What goes into ``platformio.ini``."""

    platform: str
    board: str
    framework: str = ""
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SerialSettings:
    """How the PC reaches the board.

    Attributes:
        usb: ``VID:PID`` of the board's serial adapter, lower case; any of them.
        port: a port or a pattern of ports, such as ``/dev/ttyUSB*``; asked before ``usb``.
        baud: bits per second.
        window: rows under way at once; more than 1 needs flow control.
        hello_s: seconds the board has to start and answer.
        reply_s: seconds one answer may take.
    """

    usb: tuple[str, ...] = ()
    port: str = ""
    baud: int = 115200
    window: int = 1
    hello_s: float = 20.0
    reply_s: float = 5.0


@dataclass(frozen=True)
class Board:
    """A board that firmware can be built for and run on.

    Attributes:
        name: what users call it.
        description: one line.
        cpu: for tables.
        arch: instruction set.
        clock_hz, flash_bytes, ram_bytes: of the real part; None where there is none.
        part: the real part.
        source: where these numbers are from.
        cost_unit: what a prediction's cost is counted in.
        start: ``emulator`` (boards/virtual/run.py runs it) or ``upload`` (PlatformIO flashes it).
        tested: whether a check has ever been run on it.
        file: the YAML file.
    """

    name: str
    description: str
    cpu: str
    arch: str
    clock_hz: int | None
    flash_bytes: int | None
    ram_bytes: int | None
    part: str
    source: str
    cost_unit: str
    start: str
    platformio: PlatformioTarget
    serial: SerialSettings
    tested: bool
    file: Path

    @property
    def is_virtual(self) -> bool:
        return self.start == "emulator"

    def tools(self) -> list[str]:
        """The programs a virtual board is built with."""
        if not self.is_virtual:
            return []
        path = sdk.root() / "boards" / "virtual" / "boards" / f"{self.platformio.board}.json"
        if not path.is_file():
            return []
        needs = json.loads(path.read_text(encoding="utf-8"))["virtual"]["build_needs"]
        return [need["program"] for need in needs if "program" in need]


def known_boards() -> dict[str, Path]:
    """The boards that come with Milliwatt, by name."""
    root = sdk.root() / "boards"
    return {path.stem: path for folder in DIRECTORIES for path in sorted((root / folder).glob("*.yaml"))}


def load_board(name: str | Path) -> Board:
    """A board by its name, or by the path of its YAML file.

    Raises:
        MilliwattError: no such board, or its file is wrong; names file, field and cure.
    """
    path = Path(name).expanduser()
    if isinstance(name, Path) or path.suffix in ENDINGS or len(path.parts) > 1:
        return _read(path)
    known = known_boards()
    if str(name) not in known:
        raise MilliwattError(
            f"there is no board {str(name)!r}",
            option="board",
            cure=f"choose one of {', '.join(known)}, or give the path of a YAML file",
        )
    return _read(known[str(name)])


def _read(path: Path) -> Board:
    data = _parse(path)
    _validate(data, path)
    target, serial = data["platformio"], data.get("serial", {})
    usb = serial.get("usb", ())
    return Board(
        **{key: value for key, value in data.items() if key not in ("platformio", "serial")},
        platformio=PlatformioTarget(
            target["platform"],
            target["board"],
            target.get("framework", ""),
            {key: str(value) for key, value in target.get("options", {}).items()},
        ),
        serial=SerialSettings(**{**serial, "usb": (usb,) if isinstance(usb, str) else tuple(usb)}),
        file=path.resolve(),
    )


def _parse(path: Path) -> Any:
    try:
        import yaml
    except ImportError:
        raise _needs("PyYAML") from None
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MilliwattError("no such file", file=path, cure="check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MilliwattError(f"cannot be read ({error})", file=path) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "not YAML"
        raise MilliwattError(f"not valid YAML: {problem}", file=where, cure="correct the syntax") from None


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON schema of a board's file."""
    path = sdk.root() / "boards" / "schema.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _validate(data: Any, path: Path) -> None:
    try:
        import jsonschema
    except ImportError:
        raise _needs("jsonschema") from None
    validator = jsonschema.Draft202012Validator(schema())
    error = jsonschema.exceptions.best_match(validator.iter_errors(data))
    if error is None:
        return
    names = [str(part) for part in error.absolute_path]
    raise MilliwattError(_problem(error), file=path, option=".".join(names) or None, cure=_cure(error))


def _problem(error: Any) -> str:
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{', '.join(missing)} missing"
    if error.validator == "additionalProperties":
        unknown = [str(name) for name in error.instance if name not in error.schema["properties"]]
        return f"unknown field {', '.join(unknown)}"
    if error.validator in ("anyOf", "oneOf"):
        return "has none of the forms it may have"
    return str(error.message)


def _cure(error: Any) -> str:
    if error.validator == "additionalProperties":
        return f"the fields are {', '.join(error.schema['properties'])}"
    if error.validator == "enum":
        return f"choose one of {', '.join(map(str, error.validator_value))}"
    if error.validator == "required":
        properties = error.schema["properties"]
        missing = [name for name in error.validator_value if name not in error.instance]
        return "; ".join(f"{name}: {properties[name].get('description', 'needed')}" for name in missing)
    text = error.schema.get("description")
    return f"give {text[0].lower()}{text[1:]}" if text else "see boards/schema.json"


def _needs(package: str) -> ToolMissingError:
    return ToolMissingError(f"boards need {package}", cure="type: pip install 'milliwatt[rig]'")
