"""What all tests in this directory share: where caches are, and how hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]

# Compiled models are found by content, so a cache that outlives the run is safe, and out of the home.
os.environ.setdefault("XDG_CACHE_HOME", str(ROOT / "build" / "cache"))

settings.register_profile(
    "milliwatt", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("milliwatt")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT
