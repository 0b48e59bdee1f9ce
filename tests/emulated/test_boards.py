"""The virtual boards: each is built with PlatformIO, run in its emulator and held to what it promises."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mwtest.emulated import ALL, EXACT, ROOT, boards, missing, need, stage

PROJECT = Path(__file__).resolve().parent / "board_selftest"
TIMEOUT_S = 60


QEMU = [name for name in ALL if name.startswith("qemu")]
ONE_PER_FAMILY = ["qemu_cortex_m0", "qemu_riscv32", "simavr_atmega328p"]  # a linker script each
INSTALLED = [name for name in ALL if missing(name) is None]


class Pio:
    """PlatformIO on the self-test project, its work kept out of the source tree."""

    def __init__(self, workspace: Path, core_dir: Path) -> None:
        self.workspace = workspace
        self.environment = {
            **os.environ,
            "PLATFORMIO_CORE_DIR": str(core_dir),
            "PLATFORMIO_WORKSPACE_DIR": str(workspace),
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
            "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        }

    def __call__(self, verb: str, names: list[str], *arguments: str, flags: str = "") -> tuple[int, str]:
        command = [sys.executable, "-m", "platformio", verb, "-d", str(PROJECT), *arguments]
        for name in names:
            command += ["-e", name]
        done = subprocess.run(
            command,
            env={**self.environment, "PLATFORMIO_BUILD_FLAGS": flags},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S * len(names),
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def pio(core_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Pio:
    return Pio(tmp_path_factory.mktemp("selftest"), core_dir)


@pytest.fixture(scope="module")
def firmwares(pio: Pio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with <board>.elf for every board whose tools are here."""
    status, output = pio("run", INSTALLED)
    assert status == 0, output
    assert "warning" not in output.lower(), output  # the support code is built with every warning on
    directory = tmp_path_factory.mktemp("firmwares")
    for name in INSTALLED:
        shutil.copy(pio.workspace / "build" / name / "firmware.elf", directory / f"{name}.elf")
    return directory


