"""The C of a model that is one sum of trees."""

from __future__ import annotations

from milliwatt import c_text as text
from milliwatt.emit.c_compact import compact_sums
from milliwatt.emit.c_functions import Functions
from milliwatt.emit.c_inline import inline_sums
from milliwatt.emit.c_loadable import loadable_sums
from milliwatt.emit.c_writer import Code
from milliwatt.emit.leaves import leaf_table
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import IDENTITY, MARGIN

_SUMS = {"inline": inline_sums, "loadable": loadable_sums, "compact": compact_sums}


def ensemble_code(model: TreeEnsemble, name: str, method: str) -> Code:
    """The public functions, tables and trees of a model, by ``inline``, ``loadable`` or ``compact``."""
    functions = Functions(model, name, leaf_table(model))
    private = [trees_code(functions, method), functions.private()]
    if model.scale:
        private.insert(0, scale_table(model.scale, name))
    return Code(list(functions.public()), "\n".join(private), (*link_headers(model), "trees.h"))


def trees_code(functions: Functions, method: str) -> str:
    """The trees, with the functions that add their leaves up."""
    return _SUMS[method](functions.model, functions.name, functions.table, functions.sum_type)


def scale_table(scale: tuple[float, ...], name: str) -> str:
    """The factors of scaled features."""
    return text.array("float", f"{name}_scale", map(text.float_literal, scale))


def link_headers(model: TreeEnsemble) -> tuple[str, ...]:
    """The header that the model's link needs, if it needs one."""
    return () if model.link in (IDENTITY, MARGIN) else ("links.h",)
