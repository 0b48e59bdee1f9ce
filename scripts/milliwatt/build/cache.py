"""Conversions kept from build to build, each in a file that its fingerprint names; old ones are dropped."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

SCRATCH = ".export-"  # directories of conversions that are under way

_DAY_S = 24 * 60 * 60
_KEPT_S = 30 * _DAY_S
_ENTRY = re.compile(r"[0-9a-f]{64}\.mw\.json")


def prune(directory: Path, in_use: Collection[Path]) -> None:
    """Drop what no build has asked for in 30 days.

    Other environments build at the same time and have entries of their own: those were asked for not long
    ago, and should one be lost all the same, it is converted again. What cannot be removed stays.

    Args:
        in_use: entries that this build has asked for, whether or not it read them.
    """
    now = time.time()
    for path in in_use:
        if _age_s(path, now) > _DAY_S:
            with suppress(OSError):
                os.utime(path)
    with suppress(OSError):  # there is no such directory, or no reading it
        for path in list(directory.iterdir()):
            if path not in in_use and _age_s(path, now) > _KEPT_S:
                _drop(path)


def _drop(path: Path) -> None:
    if path.name.startswith(SCRATCH):  # its build was killed
        shutil.rmtree(path, ignore_errors=True)
    elif _ENTRY.fullmatch(path.name):
        with suppress(OSError):
            path.unlink()


def _age_s(path: Path, now: float) -> float:
    """Seconds since it was last asked for; 0 where it is gone."""
    try:
        return now - path.stat().st_mtime
    except OSError:
        return 0.0
