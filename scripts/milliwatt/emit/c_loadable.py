"""``method='loadable'``: packed constant tables, read by ``src/trees_walk_*.c``."""

from __future__ import annotations

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import text
from milliwatt.emit.leaves import LeafTable
from milliwatt.emit.packing import PackedTrees, pack
from milliwatt.ir import TreeEnsemble


def loadable_sums(model: TreeEnsemble, name: str, table: LeafTable) -> str:
    """Tables and a function ``static void <name>_add_trees(const T *x, S *sums)``."""
    packed = pack(model, table.index)
    parts = [_nodes(packed, name, model.dtype)]
    root_type = "uint32_t" if packed.wide else "uint16_t"
    parts.append(text.array(root_type, f"{name}_roots", (f"{root}U" for root in packed.roots)))
    values = "NULL"
    if table.kind != "votes":
        parts.append(text.row_table(f"{name}_values", table.rows, table.bits))
        values = f"{name}_values"
    thresholds = "NULL" if _joined(packed) else f"{name}_thresholds"
    parts.append(
        f"static const mw_trees {name}_trees MW_FLASH = {{\n"
        f"    {name}_nodes, {thresholds}, {name}_roots, {values},\n"
        f"    {len(model.trees)}U, {model.n_outputs}U, {int(packed.pairs)}U,\n"
        "};\n"
    )
    features = f"const {FEATURE_TYPES[model.dtype].c_type} *x"
    parts.append(
        f"static void {name}_add_trees({features}, {table.sum_type} *sums)\n{{\n"
        f"    mw_trees_{table.kind}_{packed.walker}(&{name}_trees, x, sums);\n}}\n"
    )
    return "\n".join(parts)


def _joined(packed: PackedTrees) -> bool:
    """Narrow int16 models keep meta word and threshold in one 32-bit word."""
    return packed.walker == "int16"


def _nodes(packed: PackedTrees, name: str, dtype: str) -> str:
    if _joined(packed):
        words = (
            (threshold & 0xFFFF) << 16 | meta
            for meta, threshold in zip(packed.meta, packed.thresholds, strict=True)
        )
        return text.array("uint32_t", f"{name}_nodes", (f"0x{word:08x}" for word in words))
    meta_type, digits = ("uint32_t", 8) if packed.wide else ("uint16_t", 4)
    meta = text.array(meta_type, f"{name}_nodes", (f"0x{word:0{digits}x}" for word in packed.meta))
    kind = FEATURE_TYPES[dtype]
    c_type = kind.c_type if kind.is_integer else "int32_t"
    values = (text.integer(t, 8 * kind.size) for t in packed.thresholds)
    return meta + "\n" + text.array(c_type, f"{name}_thresholds", values)
