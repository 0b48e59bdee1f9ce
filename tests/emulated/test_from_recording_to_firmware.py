"""docs/from-recording-to-firmware.md, done as it says: files, commands, outputs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.emulated import ROOT, load_script, need
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline

import milliwatt
from milliwatt.features import window_labels

pytestmark = [pytest.mark.xdist_group("samples"), pytest.mark.timeout(480)]

PAGE = ROOT / "docs" / "from-recording-to-firmware.md"
HERE = "/home/you/milliwatt"  # what the page calls the clone
BOARD = "qemu_cortex_m3"


@dataclass(frozen=True)
class Block:
    """A fenced block; ``file`` is what the line before it names."""

    language: str
    file: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(
        r"(?:`([\w./]+)`:\n\n)?```(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    return [Block(language, file, text.replace(HERE, str(ROOT))) for file, language, text in found]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, core_dir: Path) -> tuple[Path, dict[str, str]]:
    """The directory of somebody who followed the page, and what each command printed."""
    need(BOARD)
    pytest.importorskip("seglearn", reason="the recordings come with it", exc_type=Exception)
    directory = tmp_path_factory.mktemp("a beginner")
    for block in blocks():
        if block.file:
            path = directory / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    said = {}
    for block in blocks():
        for command in block.text.splitlines() if block.language == "sh" else ():
            said[command] = run(command, directory, core_dir)
    return directory, said


def run(command: str, directory: Path, core_dir: Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PLATFORMIO_CORE_DIR": str(core_dir),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
        "COLUMNS": "200",
    }
    done = subprocess.run(
        ["sh", "-c", command], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_has_what_a_user_types() -> None:
    files = [block.file for block in blocks() if block.file]
    assert files == ["train.py", "firmware/platformio.ini", "firmware/src/main.c"]
    commands = [line.split()[0] for b in blocks() if b.language == "sh" for line in b.text.splitlines()]
    assert commands == ["python", "python", "milliwatt", "pio"]


def test_outputs_are_those_of_the_page(followed: tuple[Path, dict[str, str]]) -> None:
    said = list(followed[1].values())
    trained, firmware = (block.text for block in blocks() if block.language == "text")
    assert said[1] == trained
    assert firmware in said[3]


def test_recordings_are_written(followed: tuple[Path, dict[str, str]]) -> None:
    files = list((followed[0] / "recordings").glob("*/*.csv"))
    assert len(files) == 140
    (csv,) = (block.text for block in blocks() if block.language == "csv")
    header = csv.splitlines()[0]
    assert all(file.read_text().startswith(f"{header}\n") for file in files)


def test_the_board_agrees(followed: tuple[Path, dict[str, str]]) -> None:
    checked = list(followed[1].values())[2]
    assert BOARD in checked
    assert "100.00 %" in checked


def test_the_firmware_says_what_the_pc_said(followed: tuple[Path, dict[str, str]]) -> None:
    _, trained, _, firmware = followed[1].values()
    expected = trained.splitlines()[1].split(": ")[1].split(", ")
    assert re.findall(r"^ *\d+ s: (\w+)$", firmware, re.MULTILINE) == expected
    assert len(expected) == 9


def test_sound_goes_the_same_way(tmp_path: Path) -> None:
    """WAV files through the page's read() and its front."""
    (script,) = (block for block in blocks() if block.file == "train.py")
    (tmp_path / "page_train.py").write_text(script.text, encoding="utf-8")
    read = load_script(tmp_path / "page_train.py").read
    (text,) = (block.text for block in blocks() if block.language == "python" and not block.file)
    names: dict[str, Any] = {}
    exec(text, names)
    draw = np.random.default_rng(0)
    recordings, labels = [], []
    for index in range(6):
        samples = draw.normal(0, 300, 16_000)
        if index % 2:
            samples += 3000 * np.sin(np.arange(16_000) * 2 * np.pi * 880 / 16_000)
        with wave.open(str(tmp_path / f"{index}.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
        recordings.append(read(tmp_path / f"{index}.wav"))
        np.testing.assert_array_equal(recordings[-1][:, 0], samples.astype(np.int16))
        labels.append("tone" if index % 2 else "noise")
    pipeline = make_pipeline(*names["front"], RandomForestClassifier(5, random_state=0))
    steps = [pipeline[0].fit(recordings)]
    steps.append(pipeline[1].fit(steps[0].transform(recordings)))
    pipeline.fit(recordings, window_labels(steps, recordings, labels))
    model = milliwatt.convert(pipeline, name="sound", calibration=recordings)
    assert model.predict(recordings).tolist() == window_labels(steps, recordings, labels).tolist()
