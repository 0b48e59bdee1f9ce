"""Check reports as JSON: a list of objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from milliwatt.errors import MilliwattError
from milliwatt.files import write_text
from milliwatt.rig.report import CheckReport


def write_json(reports: Sequence[CheckReport], path: Path) -> None:
    """Write reports to a file, whole or not at all."""
    objects = [report.as_dict() for report in reports]
    write_text(Path(path), json.dumps(objects, indent=2, default=_plain, allow_nan=False) + "\n")


def read_json(path: Path) -> list[dict[str, Any]]:
    """The reports in a file, as objects."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MilliwattError(f"not a readable report ({error})", file=path) from None
    if not isinstance(data, list):
        raise MilliwattError("not a list of reports", file=path)
    return data


def _plain(value: Any) -> Any:
    """Class labels may be numpy's."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)
