"""Boards as YAML files: those that come with Milliwatt, and what is said about wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from milliwatt.errors import MilliwattError
from milliwatt.rig import connection, known_boards, load_board
from milliwatt.rig.board import schema

ALL = sorted(known_boards())
VIRTUAL = [
    "host",
    "qemu_cortex_m0",
    "qemu_cortex_m3",
    "qemu_cortex_m33",
    "qemu_cortex_m4f",
    "qemu_cortex_m7",
    "qemu_riscv32",
    "simavr_atmega328p",
]

GOOD = {
    "name": "mine",
    "description": "A board of my own",
    "cpu": "Cortex-M3",
    "arch": "armv7-m",
    "part": "STM32F103RB",
    "clock_hz": 72000000,
    "flash_bytes": 131072,
    "ram_bytes": 20480,
    "source": "its data sheet",
    "cost_unit": "us",
    "start": "upload",
    "tested": False,
    "platformio": {"platform": "ststm32", "board": "nucleo_f103rb", "framework": "arduino"},
    "serial": {"usb": "0483:374b"},
}


def write(path: Path, changes: dict[str, object]) -> Path:
    data = {**GOOD, **changes}
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value != "-"}))
    return path


def problem(path: Path) -> str:
    with pytest.raises(MilliwattError) as caught:
        load_board(path)
    return str(caught.value)


def test_the_boards_that_come_with_it() -> None:
    assert set(VIRTUAL) <= set(ALL)
    assert {"esp32dev", "nrf52840_dk", "pico"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_every_board_loads_and_is_called_like_its_file(name: str) -> None:
    board = load_board(name)
    assert board.name == name == board.file.stem
    assert board.is_virtual == (name in VIRTUAL)
    assert board.tested == board.is_virtual  # real ones: nobody has run a check on them yet
    assert board.serial.window == (16 if board.is_virtual else 1)


@pytest.mark.parametrize("name", [name for name in VIRTUAL if name != "host"])
def test_virtual_boards_say_what_their_platform_says(name: str, repository: Path) -> None:
    board = load_board(name)
    manifest = json.loads((repository / "boards" / "virtual" / "boards" / f"{name}.json").read_text())
    part = manifest["virtual"]["real_part"]
    assert (board.part, board.clock_hz, board.source) == (part["name"], part["clock_hz"], part["source"])
    assert board.flash_bytes == part["flash_bytes"] == manifest["upload"]["maximum_size"]
    assert board.ram_bytes == part["ram_bytes"] == manifest["upload"]["maximum_ram_size"]
    assert board.cost_unit == manifest["virtual"]["counter_unit"]
    assert board.platformio.board == name


def test_a_board_of_ones_own(tmp_path: Path) -> None:
    board = load_board(
        str(write(tmp_path / "mine.yaml", {"platformio": {**GOOD_TARGET, "options": {"a": 5}}}))
    )
    assert board.name == "mine"
    assert board.platformio.options == {"a": "5"}
    assert board.serial.usb == ("0483:374b",)
    assert (board.serial.window, board.serial.baud) == (1, 115200)


GOOD_TARGET = {"platform": "ststm32", "board": "nucleo_f103rb"}


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(MilliwattError, match="no board 'qemu_cortex_m5'") as caught:
        load_board("qemu_cortex_m5")
    assert all(name in str(caught.value) for name in ALL)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no such file" in problem(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "not valid YAML"),
        ("a: b: c", "mine.yaml:1"),
        ("", "not of type 'object'"),
        ("- 1", "not of type 'object'"),
        ("\x00", "not valid YAML"),
    ],
)
def test_not_a_board_at_all(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    message = problem(path)
    assert words in message
    assert "mine.yaml" in message
    assert "cure:" in message


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"cpu": "-"}, "", ["cpu missing", "core, as reports show it"]),
        ({"colour": "red"}, "", ["unknown field colour", "clock_hz"]),
        ({"cost_unit": "seconds"}, "cost_unit", ["'seconds'", "choose one of instructions, cycles, ns, us"]),
        ({"clock_hz": "72 MHz"}, "clock_hz", ["72 MHz", "Hz"]),
        ({"flash_bytes": -1}, "flash_bytes", ["-1", "flash in bytes"]),
        ({"name": "a b"}, "name", ["a b", "letters"]),
        ({"start": "magic"}, "start", ["emulator, upload"]),
        ({"serial": {"usb": "0483-374b"}}, "serial.usb", ["vID:PID"]),
        ({"serial": {"usb": "0483:374b", "baud": "fast"}}, "serial.baud", ["bits per second"]),
        ({"serial": {"usb": "0483:374b", "window": 1000}}, "serial.window", ["1 to 64"]),
        ({"serial": {}}, "serial", ["port"]),
        ({"serial": "-"}, "", ["serial missing"]),
        ({"platformio": {"platform": "x"}}, "platformio", ["board missing"]),
        (
            {"platformio": {"platform": "x", "board": "y", "framework": "mbed"}},
            "platformio.framework",
            ["choose one of arduino"],
        ),
        ({"platformio": {"platform": "x", "board": "y", "options": {"a": [1]}}}, "platformio.options.a", []),
        ({"platformio": 5}, "platformio", ["5"]),
    ],
)
def test_each_mistake_is_named_with_its_cure(
    tmp_path: Path, changes: dict[str, object], field: str, words: list[str]
) -> None:
    message = problem(write(tmp_path / "mine.yaml", changes))
    where = f"mine.yaml: {field}:" if field else "mine.yaml: "
    assert where in message
    assert "cure:" in message
    for word in words:
        assert word.lower() in message.lower()


def port(device: str, usb: str | None = None) -> SimpleNamespace:
    vid, pid = (int(part, 16) for part in usb.split(":")) if usb else (None, None)
    return SimpleNamespace(device=device, vid=vid, pid=pid)


def test_the_port_of_a_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.tools import list_ports

    board = load_board(write(tmp_path / "mine.yaml", {"serial": {"usb": ["0483:374b"], "port": "/dev/my*"}}))
    ports = [port("/dev/ttyS0"), port("/dev/ttyACM1", "0483:374b"), port("/dev/ttyACM2", "2341:0043")]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    monkeypatch.setattr(connection, "_PORT_WAIT", 0.0)
    assert connection._find_port(board) == "/dev/ttyACM1"
    ports.append(port("/dev/my_board"))
    assert connection._find_port(board) == "/dev/my_board"
    ports.append(port("/dev/my_other"))
    with pytest.raises(MilliwattError, match=r"/dev/my_board, /dev/my_other[^$]*--port"):
        connection._find_port(board)
    del ports[1:]
    with pytest.raises(MilliwattError, match=r"no serial port that is /dev/my\* or USB 0483:374b"):
        connection._find_port(board)


def test_every_field_of_the_schema_is_explained() -> None:
    def fields(node: object) -> None:
        assert isinstance(node, dict)
        for name, field in node.get("properties", {}).items():
            assert "description" in field, name
            fields(field)

    fields({key: value for key, value in schema().items() if key != "then"})
