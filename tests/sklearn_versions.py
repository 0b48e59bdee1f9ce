"""Runs the tests that touch scikit-learn with its current release and the two minor releases before.

    python tests/sklearn_versions.py [--out build/sklearn] [--tests FILE …]

Asks the package index which releases there are, makes one virtual environment for each, and ends
with a line a version; the exit status is 1 if one of them failed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    "test_frontend_sklearn.py",
    "test_frontend_boosting.py",
    "test_frontend_histogram.py",
    "test_frontend_isolation.py",
    "test_frontend_bagging.py",
    "test_frontend_ensembles.py",
    "test_frontend_skops.py",
    "test_property_ensembles.py",
    "test_ensembles_c.py",
    "test_missing_values.py",
    "test_nan_thresholds.py",
    "test_exactness.py",
    "test_property_sklearn.py",
    "test_export.py",
)
PACKAGES = ("numpy", "pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "joblib", "skops")


def newest_minors(listing: str, count: int = 3) -> list[str]:
    """The newest patch release of each of the newest minor releases, newest first.

    >>> newest_minors("Available versions: 1.9.1, 1.9.0, 1.8.0, 1.7.2, 1.7.1, 1.6.0")
    ['1.9.1', '1.8.0', '1.7.2']
    """
    line = next((text for text in listing.splitlines() if text.startswith("Available versions:")), "")
    found: dict[str, str] = {}
    for version in re.findall(r"\b(\d+\.\d+\.\d+)\b(?!\.|rc|a|b)", line):
        found.setdefault(version.rsplit(".", 1)[0], version)
    return list(found.values())[:count]


def environment(directory: Path, version: str) -> Path:
    """The Python of a virtual environment with that scikit-learn."""
    home = directory / version
    python = home / "bin" / "python"
    if not (home / ".complete").exists():
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", f"scikit-learn=={version}", *PACKAGES]
        subprocess.run(install, check=True)
        (home / ".complete").touch()
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sklearn")
    parser.add_argument(
        "--tests", nargs="*", default=[str(ROOT / "tests" / "python" / name) for name in TESTS]
    )
    options = parser.parse_args()
    index = [sys.executable, "-m", "pip", "index", "versions", "scikit-learn"]
    versions = newest_minors(subprocess.run(index, capture_output=True, text=True, check=True).stdout)
    results = {}
    for version in versions:
        python = environment(options.out, version)
        run = [str(python), "-m", "pytest", "-q", "-n", "2", *options.tests]
        env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
        results[version] = subprocess.run(run, cwd=ROOT, env=env, check=False).returncode
    for version, status in results.items():
        print(f"scikit-learn {version}: {'ok' if status == 0 else 'FAILED'}")
    return int(any(results.values()) or not results)


if __name__ == "__main__":
    sys.exit(main())
