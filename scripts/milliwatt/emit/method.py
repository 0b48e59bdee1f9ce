"""Choosing between generated code and tables."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.c_compact import compact_stream, stream_bytes
from milliwatt.emit.c_loadable import loadable_tables, table_bytes
from milliwatt.emit.leaves import leaf_table
from milliwatt.emit.packing import fits_tables
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.ir import AnyModel, Network, TreeEnsemble, ensembles
from milliwatt.ir.network import arrays
from milliwatt.ir.network_integers import IntConv, IntDense, IntDepthwise
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


def choose_method(model: AnyModel, method: str = "auto", budget: str = "") -> Choice:
    """The method to emit with: the one asked for, else the model's own, else by budget or size.

    Raises:
        MilliwattError: nothing stays within the budget, or a method for trees is given for a network.
    """
    wanted = method if method != "auto" else model.method
    if isinstance(model, Network):
        return _of_network(model, wanted, budget or model.budget)
    if wanted != "auto":
        return Choice(wanted, "asked for")
    if not all(map(fits_tables, ensembles(model))):
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


def _of_network(model: Network, method: str, given: str) -> Choice:
    """The one form of networks."""
    if method != "auto":
        raise MilliwattError(
            f"{method} is a form of trees: {model.name} is a network, and networks have one form",
            option="method",
            cure="leave method out",
        )
    size = network_bytes(model)
    budget = parse_budget(given)
    if budget is not None and budget.flash is not None and size > budget.flash:
        smaller = "" if model.quantize == "int8" else " with quantize=int8, or"
        raise MilliwattError(
            f"{model.name} takes about {size} bytes of tables alone, more than {budget.flash} bytes",
            option="budget",
            cure=f"convert{smaller} with a smaller network; or allow more",
        )
    return Choice("network", f"about {size} bytes of tables, and calls of <milliwatt/nets.h> layer by layer")


def network_bytes(model: Network) -> int:
    """About how much flash a network's weights, biases, scales and tables take."""
    size = 0
    for layer in model.layers:
        size += sum(len(array.data) for array in arrays(layer))
        if isinstance(layer, IntDense | IntConv | IntDepthwise):
            size += len(layer.requantize.scale.data)
    return size


def _within(model: AnyModel, text: str, inline: int) -> Choice:
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


def _table_sizes(model: AnyModel) -> dict[str, int]:
    """About how much flash the model takes in each table form, the code that reads it included."""
    sizes = dict.fromkeys(_WALK_BYTES, 0)
    for ensemble in ensembles(model):
        table = leaf_table(ensemble)
        sizes["loadable"] += table_bytes(loadable_tables(ensemble, table)) + _WALK_BYTES["loadable"]
        if "compact" not in sizes:
            continue
        try:
            stream = compact_stream(ensemble, table)
        except UnsupportedModelError:
            del sizes["compact"]
        else:
            sizes["compact"] += stream_bytes(ensemble, stream) + _WALK_BYTES["compact"]
    return sizes


def inline_bytes(model: AnyModel) -> int:
    """About how much flash the model takes as generated code on a 32-bit core."""
    return model.n_splits * _INLINE_BYTES + sum(map(_row_bytes, ensembles(model)))


def _row_bytes(model: TreeEnsemble) -> int:
    table = leaf_table(model)
    return 0 if table.kind == "votes" or table.width == 1 else len(table.rows) * table.width * table.bits // 8
