"""The text of a model file; what keeps it from being read is said as it is of every model file."""

from __future__ import annotations

from pathlib import Path

from milliwatt.errors import ModelFileError


def read_text(path: Path, *, cure: str, most_bytes: int | None = None) -> str:
    """A file's UTF-8 text, with or without a byte order mark.

    Args:
        cure: how to make such a file anew.
        most_bytes: a larger file is refused before it is read.

    Raises:
        ModelFileError: names the file and the cure.
    """
    try:
        if most_bytes is not None and path.stat().st_size > most_bytes:
            raise ModelFileError(
                f"larger than {most_bytes >> 20} MiB",
                file=path,
                cure="export the estimator with `milliwatt export` to *.mw.json",
            )
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ModelFileError(
            "no such file", file=path, cure="check the path in the model's declaration"
        ) from None
    except UnicodeDecodeError:
        raise ModelFileError("not a text file", file=path, cure=cure) from None
    except OSError as error:
        raise ModelFileError(
            f"cannot be read: {error.strerror}", file=path, cure="check the path and its permissions"
        ) from None