class Session:
    """A line-oriented talk with a running self-test firmware."""

    def __init__(self, board: str, emulator: object, connection: socket.socket) -> None:
        self.process: subprocess.Popen[bytes] = emulator.process  # type: ignore[attr-defined]
        self.connection = connection
        self.lines = connection.makefile("rb")
        assert self.receive() == ["ready", board, boards.load(board)["virtual"]["counter_unit"]]

    def receive(self) -> list[str]:
        return self.lines.readline().decode().split()

    def send(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\n")

    def ask(self, line: str) -> list[str]:
        self.send(line)
        answer = self.receive()
        assert answer[0] == line.split()[0]
        return answer[1:]

    def end(self, line: str) -> int:
        self.send(line)
        return self.process.wait(TIMEOUT_S)


@pytest.fixture
def session(firmwares: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    board: str = request.param
    need(board)
    with (
        boards.start(board, firmwares / f"{board}.elf", stderr=subprocess.DEVNULL) as emulator,
        socket.create_connection(("127.0.0.1", emulator.port), timeout=TIMEOUT_S) as connection,
    ):
        yield Session(board, emulator, connection)


on = pytest.mark.parametrize


@on("session", EXACT, indirect=True)
def test_counter_is_exact(session: Session) -> None:
    assert session.ask("empty") == ["0"]
    assert session.ask("nops") == ["10"]
    for rounds in (1, 2, 10, 1000, 100_000, 12_345):
        counted, known = session.ask(f"count {rounds}")
        assert counted == known, rounds
    assert session.ask("empty") == ["0"]


@on("session", ["host"], indirect=True)
def test_host_counts_time(session: Session) -> None:
    short, long = (int(session.ask(f"count {rounds}")[0]) for rounds in (1000, 10_000_000))
    assert long > 100 * max(short, 1)


@on("session", ALL, indirect=True)
def test_stack_mark_follows_the_stack(session: Session) -> None:
    marks = {}
    for depth in (256, 512, 1024):
        before, after, _ = (int(word) for word in session.ask(f"stack {depth}"))
        assert 0 < before < after
        assert after > depth
        marks[depth] = after
    # Every 64 bytes more are one frame more, of the block and a few registers.
    per_frame = (marks[512] - marks[256]) / 4
    assert 64 < per_frame < 128
    assert (marks[1024] - marks[512]) / 8 == per_frame
    assert int(session.ask("stack 256")[1]) == marks[256]  # painting again forgets


@on("session", ALL, indirect=True)
def test_stdio_and_serial(session: Session) -> None:
    assert session.ask("float 22") == ["3.143", "-1.23e+03", "-42", "text"]
    assert session.ask("cxx") == ["21"]
    data = bytes(i * 7 % 256 for i in range(3000))
    session.send(f"echo {len(data)}")
    session.connection.sendall(data)
    assert session.lines.read(len(data)) == data


@on("line, status", [("exit 0", 0), ("exit 7", 7), ("return 0", 0), ("return 9", 9), ("exit 256", 255)])
@on("session", ALL, indirect=True)
def test_exit_status(session: Session, line: str, status: int) -> None:
    assert session.end(line) == status


@on("session", ALL, indirect=True)
def test_crash_is_a_failure(session: Session, request: pytest.FixtureRequest) -> None:
    status = session.end("crash")
    assert status in (134, -6)  # -6: on the host, SIGABRT itself
    said = session.lines.read().decode()
    if request.node.callspec.params["session"] in QEMU:
        assert "mw_board: exception 0x" in said


@on("board", [name for name in ALL if name not in QEMU])
def test_closed_serial_port_is_told(firmwares: Path, board: str) -> None:
    need(board)
    assert boards.run(board, firmwares / f"{board}.elf", timeout=TIMEOUT_S) == 3


def test_tcp_port_and_timeout(firmwares: Path) -> None:
    need("qemu_cortex_m4f")
    script, port = ROOT / "boards" / "virtual" / "run.py", boards.free_port()
    command = [sys.executable, str(script), "--board", "qemu_cortex_m4f", "--timeout", "2"]
    command += ["--serial", f"tcp:{port}", str(firmwares / "qemu_cortex_m4f.elf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        connection = None
        while connection is None:
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
            except ConnectionRefusedError:
                assert process.poll() is None
                time.sleep(0.01)
        with connection, connection.makefile("rb") as lines:
            assert lines.readline() == b"ready qemu_cortex_m4f instructions\n"
            _, errors = process.communicate()
        assert process.returncode == 125
        assert "still running after 2 s" in errors


def test_upload_runs_and_passes_the_status_on(pio: Pio) -> None:
    status, output = pio("run", INSTALLED, "-t", "upload", flags="-DSELFTEST_STATUS=5")
    assert status != 0
    assert output.count("Flash: [") == output.count("RAM:   [") == len(INSTALLED)
    for name in INSTALLED:
        assert f"the firmware on {name} ended with exit status 5" in output
    some = [name for name in ONE_PER_FAMILY if name in INSTALLED]
    status, output = pio("run", some, "-t", "upload", flags="-DSELFTEST_STATUS=0")
    assert status == 0, output


@on("board", [name for name in ALL if name != "host"])
def test_too_much_flash_is_refused(pio: Pio, board: str) -> None:
    need(board)
    size = boards.load(board)["upload"]["maximum_size"]
    status, output = pio("run", [board], flags=f"-DSELFTEST_FLASH_BALLAST={size - 64}")
    assert status != 0
    assert "will not fit in region" in output
    assert "overflowed by" in output


@on("board", ONE_PER_FAMILY)
def test_too_much_ram_is_refused(pio: Pio, board: str) -> None:
    need(board)
    data = boards.load(board)
    ram, stack = data["upload"]["maximum_ram_size"], data["virtual"]["min_stack"]
    status, output = pio("run", [board], flags=f"-DSELFTEST_RAM_BALLAST={ram - 16}")
    assert status != 0
    assert "overflowed by" in output or "is not within region" in output
    status, output = pio("run", [board], flags=f"-DSELFTEST_RAM_BALLAST={ram - stack - 32}")
    assert status != 0
    assert "less than the board's minimum stack" in output


def test_pio_test(pio: Pio) -> None:
    status, output = pio("test", INSTALLED, "-f", "test_pass")
    assert status == 0, output
    assert f"{2 * len(INSTALLED)} test cases: {2 * len(INSTALLED)} succeeded" in output
    status, output = pio("test", INSTALLED, "-f", "test_fail")
    assert status != 0
    n = len(INSTALLED)
    assert f"{2 * n} test cases: {n} failed, {n} succeeded" in output
    status, output = pio("test", ["host"], "-f", "test_unfinished")
    assert status != 0
    assert "without its line" in output


def test_missing_tools_name_their_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(boards.BoardError, match="apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"):
        boards.require("qemu_cortex_m4f", "build")
    with pytest.raises(boards.BoardError, match="apt install qemu-system-misc"):
        boards.require("qemu_riscv32", "run")
    with pytest.raises(boards.BoardError, match="libsimavr-dev libelf-dev"):
        boards.require("simavr_atmega328p", "run")


def test_wrong_use_is_explained(tmp_path: Path) -> None:
    with pytest.raises(boards.BoardError, match="no virtual board 'nope'; there are host, qemu_cortex_m0"):
        boards.load("nope")
    with pytest.raises(boards.BoardError, match="build it first"):
        boards.command("host", tmp_path / "none.elf")
    with pytest.raises(boards.BoardError, match="use stdio, tcp:PORT"):
        boards.command("host", tmp_path / "none.elf", serial="/dev/ttyUSB0")


def test_simavr_runner_is_built_once_by_many(tmp_path: Path) -> None:
    need("simavr_atmega328p")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import run; print(run.simavr_runner(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(ROOT / "boards" / "virtual"), "simavr_atmega328p"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    many = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    paths = {process.communicate()[0].strip() for process in many}
    assert [process.returncode for process in many] == [0, 0, 0]
    assert [str(path) for path in (tmp_path / "milliwatt").iterdir()] == list(paths)


def test_staging_is_whole_and_done_once(tmp_path: Path) -> None:
    assert stage.scons_release("4.41101.0") == "4.11.1"
    assert stage.scons_release("4.40801.2") == "4.8.1"
    package = tmp_path / "packages" / "tool-scons"
    assert stage.stage(tmp_path, force=True).startswith("staged tool-scons")
    assert stage.is_staged(package, stage.wanted_version())
    started = subprocess.run(
        [sys.executable, str(package / "scons.py"), "--version"], capture_output=True, text=True, check=True
    )
    assert f"SCons: v{stage.scons_release(stage.wanted_version())}" in started.stdout
    assert "already" in stage.stage(tmp_path)
    (package / "scons.py").unlink()
    assert not stage.is_staged(package, stage.wanted_version())
    assert stage.stage(tmp_path, force=True).startswith("staged tool-scons")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packages"]
    assert sorted(path.name for path in package.parent.iterdir()) == ["tool-scons"]
