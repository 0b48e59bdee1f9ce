"""What the tests on virtual boards share: a PlatformIO that can build, and a directory for its projects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from mwtest.emulated import stage


@pytest.fixture(scope="session")
def core_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PlatformIO's core directory, with what it would download put there already."""
    directory = Path(os.environ.get("PLATFORMIO_CORE_DIR") or tmp_path_factory.mktemp("core"))
    stage.stage(directory)
    return directory


@pytest.fixture(scope="module")
def work(core_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where `check()` keeps its projects while this module's tests run."""
    directory = tmp_path_factory.mktemp("rig work")  # with a space
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATFORMIO_CORE_DIR", str(core_dir))
        patch.setenv("MILLIWATT_RIG_DIR", str(directory))
        yield directory
