"""What the table forms have in common as C: arrays, the parameters of sums, the functions for votes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.early import Checks, majority
from milliwatt.emit.inline_plans import zeroed_votes, zeroing
from milliwatt.emit.leaves import LeafTable
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import MEDIAN


def array(c_type: str, name: str, values: Iterable[int]) -> str:
    """A constant table of integers."""
    bits = 8 if "8" in c_type else 16 if "16" in c_type else 32
    if c_type.startswith("u"):
        return text.array(c_type, name, (f"{value}U" for value in values))
    return text.array(c_type, name, (text.integer(value, bits) for value in values))


def threshold_type(dtype: str) -> str:
    """The C type of a threshold: the feature's own; of floats, integers of the same order."""
    kind = FEATURE_TYPES[dtype]
    return kind.c_type if kind.is_integer else "int32_t"


def limits(checks: Checks | None, name: str) -> list[str]:
    """The table of an early exit, if there is one."""
    if checks is None:
        return []
    return [array("int32_t", f"{name}_limits", (limit for check in checks.limits for limit in check))]


def feature_parameters(model: TreeEnsemble, name: str) -> dict[str, object]:
    """What ``trees_test.h`` takes."""
    kind = FEATURE_TYPES[model.dtype]
    values: dict[str, object] = {
        "NAME(x)": f"{name}_##x",
        "FEATURE": kind.c_type,
        "IS_FLOAT": int(not kind.is_integer),
        "THRESHOLD": threshold_type(model.dtype),
        "MISSING": int(model.handles_missing),
        "CATEGORIES": int(model.handles_categories),
    }
    if model.handles_categories:
        values["CATEGORY(x)"] = f"mw_category_of_{'int' if kind.is_integer else 'float'}(x)"
    return values


def sum_parameters(
    model: TreeEnsemble,
    table: LeafTable,
    checks: Checks | None,
    sum_type: str,
    n_trees: int,
    *,
    implied: bool,
) -> dict[str, object]:
    """What ``trees_sums.h`` takes.

    Args:
        implied: the last number of a row is not added with the others, but follows from them at the end.
    """
    values: dict[str, object] = {"SUM": sum_type, "TREES": n_trees, "VOTES": int(table.kind == "votes")}
    if model.aggregate == MEDIAN:
        return values | {"MEDIAN": 1}
    if table.kind == "votes":
        return values
    width = table.width + (table.implied and not implied)
    return values | {
        "WIDTH": width,
        "SUMS": model.n_outputs if model.outputs else width,
        "ONE": table.one if implied else 0,
        "STEP": checks.step if checks else 0,
        "FIRST_STOP": checks.first if checks else 0,
        "BINARY": int(model.is_binary),
    }


def defines(values: Mapping[str, object]) -> str:
    """Parameters as macros."""
    return "".join(f"#define MW_T_{key} {value}\n" for key, value in values.items())


def vote_functions(model: TreeEnsemble, name: str, sum_type: str) -> str:
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
