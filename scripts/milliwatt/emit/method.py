"""Choosing between generated code and tables."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from milliwatt.emit.c_compact import compact_stream, stream_bytes
from milliwatt.emit.c_loadable import loadable_tables, table_bytes
from milliwatt.emit.leaves import leaf_table
from milliwatt.emit.packing import fits_tables
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.ir import TreeEnsemble
from milliwatt.options import parse_budget

# On Cortex-M generated code takes about 15 bytes a split, and tables some code beside them
# (tests/benchmarks); 8-bit CPUs and float features need more.
_INLINE_BYTES = 15
_INLINE_BUDGET = 4096
_WALK_BYTES = {"loadable": 300, "compact": 400}


@dataclass(frozen=True)
class Choice:
    """A method and the reason it was taken, one sentence for humans."""

    method: str
    reason: str


def choose_method(model: TreeEnsemble, method: str = "auto", budget: str = "") -> Choice:
    """The method to emit with: the one asked for, else the model's own, else by budget or size.

    Raises:
        MilliwattError: nothing stays within the budget.
    """
    wanted = method if method != "auto" else model.method
    if wanted != "auto":
        return Choice(wanted, "asked for")
    if not fits_tables(model):
        return Choice("inline", "its trees are too large, for so many features, to be packed tables")
    size = inline_bytes(model)
    given = budget or model.budget
    if given:
        return _within(model, given, size)
    if size <= _INLINE_BUDGET:
        return Choice("inline", f"{model.n_splits} splits are about {size} bytes of code: small, and fastest")
    return Choice(
        "loadable", f"{model.n_splits} splits would be about {size} bytes of code: tables are smaller"
    )


def _within(model: TreeEnsemble, text: str, inline: int) -> Choice:
    budget = parse_budget(text)
    if budget is None or budget.aim == "speed":
        return Choice("inline", f"the fastest, as the budget asks; about {inline} bytes of code")
    sizes = {"inline": inline, **_table_sizes(model)}
    told = f"about {inline} bytes as code, " + ", ".join(
        f"{size} as method={method}" for method, size in sizes.items() if method != "inline"
    )
    if budget.flash is None:
        return Choice(
            min(sizes, key=lambda method: sizes[method]), f"the smallest, as the budget asks: {told}"
        )
    for method, size in sizes.items():  # the fastest first
        if size <= budget.flash:
            fastest = "the fastest " if method != "compact" else ""
            return Choice(method, f"{fastest}within {budget.flash} bytes: {told}")
    raise MilliwattError(
        f"{model.name} takes {told}, more than {budget.flash} bytes",
        option="budget",
        cure="train fewer or shallower trees, or give leaf_bits or leaf_clusters; or allow more",
    )


def _table_sizes(model: TreeEnsemble) -> dict[str, int]:
    """About how much flash the model takes in each table form, the code that reads it included."""
    table = leaf_table(model)
    sizes = {"loadable": table_bytes(loadable_tables(model, table))}
    with suppress(UnsupportedModelError):
        sizes["compact"] = stream_bytes(model, compact_stream(model, table))
    return {method: size + _WALK_BYTES[method] for method, size in sizes.items()}


def inline_bytes(model: TreeEnsemble) -> int:
    """About how much flash the model takes as generated code on a 32-bit core."""
    table = leaf_table(model)
    rows = 0 if table.kind == "votes" or table.width == 1 else len(table.rows) * table.width * table.bits // 8
    return model.n_splits * _INLINE_BYTES + rows
