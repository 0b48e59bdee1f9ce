"""C files of all declared models in one directory, written only where their text changed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from milliwatt import ir
from milliwatt.build.cache import prune
from milliwatt.build.conversion import Converter
from milliwatt.build.declarations import ModelDeclaration
from milliwatt.build.fingerprint import fingerprint
from milliwatt.emit import emit_c
from milliwatt.errors import MilliwattError
from milliwatt.files import write_files
from milliwatt.options import ModelOptions

_RECORD = "generated.json"


@dataclass(frozen=True)
class Generated:
    """What became of one model.

    Attributes:
        name: the model.
        files: its header and source.
        changed: False when nothing had to be generated.
        summary: one line for the user; empty when nothing had to be generated.
    """

    name: str
    files: tuple[Path, ...]
    changed: bool
    summary: str = ""


@dataclass(frozen=True)
class _Made:
    """A model's fingerprint, its files with their SHA-256 or (just made) their texts, and its cache entry."""

    fingerprint: str
    digests: dict[str, str]
    texts: dict[str, str]
    summary: str = ""
    cached: Path | None = None


def generate(models: Sequence[ModelDeclaration], directory: Path, converter: Converter) -> list[Generated]:
    """Bring a directory up to date with the declared models.

    Nothing is written before all models are converted. A file is touched only if its text changes,
    so that a build sees no change where there is none. ``*.h`` and ``*.c`` of models that are no
    longer declared are removed: the directory must belong to this function alone. Conversions that no
    build has asked for in a month leave the converter's cache.

    Raises:
        MilliwattError: names the declaration, the file and the cure.
    """
    record = _read_record(directory)
    made = {model.name: _make(model, directory, converter, record.get(model.name)) for model in models}
    _write(directory, [m for m in made.values() if m.texts])
    _remove_others(directory, {name for m in made.values() for name in m.digests})
    _write_record(directory, made)
    prune(converter.cache, {m.cached for m in made.values() if m.cached is not None})
    return [
        Generated(name, tuple(directory / file for file in m.digests), bool(m.texts), m.summary)
        for name, m in made.items()
    ]


def _make(model: ModelDeclaration, directory: Path, converter: Converter, old: _Made | None) -> _Made:
    try:
        converter.check(model)
        contents = _read(model.file, "check the path in the model's declaration")
        calibration = b""
        if model.options.calibration:
            calibration = _read(Path(model.options.calibration), "check the path of calibration=")
        o = model.options
        settled = f"method={o.method} budget={o.budget} arena={o.arena}"
        options = f"{settled} {o.conversion} calibration={bool(o.calibration)}"
        key = fingerprint([model.name, options, model.file.suffix.lower(), contents, calibration])
        cached = converter.cached(model, contents, calibration)
        if old is not None and old.fingerprint == key and _intact(directory, old):
            return dataclasses.replace(old, cached=cached)
        loaded = _settled(converter.load(model, contents, calibration), model)
        emitted = emit_c(dataclasses.replace(loaded, name=model.name))
    except MilliwattError as error:
        raise model.blame(error) from None
    choice = emitted.choice
    summary = f"{model.name}.h from {model.shown} ({choice.method}: {choice.reason})"
    digests = {name: _digest(text.encode()) for name, text in emitted.files.items()}
    return _Made(key, digests, emitted.files, summary, cached)


def _settled(loaded: ir.AnyModel, model: ModelDeclaration) -> ir.AnyModel:
    """With what is chosen of every file; what the conversion has honoured is said of no model again."""
    o = model.options
    return ir.settle(loaded, ModelOptions(method=o.method, budget=o.budget, arena=o.arena))


def _read(path: Path, cure: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MilliwattError("no such file", file=path, cure=cure) from None
    except OSError as error:
        raise MilliwattError(f"cannot be read: {error.strerror or error}", file=path, cure=cure) from None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _has(directory: Path, name: str, digest: str) -> bool:
    try:
        return _digest((directory / name).read_bytes()) == digest
    except OSError:
        return False


def _intact(directory: Path, made: _Made) -> bool:
    return all(_has(directory, name, digest) for name, digest in made.digests.items())


def _write(directory: Path, made: Iterable[_Made]) -> None:
    texts = {
        name: text
        for m in made
        for name, text in m.texts.items()
        if not _has(directory, name, m.digests[name])
    }
    if texts:
        write_files(directory, texts)


def _remove_others(directory: Path, wanted: set[str]) -> None:
    for path in [*directory.glob("*.h"), *directory.glob("*.c")]:
        if path.name not in wanted:
            path.unlink(missing_ok=True)


def _read_record(directory: Path) -> dict[str, _Made]:
    """What was generated last time; nothing if that cannot be told."""
    try:
        data = json.loads((directory / _RECORD).read_text(encoding="utf-8"))
        return {name: _Made(entry["fingerprint"], dict(entry["files"]), {}) for name, entry in data.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write_record(directory: Path, made: dict[str, _Made]) -> None:
    data = {name: {"fingerprint": m.fingerprint, "files": m.digests} for name, m in made.items()}
    text = json.dumps(data, indent=1) + "\n"
    if not _has(directory, _RECORD, _digest(text.encode())):
        write_files(directory, {_RECORD: text})
