"""``method='compact'``: trees as a stream of bits, and the walk of ``trees_compact.h`` made to measure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import c_tables
from milliwatt.emit.compact import CompactTrees, pack_compact
from milliwatt.emit.compact_leaves import SPARSE
from milliwatt.emit.compact_tests import DIRECT, RANKED
from milliwatt.emit.early import Checks, plan_checks, trees_in_rounds
from milliwatt.emit.leaves import LeafTable
from milliwatt.ir import TreeEnsemble


@dataclass(frozen=True)
class Stream:
    """What a compact model is made of, apart from code.

    Attributes:
        trees: the stream and its lists.
        table: leaf rows.
        checks: for an early exit, if any.
        n_trees: trees in the stream, empty ones included.
    """

    trees: CompactTrees
    table: LeafTable
    checks: Checks | None
    n_trees: int


def compact_stream(model: TreeEnsemble, table: LeafTable) -> Stream:
    """The stream of a model, its trees in the order of an early exit."""
    trees = trees_in_rounds(model, table)
    return Stream(pack_compact(model, table, trees), table, plan_checks(model, table, trees), len(trees))


def stream_bytes(model: TreeEnsemble, stream: Stream) -> int:
    """Bytes of flash that the tables take (code comes on top)."""
    trees = stream.trees
    size = len(trees.data) + trees.tests.table_bytes(FEATURE_TYPES[model.dtype].size)
    size += len(trees.tests.sets.data) + trees.leaves.table_bytes
    return size + sum(4 * len(limit) for limit in (stream.checks.limits if stream.checks else ()))


def compact_sums(model: TreeEnsemble, name: str, table: LeafTable, sum_type: str) -> str:
    """Tables and the function ``<name>_add_trees`` that ``trees_sums.h`` describes."""
    stream = compact_stream(model, table)
    parts = [*_tables(stream.trees, name, model), *c_tables.limits(stream.checks, name)]
    parts.append(c_tables.defines(_parameters(model, stream, name, sum_type)))
    parts[-1] += "#include <milliwatt/trees_compact.h>\n"
    if table.kind == "votes":
        parts.append(c_tables.vote_functions(model, name, sum_type))
    return "\n".join(parts)


def _tables(trees: CompactTrees, name: str, model: TreeEnsemble) -> Iterable[str]:
    tests, leaves = trees.tests, trees.leaves
    yield text.array("uint8_t", f"{name}_trees", (f"0x{byte:02x}" for byte in trees.data))
    if tests.kind == RANKED:
        yield c_tables.array(f"uint{tests.entry_bits}_t", f"{name}_entries", tests.entries)
    if tests.kind != DIRECT:
        c_type = c_tables.threshold_type(model.dtype)
        yield c_tables.array(c_type, f"{name}_thresholds", tests.thresholds)
    if tests.categories:
        yield c_tables.array("uint8_t", f"{name}_sets", tests.sets.data)
    if leaves.rows:
        yield text.row_table(f"{name}_rows", leaves.rows, leaves.value_bits)
    if leaves.values:
        yield c_tables.array(f"uint{leaves.value_bits}_t", f"{name}_values", leaves.values)


def _parameters(model: TreeEnsemble, stream: Stream, name: str, sum_type: str) -> dict[str, object]:
    trees, table = stream.trees, stream.table
    tests, leaves = trees.tests, trees.leaves
    sparse = leaves.kind == SPARSE
    values = c_tables.feature_parameters(model, name) | {
        "POSITION": "uint_fast16_t" if 8 * len(trees.data) <= 0xFFFF else "uint32_t",
        "SIZE_BITS": trees.size_bits,
        "FEATURE_BITS": tests.feature_bits,
        "TESTS": f"MW_T_{tests.kind.upper()}",
        "CODE_BITS": tests.code_bits,
        "LEAVES": f"MW_T_{leaves.kind.upper()}",
        "FIELD_BITS": leaves.field_bits,
        "VALUES": leaves.value_bits if leaves.rows or leaves.values else 0,
    }
    if tests.kind == DIRECT:
        values |= {"LOWEST": text.integer(tests.lowest, 32), "SHIFT": tests.step_bits}
    if tests.kind == RANKED:
        values["ENTRY"] = tests.entry_bits
    if sparse:
        values["WHOLE"] = table.one
    implied = table.implied and not sparse
    return values | c_tables.sum_parameters(
        model, table, stream.checks, sum_type, stream.n_trees, implied=implied
    )
