"""The cache of conversions: what nobody asks for disappears, what somebody may need stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from mwtest.paths import names
from sklearn.tree import DecisionTreeClassifier

from milliwatt.build import Converter, generate, parse_models
from milliwatt.build.cache import prune

DAY_S = 24 * 3600


def entry(cache: Path, letter: str, days: float) -> Path:
    """A file as the converter names them, last asked for so many days ago."""
    path = cache / f"{letter * 64}.mw.json"
    path.write_text("{}", encoding="utf-8")
    set_age(path, days)
    return path


def set_age(path: Path, days: float) -> None:
    when = time.time() - days * DAY_S
    os.utime(path, (when, when))


def age_days(path: Path) -> float:
    return (time.time() - path.stat().st_mtime) / DAY_S


def test_old_entries_go_and_others_stay(tmp_path: Path) -> None:
    old, young, used = entry(tmp_path, "a", 31), entry(tmp_path, "b", 29), entry(tmp_path, "c", 400)
    prune(tmp_path, {used})
    assert not old.exists()
    assert young.exists()
    assert abs(age_days(young) - 29) < 0.1
    assert age_days(used) < 0.1, "what a build asks for counts as new"


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name in ("notes.txt", "gesture.mw.json", "a" * 63 + ".mw.json", "A" * 64 + ".mw.json"):
        (tmp_path / name).write_text("", encoding="utf-8")
        set_age(tmp_path / name, 400)
    (tmp_path / ("f" * 64 + ".mw.json")).mkdir()
    set_age(tmp_path / ("f" * 64 + ".mw.json"), 400)
    before = names(tmp_path)
    prune(tmp_path, set())
    assert names(tmp_path) == before


def test_what_a_killed_build_left_goes_and_what_is_under_way_stays(tmp_path: Path) -> None:
    for name, days in ((".export-old", 31), (".export-now", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.mw.json").write_text("", encoding="utf-8")
        set_age(tmp_path / name, days)
    prune(tmp_path, set())
    assert names(tmp_path) == [".export-now"]


def test_no_cache_and_entries_that_are_gone(tmp_path: Path) -> None:
    prune(tmp_path / "none", {tmp_path / "none" / "x"})
    assert names(tmp_path) == []


def test_what_cannot_be_removed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another build may have the file open on Windows, or have removed it a moment ago."""
    first, second = entry(tmp_path, "a", 99), entry(tmp_path, "b", 99)
    unlink = Path.unlink

    def sometimes(path: Path) -> None:
        if path == first:
            raise PermissionError(13, "in use")
        unlink(path)

    monkeypatch.setattr(Path, "unlink", sometimes)
    prune(tmp_path, set())
    assert first.exists()
    assert not second.exists()


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., int]:
    """Builds an environment; how many conversions that took."""
    x = np.arange(20.0)[:, np.newaxis]
    for name, limit in (("a", 5), ("b", 9)):
        tree = DecisionTreeClassifier(random_state=0).fit(x, x[:, 0] > limit)
        joblib.dump(tree, tmp_path / f"{name}.joblib")

    def build(environment: str, text: str) -> int:
        notes: list[str] = []
        converter = Converter(tmp_path / "cache", tmp_path, trust_pickle=True, note=notes.append)
        generate(parse_models(text, tmp_path), tmp_path / environment, converter)
        return len(notes)

    return build


def test_builds_keep_their_entries_and_drop_those_of_nobody(
    build: Callable[..., int], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    assert build("first", "a = a.joblib") == 1
    (mine,) = cache.iterdir()
    assert build("second", "b = b.joblib") == 1
    (other,) = set(cache.iterdir()) - {mine}
    # Months later the first environment is built daily, though nothing changes; the second never again.
    set_age(mine, 60)
    set_age(other, 60)
    assert build("first", "a = a.joblib") == 0
    assert names(cache) == [mine.name]
    assert age_days(mine) < 0.1
    assert build("second", "b = b.joblib") == 0, "what was generated needs no conversion"
    (tmp_path / "second" / "b.c").unlink()
    assert build("second", "b = b.joblib") == 1, "and what is lost is converted again"


def test_a_failed_build_drops_nothing(build: Callable[..., int], tmp_path: Path) -> None:
    build("first", "a = a.joblib")
    (mine,) = (tmp_path / "cache").iterdir()
    set_age(mine, 60)
    with pytest.raises(Exception, match="no such file"):
        build("first", "a = none.joblib")
    assert mine.exists()
