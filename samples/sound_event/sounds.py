"""Sounds out of Debian's package ``sonic-pi-samples``, each file of them CC0, and clips made of them.

The package's ``copyright`` names licence and source of each file; those of other licences, and those it does
not name, are not used. The package is read where it is installed, or else fetched once from Debian and kept
in the cache directory.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import tarfile
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter, resample_poly

RATE_HZ = 16_000
QUIET = "quiet"
CLIP_SECONDS = 1.5

# What stands together with a plus was recorded together, soft and hard for instance: it is never on both
# sides of the split.
FILES = {
    "cymbal": "drum_cymbal_closed+drum_cymbal_pedal drum_cymbal_open drum_cymbal_hard+drum_cymbal_soft "
    "drum_splash_hard+drum_splash_soft elec_cymbal",
    "kick": "bd_808 bd_ada bd_boom bd_fat bd_gas bd_haus bd_klub bd_pure bd_sone bd_tek bd_zome bd_zum "
    "drum_bass_hard+drum_bass_soft drum_heavy_kick elec_hollow_kick elec_soft_kick",
    "snare": "sn_dolf sn_dub sn_zome drum_snare_hard+drum_snare_soft elec_snare elec_lo_snare "
    "elec_mid_snare elec_hi_snare elec_filt_snare",
    "tone": "ambi_choir ambi_drone ambi_glass_hum+ambi_haunted_hum ambi_glass_rub ambi_piano ambi_soft_buzz "
    "bass_hard_c bass_thick_c+bass_trance_c bass_voxy_c+bass_voxy_hit_c bass_woodsy_c bass_drop_c bass_dnb_f "
    "bass_hit_c guit_em9+guit_e_fifths guit_e_slide guit_harmonics",
}
OTHERS = ("drum_roll", "misc_crow", "vinyl_hiss")  # for ../sound_level
FOLDS = 4
HELD_OUT_FOLD = 3  # every fourth group of files, fixed before anything was trained

_DEB = "sonic-pi-samples_3.2.2~repack-8_all.deb"
_URL = f"https://deb.debian.org/debian/pool/main/s/sonic-pi/{_DEB}"
_INSTALLED = Path("/usr/share/sonic-pi/samples")
# Of the bytes of all files above, in that order, OTHERS last.
_SHA256 = "acf05b2bd1600f037d8992473cb0796dde6bc523b4a4a31e9f99fc72b47c890b"

FloatArray = npt.NDArray[np.float64]
Int16Array = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Sound:
    """A file: what it is, which of the folds it belongs to, and its samples at 16 kHz, largest 1."""

    name: str
    label: str
    fold: int
    samples: FloatArray


@dataclass(frozen=True)
class Clip:
    """A sound that begins somewhere in noise.

    Attributes:
        samples: what a microphone delivers, 16 bits.
        sound: the sound alone, 1.0 is full scale.
        noise: the noise alone.
    """

    samples: Int16Array
    sound: FloatArray
    noise: FloatArray

    def label(self, begin: int, end: int, label: str) -> str | None:
        """What a window is of: quiet before the sound; the sound if it stands out; else None, undecided."""
        heard, noise = (float((part[begin:end] ** 2).sum()) for part in (self.sound, self.noise))
        if heard == 0.0:
            return QUIET
        enough = heard > 4.0 * noise and heard > 0.02 * float((self.sound**2).sum())
        return label if enough else None


def clip(sound: Sound, turn: int) -> Clip:
    """The same sound and ``turn`` give the same clip.

    Drawn are the moment it begins (0.45 to 0.65 s), how loud it is (-18 to -1 dB of full scale), where in a
    long file it begins, and the noise's level (-60 to -40 dB) and colour.
    """
    draw = np.random.default_rng([*sound.name.encode(), turn])
    n = round(CLIP_SECONDS * RATE_HZ)
    begin = round(float(draw.uniform(0.45, 0.65)) * RATE_HZ)
    loud, quiet = 10 ** (draw.uniform([-18.0, -60.0], [-1.0, -40.0]) / 20)
    spare = len(sound.samples) - 2 * RATE_HZ
    start = int(draw.uniform(0, spare)) if spare > RATE_HZ else 0
    piece = sound.samples[start : start + n - begin]
    heard = np.zeros(n)
    heard[begin : begin + len(piece)] = loud * piece
    noise = lfilter([1.0], [1.0, -draw.uniform(0.0, 0.97)], draw.standard_normal(n))
    noise *= quiet / noise.std()
    samples = np.clip(np.rint(32767 * (heard + noise)), -32768, 32767).astype(np.int16)
    return Clip(samples, heard, noise)


@cache
def load() -> tuple[Sound, ...]:
    """All of them.

    Raises:
        SystemExit: they cannot be had; says what to do.
    """
    return tuple(Sound(name, label, fold, decoded(name)) for label, fold, name in _places())


def _places() -> list[tuple[str, int, str]]:
    return [
        (label, place % FOLDS, name)
        for label, groups in FILES.items()
        for place, group in enumerate(groups.split())
        for name in group.split("+")
    ]


def decoded(name: str) -> FloatArray:
    """A file's channels together, from 44.1 kHz to 16 kHz, the largest sample 1."""
    data = _files()[name]
    try:
        import soundfile
    except ImportError:
        raise SystemExit("The files are FLAC. Type: pip install soundfile") from None
    samples, rate = soundfile.read(io.BytesIO(data), always_2d=True)
    assert rate == 44_100
    slow: FloatArray = resample_poly(samples.mean(axis=1), 160, 441)
    return slow / np.abs(slow).max()


@cache
def _files() -> dict[str, bytes]:
    names = [name for _, _, name in _places()] + list(OTHERS)
    if all((_INSTALLED / f"{name}.flac").is_file() for name in names):
        data = {name: (_INSTALLED / f"{name}.flac").read_bytes() for name in names}
        source: Path | str = _INSTALLED
    else:
        source = _package()
        data = _unpacked(source.read_bytes(), names)
    digest = hashlib.sha256(b"".join(data[name] for name in names)).hexdigest()
    if digest != _SHA256:
        raise SystemExit(f"{source}: not the sounds of {_DEB} ({digest})")
    return data


def _unpacked(package: bytes, names: list[str]) -> dict[str, bytes]:
    """Files out of a Debian package: an archive of ``ar`` with a tar in it."""
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(_member(package, "data.tar.xz")))) as tar:
        found = {}
        for name in names:
            file = tar.extractfile(f".{_INSTALLED}/{name}.flac")
            assert file is not None
            found[name] = file.read()
    return found


def _member(archive: bytes, wanted: str) -> bytes:
    """Of ``ar``: headers of 60 bytes, name first and size last, each member at an even place."""
    place = len(b"!<arch>\n")
    while place < len(archive):
        name, size = archive[place : place + 16].decode().rstrip(" /"), int(archive[place + 48 : place + 58])
        if name == wanted:
            return archive[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    raise SystemExit(f"{_DEB}: has no {wanted}")


def _package() -> Path:
    """The package, from the cache or fetched."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache_home / "milliwatt" / _DEB
    if kept.exists():
        return kept
    try:
        with urllib.request.urlopen(_URL, timeout=60) as response:
            data: bytes = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise SystemExit(
            f"The sounds cannot be fetched: {error}. On Debian, type: apt-get install sonic-pi-samples; "
            f"elsewhere put {_DEB} into {kept.parent}"
        ) from None
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(kept)
    return kept
