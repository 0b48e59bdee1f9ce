"""docs/features.md: its code runs, and its table says what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from milliwatt import features
from milliwatt.ir.time_features import TIME_FEATURES


def _page(repository: Path) -> str:
    return (repository / "docs" / "features.md").read_text(encoding="utf-8")


def test_the_code_runs(repository: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", _page(repository), flags=re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/features.md, block {number}", "exec"), names)


def test_the_table_is_the_librarys(repository: Path) -> None:
    table = _page(repository).split("<!-- features -->\n")[1].split("<!-- /features -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    units = {256: "1/256", 32768: "1/32768", 1: "1"}
    want = []
    for name, known in TIME_FEATURES.items():
        takes = known.argument.replace("per mille", "percent")
        takes = f"{known.channels} channels" if known.channels > 1 else takes
        whole = units[int(known.scale)] if known.scale else f"– (`{known.instead}`)"
        want.append([f"`{name}`", takes, known.unit, "π/32768" if known.unit == "rad" else whole])
    assert rows == want


def test_every_transformer_is_named(repository: Path) -> None:
    page = _page(repository)
    assert [name for name in features.__all__ if f"`{name}" not in page] == []
