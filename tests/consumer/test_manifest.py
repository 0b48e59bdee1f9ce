"""What PlatformIO's registry would be given."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

import milliwatt

from .conftest import REPOSITORY

pytestmark = [pytest.mark.xdist_group("consumer")]


@pytest.fixture(scope="module")
def manifest() -> dict[str, object]:
    loaded: dict[str, object] = json.loads((REPOSITORY / "library.json").read_text(encoding="utf-8"))
    return loaded


def test_the_version_is_the_packages(manifest: dict[str, object]) -> None:
    assert manifest["version"] == milliwatt.__version__


def test_the_samples_are_declared_and_whole(manifest: dict[str, object]) -> None:
    examples: list[dict[str, object]] = manifest["examples"]  # type: ignore[assignment]
    # Others are for Zephyr alone.
    projects = {p.parent.name for p in (REPOSITORY / "samples").glob("*/platformio.ini")}
    assert {e["base"] for e in examples} == {f"samples/{name}" for name in projects}
    for example in examples:
        base = REPOSITORY / str(example["base"])
        files: list[str] = example["files"]  # type: ignore[assignment]
        present = [p.relative_to(base) for p in base.rglob("*") if p.is_file()]
        wanted = {p.as_posix() for p in present if not {".pio", "__pycache__", "build"} & set(p.parts)}
        assert set(files) == wanted - {name for name in wanted if name.startswith(".")}


def test_the_archive_has_all_a_build_needs_and_no_litter(archive: Path) -> None:
    assert archive.name == f"milliwatt-{milliwatt.__version__}.tar.gz"
    with tarfile.open(archive) as tar:
        names = {name for name in tar.getnames() if not tar.getmember(name).isdir()}
    top = {name.partition("/")[0] for name in names}
    wanted = {
        "library.json",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "include",
        "src",
        "scripts",
        "boards",
        "samples",
    }
    assert top == wanted
    for part in ("include/milliwatt", "src", "scripts/milliwatt", "boards", "samples"):
        for path in (REPOSITORY / part).rglob("*"):
            relative = path.relative_to(REPOSITORY)
            hidden = any(p.startswith(".") or p == "__pycache__" for p in relative.parts)
            if path.is_file() and not hidden:
                assert relative.as_posix() in names
    assert {name for name in names if name.startswith("scripts/") and name.count("/") == 1} == {
        "scripts/pio_hook.py"
    }
    assert not [name for name in names if any(p.startswith((".", "__pycache__")) for p in name.split("/"))]
