"""What stands for a leaf in the compact form, in as few bits as can be.

* numbers: a class (votes), a rank (medians), or which row of a table;
* rows: the numbers of the row itself, as wide as the largest of them needs;
* sparse: for proportions, a bit for each class whose share is not zero, then the shares of these but the last
  one, which follows from the others; with a list of distinct shares, their numbers in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.emit.bits import width_of
from milliwatt.emit.leaves import LeafTable
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.ir.model import MEDIAN

NUMBERS, ROWS, SPARSE = "numbers", "rows", "sparse"
_CODE = {NUMBERS: 0, ROWS: 12, SPARSE: 60}  # bytes of code that reading each takes, about
_LIST_CODE = 12
_MOST_CLASSES = 32  # of a sparse row: one word has their bits


@dataclass(frozen=True)
class LeafCode:
    """Leaves as bits.

    Attributes:
        kind: ``numbers``, ``rows`` or ``sparse``.
        codes: for each of the model's leaves what is written.
        bits: for each how many bits.
        field_bits: width of the number, of each number in a row, or of each share.
        width: numbers in a row; classes of a sparse one.
        rows: the table that numbers point to; empty where they are classes or ranks.
        values: the list that shares are numbers in; empty where they stand for themselves.
        value_bits: width of an entry of either.
    """

    kind: str
    codes: Sequence[int]
    bits: Sequence[int]
    field_bits: int
    width: int
    rows: tuple[tuple[int, ...], ...] = ()
    values: tuple[int, ...] = ()
    value_bits: int = 0

    @property
    def table_bytes(self) -> int:
        """Flash for lists."""
        return (sum(map(len, self.rows)) + len(self.values)) * self.value_bits // 8


def leaf_code(model: TreeEnsemble, table: LeafTable, trees: Sequence[Tree]) -> LeafCode:
    """The smallest code for the leaves of a model."""
    found = [_numbers(model, table)]
    if table.kind == "rows" and model.aggregate != MEDIAN:
        found.append(_rows(table))
        if table.implied and table.width < _MOST_CLASSES:
            found += [_sparse(table, listed=False), _sparse(table, listed=True)]
    used = Counter(~c for tree in trees for c in (*tree.left, *tree.right) if c < 0)

    def size(code: LeafCode) -> float:
        fields = sum(code.bits[leaf] * n for leaf, n in used.items())
        return fields / 8 + code.table_bytes + _CODE[code.kind] + _LIST_CODE * bool(code.values)

    return min(found, key=size)


def _numbers(model: TreeEnsemble, table: LeafTable) -> LeafCode:
    bits = width_of(len(table.rows) - 1)
    direct = table.kind == "votes" or model.aggregate == MEDIAN
    rows = () if direct else table.rows
    return LeafCode(
        NUMBERS, table.index, [bits] * len(table.index), bits, table.width, rows, value_bits=table.bits
    )


def _rows(table: LeafTable) -> LeafCode:
    field_bits = width_of(max(map(max, table.rows)))
    rows = [_joined([(value, field_bits) for value in row]) for row in table.rows]
    bits = field_bits * table.width
    return LeafCode(
        ROWS, [rows[r][0] for r in table.index], [bits] * len(table.index), field_bits, table.width
    )


def _sparse(table: LeafTable, *, listed: bool) -> LeafCode:
    shares = [_shares(row, table.one) for row in table.rows]
    values = sorted({share for _, kept in shares for share in kept})
    number = {share: i for i, share in enumerate(values)} if listed else {share: share for share in values}
    field_bits = width_of(max(number.values(), default=0))
    classes = table.width + 1
    rows = [
        _joined([(mask, classes), *((number[share], field_bits) for share in kept)]) for mask, kept in shares
    ]
    return LeafCode(
        SPARSE,
        [rows[r][0] for r in table.index],
        [rows[r][1] for r in table.index],
        field_bits,
        classes,
        values=tuple(values) if listed else (),
        value_bits=table.bits,
    )


def _shares(row: Sequence[int], one: int) -> tuple[int, list[int]]:
    """Which classes have a share, one bit each, and all of their shares but the last."""
    full = [*row, one - sum(row)]
    mask = sum(1 << i for i, share in enumerate(full) if share)
    return mask, [share for share in full if share][:-1]


def _joined(fields: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Fields as one number and its width, the first one lowest."""
    value = at = 0
    for number, bits in fields:
        value |= number << at
        at += bits
    return value, at
