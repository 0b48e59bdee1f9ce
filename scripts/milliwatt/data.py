"""Samples from CSV files, and out of what numpy makes arrays of."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError

LABEL = "label"


@dataclass(frozen=True)
class Table:
    """Samples and, where the file has a last column ``label``, what each is."""

    features: NDArray[np.float64]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def as_array(given: Any) -> NDArray[Any]:
    """What numpy makes of it; of rows of unequal length an array of objects."""
    try:
        return np.asarray(given)
    except ValueError:
        return np.asarray(given, dtype=object)


def read_table(path: str | Path, n_features: int) -> Table:
    """Read a CSV file: an optional header line, ``n_features`` columns, optionally a label.

    Empty fields and ``nan`` are missing values.

    Raises:
        MilliwattError: names file, line and column of what is wrong.
    """
    rows = _read_rows(Path(path))
    if not rows:
        raise MilliwattError("no rows", file=path, cure="give a CSV file with one row a sample")
    names: tuple[str, ...] = ()
    first = rows[0][1]
    if _is_header(first):
        names = tuple(first)
        rows = rows[1:]
    labelled = len(first) == n_features + 1
    if labelled and names and names[-1].strip().lower() != LABEL:
        raise MilliwattError(
            f"column {len(first)} is called {names[-1]!r}", file=path, cure=f"{_expected(n_features)}"
        )
    features = np.empty((len(rows), n_features))
    for index, (line, row) in enumerate(rows):
        if len(row) != n_features + labelled:
            raise MilliwattError(f"{len(row)} columns", file=f"{path}:{line}", cure=_expected(n_features))
        for column in range(n_features):
            features[index, column] = _number(row[column], f"{path}:{line}", column)
    labels = tuple(row[-1] for _, row in rows) if labelled else ()
    return Table(features, labels, names[:n_features])


def _expected(n_features: int) -> str:
    return f"give {n_features} feature columns, then if you like one called `{LABEL}`"


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            return [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    except FileNotFoundError:
        raise MilliwattError("no such file", file=path, cure="check the path") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MilliwattError(f"not a readable CSV file ({error})", file=path) from None


def _is_header(row: list[str]) -> bool:
    """Names throughout, or numbered columns that end in ``label``; one odd field is a mistake."""
    return row[-1].strip().lower() == LABEL or not any(_is_number(field) for field in row)


def _is_number(field: str) -> bool:
    try:
        _parse(field)
    except ValueError:
        return False
    return True


def _parse(field: str) -> float:
    """A number as C writes it (Python would take ``1_000`` too); nothing at all is a missing value."""
    if "_" in field:
        raise ValueError
    return float(field.strip() or "nan")


def _number(field: str, where: str, column: int) -> float:
    try:
        return _parse(field)
    except ValueError:
        raise MilliwattError(
            f"column {column + 1} is {field!r}, not a number", file=where, cure="give numbers only"
        ) from None
