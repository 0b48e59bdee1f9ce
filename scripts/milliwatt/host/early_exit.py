"""How many trees a prediction takes: the emitter's early exit, followed by numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.emit.early import Checks, majority, plan_checks, trees_in_rounds
from milliwatt.emit.leaves import LeafTable, leaf_table
from milliwatt.host.evaluate import leaf_rows
from milliwatt.ir import TreeEnsemble


def trees_taken(model: TreeEnsemble, samples: NDArray[Any]) -> NDArray[np.intp] | None:
    """Trees that a classifier evaluates for each sample's class; None if it always needs all.

    Tables are meant; generated if/else looks at votes a little less often.
    """
    table = leaf_table(model)
    trees = trees_in_rounds(model, table)
    checks = plan_checks(model, table, trees)
    if table.kind != "votes" and checks is None:
        return None
    index = np.asarray(table.index, dtype=np.intp)
    rows = np.column_stack([index[leaf_rows(model, tree, samples)] for tree in trees])
    if checks is None:
        return _votes(rows, model.n_outputs, majority(model))
    return _sums(model, table, checks, rows)


def _votes(classes: NDArray[np.intp], n_classes: int, enough: int) -> NDArray[np.intp]:
    count = np.cumsum(classes[:, :, np.newaxis] == np.arange(n_classes), axis=1).max(axis=2)
    reached = count >= enough
    first = reached.argmax(axis=1) + 1
    result: NDArray[np.intp] = np.where(reached.any(axis=1), first, classes.shape[1])
    return result


def _sums(model: TreeEnsemble, table: LeafTable, checks: Checks, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    values = np.asarray(table.rows, dtype=np.int64)
    if table.implied:
        values = np.column_stack([values, table.one - values.sum(axis=1)])
    each = model.n_outputs if model.outputs else 1
    sums = np.tile(np.asarray(table.start or (0,) * model.n_outputs, dtype=np.int64), (len(rows), 1))
    used = np.full(len(rows), rows.shape[1], dtype=np.intp)
    for tree, reached in enumerate(rows.T):
        if model.outputs:
            sums[:, tree % each] += values[reached, 0]
        else:
            sums += values[reached]
        number, off = divmod((tree + 1) // each - checks.first, checks.step)
        if (tree + 1) % each or off or not 0 <= number < len(checks.limits):
            continue
        decided = _decided(model, sums, checks.limits[number])
        used[decided & (used == rows.shape[1])] = tree + 1
    return used


def _decided(model: TreeEnsemble, sums: NDArray[np.int64], limits: tuple[int, ...]) -> NDArray[np.bool_]:
    if model.is_binary:
        result: NDArray[np.bool_] = (sums[:, 0] <= limits[0]) | (sums[:, 0] > limits[1])
        return result
    best = np.partition(sums, -2, axis=1)
    lead: NDArray[np.bool_] = best[:, -1] - best[:, -2] > limits[0]
    return lead
