"""``method='loadable'``: packed constant tables, and the walk of ``trees_walk.h`` made to measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import c_tables
from milliwatt.emit.bits import c_width
from milliwatt.emit.c_tables import array
from milliwatt.emit.early import Checks, plan_checks, trees_in_rounds
from milliwatt.emit.leaves import LeafTable
from milliwatt.emit.packing import PackedTrees, pack
from milliwatt.ir import TreeEnsemble


@dataclass(frozen=True)
class Tables:
    """What a loadable model is made of, apart from code.

    Attributes:
        packed: splits, thresholds, sizes, sets.
        table: leaf rows.
        leaves: for each counted leaf its row; empty when leaf numbers are row numbers, or folded.
        rows: leaf rows in the order of the table; empty for votes.
        leaf_bits: width of each of `leaves`; 0 when there are none.
        checks: for an early exit, if any.
        n_trees: trees in the tables, empty ones included.
        threshold_bits: width of a threshold.
    """

    packed: PackedTrees
    table: LeafTable
    leaves: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]
    leaf_bits: int
    checks: Checks | None
    n_trees: int
    threshold_bits: int

    @property
    def joined(self) -> bool:
        """Narrow int16 models keep meta word and threshold in one 32-bit word."""
        return self.packed.layout.word_bits == 16 and not self.packed.codes and self.threshold_bits == 16


def loadable_tables(model: TreeEnsemble, table: LeafTable, *, smallest: bool = False) -> Tables:
    """The tables of a model; ``smallest`` where room counts for more than speed."""
    trees = trees_in_rounds(model, table)
    packed = pack(model, table.index, trees, smallest=smallest)
    leaves, rows = _leaf_tables(packed, table)
    return Tables(
        packed,
        table,
        leaves,
        rows,
        c_width(max(leaves, default=0)) if leaves else 0,
        plan_checks(model, table, trees),
        len(trees),
        8 * FEATURE_TYPES[model.dtype].size,
    )


def _leaf_tables(
    packed: PackedTrees, table: LeafTable
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Rows by leaf number, or row numbers by leaf number and distinct rows: whatever is smaller."""
    rows = () if table.kind == "votes" else table.rows
    if packed.layout.folded:
        return (), rows
    if table.kind == "votes":
        return tuple(packed.leaves), ()
    row_bytes = table.width * table.bits // 8
    numbered = len(packed.leaves) * c_width(len(rows) - 1) // 8 + len(rows) * row_bytes
    if len(packed.leaves) * row_bytes <= numbered:
        return (), tuple(rows[number] for number in packed.leaves)
    return tuple(packed.leaves), rows


def table_bytes(tables: Tables) -> int:
    """Bytes of flash that the tables take (code comes on top)."""
    packed, table = tables.packed, tables.table
    size = len(packed.meta) * (4 if tables.joined else packed.layout.word_bits // 8)
    if not tables.joined:
        size += len(packed.thresholds) * tables.threshold_bits // 8 + len(packed.codes)
    if tables.n_trees > 1:
        size += len(packed.sizes) * c_width(max(packed.sizes)) // 8
    size += len(tables.leaves) * tables.leaf_bits // 8 + len(packed.sets.data)
    size += sum(len(row) for row in tables.rows) * table.bits // 8
    return size + sum(4 * len(limit) for limit in (tables.checks.limits if tables.checks else ()))


def loadable_sums(model: TreeEnsemble, name: str, table: LeafTable, sum_type: str) -> str:
    """Tables and the function ``<name>_add_trees`` that ``trees_sums.h`` describes."""
    tables = loadable_tables(model, table)
    parts = [*_split_tables(tables, name, model.dtype), *_leaf_arrays(tables, name)]
    parts += c_tables.limits(tables.checks, name)
    parts.append(c_tables.defines(_parameters(model, tables, name, sum_type)))
    parts[-1] += "#include <milliwatt/trees_walk.h>\n"
    if table.kind == "votes":
        parts.append(c_tables.vote_functions(model, name, sum_type))
    return "\n".join(parts)


def _parameters(model: TreeEnsemble, tables: Tables, name: str, sum_type: str) -> dict[str, object]:
    layout, table = tables.packed.layout, tables.table
    beside = "MW_T_CODED" if tables.packed.codes else "MW_T_BESIDE"
    values = c_tables.feature_parameters(model, name) | {
        "THRESHOLDS": "MW_T_JOINED" if tables.joined else beside,
        "WORD": layout.word_bits,
        "FEATURE_SHIFT": layout.feature_shift,
        "LINK_BITS": layout.link_bits,
        "FAR": int(layout.far),
        "FOLDED": int(layout.folded),
        "FIRST": tables.packed.first,
        "SIZE": c_width(max(tables.packed.sizes)),
        "LEAF": tables.leaf_bits,
        "ROW": 0 if table.kind == "votes" else table.bits,
    }
    return values | c_tables.sum_parameters(
        model, table, tables.checks, sum_type, tables.n_trees, implied=table.implied
    )


def _split_tables(tables: Tables, name: str, dtype: str) -> Iterable[str]:
    packed = tables.packed
    if tables.joined:
        words = zip(packed.meta, packed.thresholds, strict=True)
        yield _words(f"{name}_nodes", 32, ((threshold & 0xFFFF) << 16 | meta for meta, threshold in words))
    else:
        yield _words(f"{name}_nodes", packed.layout.word_bits, packed.meta)
        yield array(c_tables.threshold_type(dtype), f"{name}_thresholds", packed.thresholds)
    if packed.codes:
        yield array("uint8_t", f"{name}_codes", packed.codes)
    if tables.n_trees > 1:
        yield array(f"uint{c_width(max(packed.sizes))}_t", f"{name}_sizes", packed.sizes)
    if packed.layout.categories:
        yield array("uint8_t", f"{name}_sets", packed.sets.data)


def _leaf_arrays(tables: Tables, name: str) -> Iterable[str]:
    if tables.leaves:
        yield array(f"uint{tables.leaf_bits}_t", f"{name}_leaves", tables.leaves)
    if tables.rows:
        yield text.row_table(f"{name}_rows", tables.rows, tables.table.bits)


def _words(name: str, bits: int, values: Iterable[int] | Sequence[int]) -> str:
    return text.array(f"uint{bits}_t", name, (f"0x{value:0{bits // 4}x}" for value in values))
