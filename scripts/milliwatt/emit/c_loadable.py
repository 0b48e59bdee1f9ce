"""``method='loadable'``: packed constant tables, and the walk of ``trees_walk.h`` made to measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import text
from milliwatt.emit.early import Checks, majority, plan_checks, trees_in_rounds
from milliwatt.emit.inline_plans import zeroed_votes, zeroing
from milliwatt.emit.leaves import LeafTable
from milliwatt.emit.packing import PackedTrees, pack
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import MEDIAN


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


def loadable_tables(model: TreeEnsemble, table: LeafTable) -> Tables:
    """The tables of a model."""
    trees = trees_in_rounds(model, table)
    packed = pack(model, table.index, trees)
    leaves, rows = _leaf_tables(packed, table)
    return Tables(
        packed,
        table,
        leaves,
        rows,
        _width(max(leaves, default=0)) if leaves else 0,
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
    numbered = len(packed.leaves) * _width(len(rows) - 1) // 8 + len(rows) * row_bytes
    if len(packed.leaves) * row_bytes <= numbered:
        return (), tuple(rows[number] for number in packed.leaves)
    return tuple(packed.leaves), rows


def _width(largest: int) -> int:
    return 8 if largest <= 0xFF else 16 if largest <= 0xFFFF else 32


def table_bytes(tables: Tables) -> int:
    """Bytes of flash that the tables take (code comes on top)."""
    packed, table = tables.packed, tables.table
    size = len(packed.meta) * (4 if tables.joined else packed.layout.word_bits // 8)
    if not tables.joined:
        size += len(packed.thresholds) * tables.threshold_bits // 8 + len(packed.codes)
    if tables.n_trees > 1:
        size += len(packed.sizes) * _width(max(packed.sizes)) // 8
    size += len(tables.leaves) * tables.leaf_bits // 8 + len(packed.sets.data)
    size += sum(len(row) for row in tables.rows) * table.bits // 8
    return size + sum(4 * len(limit) for limit in (tables.checks.limits if tables.checks else ()))


def loadable_sums(model: TreeEnsemble, name: str, table: LeafTable, sum_type: str) -> str:
    """Tables and the function ``<name>_add_trees`` that ``trees_walk.h`` describes."""
    tables = loadable_tables(model, table)
    parts = [*_split_tables(tables, name, model.dtype), *_leaf_arrays(tables, name)]
    if tables.checks:
        limits = (limit for check in tables.checks.limits for limit in check)
        parts.append(_array("int32_t", f"{name}_limits", limits))
    parts.append("".join(_parameters(model, tables, name, sum_type)))
    if table.kind == "votes":
        parts.append(_vote_functions(model, name, sum_type))
    return "\n".join(parts)


def _vote_functions(model: TreeEnsemble, name: str, sum_type: str) -> str:
    """``<name>_vote`` (the class) and ``<name>_add_trees`` (every vote)."""
    features, n = f"const {FEATURE_TYPES[model.dtype].c_type} *x", model.n_outputs
    argmax = f"mw_argmax_{sum_type.removesuffix('_t')}"
    return (
        f"static int {name}_vote({features})\n{{\n{zeroed_votes(sum_type, n)}    int found;\n\n"
        f"{zeroing(sum_type, n)}    found = {name}_count_votes(x, votes.sums, {majority(model)});\n"
        f"    return found ? found - 1 : {argmax}(votes.sums, {n});\n}}\n\n"
        f"static void {name}_add_trees({features}, {sum_type} *sums)\n{{\n"
        f"    memset(sums, 0, {n} * sizeof *sums);\n    (void) {name}_count_votes(x, sums, 0);\n}}\n"
    )


def _parameters(model: TreeEnsemble, tables: Tables, name: str, sum_type: str) -> Iterable[str]:
    kind, layout, table = FEATURE_TYPES[model.dtype], tables.packed.layout, tables.table
    beside = "MW_T_CODED" if tables.packed.codes else "MW_T_BESIDE"
    category = "float" if not kind.is_integer else "int"
    sums = model.n_outputs if model.outputs else table.width
    values: dict[str, object] = {
        "NAME(x)": f"{name}_##x",
        "FEATURE": kind.c_type,
        "IS_FLOAT": int(not kind.is_integer),
        "THRESHOLD": kind.c_type if kind.is_integer else "int32_t",
        "THRESHOLDS": "MW_T_JOINED" if tables.joined else beside,
        "WORD": layout.word_bits,
        "FEATURE_SHIFT": layout.feature_shift,
        "LINK_BITS": layout.link_bits,
        "MISSING": int(layout.missing),
        "CATEGORIES": int(layout.categories),
        "FAR": int(layout.far),
        "FOLDED": int(layout.folded),
        "FIRST": tables.packed.first,
        "TREES": tables.n_trees,
        "SIZE": _width(max(tables.packed.sizes)),
        "LEAF": tables.leaf_bits,
        "SUM": sum_type,
        "ROW": 0 if table.kind == "votes" else table.bits,
    }
    if layout.categories:
        values["CATEGORY(x)"] = f"mw_category_of_{category}(x)"
    if model.aggregate == MEDIAN:
        values["MEDIAN"] = 1
    elif table.kind == "rows":
        values |= {"WIDTH": table.width, "SUMS": sums, "ONE": table.one if table.implied else 0}
        checks = tables.checks
        values |= {"STEP": checks.step if checks else 0, "FIRST_STOP": checks.first if checks else 0}
        values["BINARY"] = int(model.is_binary)
    for key, value in values.items():
        yield f"#define MW_T_{key} {value}\n"
    yield "#include <milliwatt/trees_walk.h>\n"


def _split_tables(tables: Tables, name: str, dtype: str) -> Iterable[str]:
    packed = tables.packed
    if tables.joined:
        words = zip(packed.meta, packed.thresholds, strict=True)
        yield _words(f"{name}_nodes", 32, ((threshold & 0xFFFF) << 16 | meta for meta, threshold in words))
    else:
        yield _words(f"{name}_nodes", packed.layout.word_bits, packed.meta)
        kind = FEATURE_TYPES[dtype]
        yield _array(kind.c_type if kind.is_integer else "int32_t", f"{name}_thresholds", packed.thresholds)
    if packed.codes:
        yield _array("uint8_t", f"{name}_codes", packed.codes)
    if tables.n_trees > 1:
        yield _array(f"uint{_width(max(packed.sizes))}_t", f"{name}_sizes", packed.sizes)
    if packed.layout.categories:
        yield _array("uint8_t", f"{name}_sets", packed.sets.data)


def _leaf_arrays(tables: Tables, name: str) -> Iterable[str]:
    if tables.leaves:
        yield _array(f"uint{tables.leaf_bits}_t", f"{name}_leaves", tables.leaves)
    if tables.rows:
        yield text.row_table(f"{name}_rows", tables.rows, tables.table.bits)


def _array(c_type: str, name: str, values: Iterable[int]) -> str:
    bits = 8 if "8" in c_type else 16 if "16" in c_type else 32
    if c_type.startswith("u"):
        return text.array(c_type, name, (f"{value}U" for value in values))
    return text.array(c_type, name, (text.integer(value, bits) for value in values))


def _words(name: str, bits: int, values: Iterable[int] | Sequence[int]) -> str:
    return text.array(f"uint{bits}_t", name, (f"0x{value:0{bits // 4}x}" for value in values))
