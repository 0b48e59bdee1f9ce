"""How a split of the compact form names its feature and its threshold, in as few bits as can be.

Three ways, of which the smallest is taken:

* direct: the threshold itself, less the smallest one of the model;
* listed: its number in one list of the model's distinct thresholds;
* ranked: its number among the distinct thresholds of its feature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from milliwatt.dtypes import FEATURE_TYPES, threshold_key
from milliwatt.emit.bits import BitWriter, width_of
from milliwatt.emit.category_sets import CategoryBytes, category_bytes
from milliwatt.ir import Tree, TreeEnsemble

DIRECT, LISTED, RANKED = "direct", "listed", "ranked"
# Bytes of code that reading each takes, about.
_CODE = {DIRECT: 0, LISTED: 12, RANKED: 36}
_RANK_WIDTH_BITS = 5  # of an entry of `features`, for widths up to 31
_SHORT_ENTRIES = 1 << 16 - _RANK_WIDTH_BITS


@dataclass
class Tests:
    """Features and thresholds of all splits.

    Attributes:
        kind: ``direct``, ``listed`` or ``ranked``.
        feature_bits: width of a feature's index.
        missing, categories: whether splits have such a flag before the feature.
        code_bits: width of a threshold's code (direct, listed), or the largest width (ranked).
        lowest, step_bits: direct: a threshold is ``lowest + (code << step_bits)``.
        thresholds: distinct ones as they are compared, by code (listed) or feature by feature (ranked).
        first: ranked: for each feature where its thresholds begin.
        widths: ranked: for each feature the width of its codes.
        sets: categorical splits' sets; their thresholds are offsets into its bytes.
    """

    kind: str
    feature_bits: int
    missing: bool
    categories: bool
    sets: CategoryBytes
    integer: bool
    code_bits: int = 0
    lowest: int = 0
    step_bits: int = 0
    thresholds: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    _codes: dict[int, int] = field(default_factory=dict)
    _ranks: list[dict[int, int]] = field(default_factory=list)

    @property
    def head_bits(self) -> int:
        """Bits before the threshold's code, without the two flags that all splits have."""
        return self.missing + self.categories + self.feature_bits

    @property
    def entry_bits(self) -> int:
        """Ranked: width of an entry that holds ``first`` and, in its lowest five bits, the width."""
        return 16 if max(self.first, default=0) < _SHORT_ENTRIES else 32

    @property
    def entries(self) -> list[int]:
        """Ranked: what says for each feature where its thresholds are and how wide its codes."""
        return [
            first << _RANK_WIDTH_BITS | width for first, width in zip(self.first, self.widths, strict=True)
        ]

    def bits(self, tree: Tree, node: int) -> int:
        """Bits of a split's test."""
        return self.head_bits + (self.widths[tree.feature[node]] if self.kind == RANKED else self.code_bits)

    def write(self, writer: BitWriter, tree: Tree, node: int) -> None:
        """Append a split's test: flags, feature, code."""
        categorical = bool(tree.category_set) and tree.category_set[node] >= 0
        if self.missing:
            writer.write(bool(tree.missing_left) and tree.missing_left[node], 1)
        if self.categories:
            writer.write(categorical, 1)
        feature, value = tree.feature[node], self.value(tree, node)
        writer.write(feature, self.feature_bits)
        if self.kind == DIRECT:
            writer.write((value - self.lowest) >> self.step_bits, self.code_bits)
        elif self.kind == LISTED:
            writer.write(self._codes[value], self.code_bits)
        else:
            writer.write(self._ranks[feature][value], self.widths[feature])

    def value(self, tree: Tree, node: int) -> int:
        """A split's threshold as it is compared, or where its set of categories begins."""
        if tree.category_set and tree.category_set[node] >= 0:
            return self.sets.offsets[tree.category_set[node]]
        value = tree.threshold[node]
        return int(value) if self.integer else threshold_key(value)

    def table_bytes(self, threshold_size: int) -> int:
        """Flash for lists."""
        entries = len(self.first) * self.entry_bits // 8 if self.kind == RANKED else 0
        return len(self.thresholds) * threshold_size + entries


def plan_tests(model: TreeEnsemble, trees: Sequence[Tree]) -> Tests:
    """The smallest way for a model's splits."""
    kind = FEATURE_TYPES[model.dtype]
    highest = max(max(tree.feature) for tree in trees)
    plain = Tests(
        DIRECT,
        width_of(highest),
        model.handles_missing,
        model.handles_categories,
        category_bytes(model),
        kind.is_integer,
    )
    pairs = Counter(
        (tree.feature[node], plain.value(tree, node)) for tree in trees for node in range(tree.n_splits)
    )
    found = [_direct(plain, pairs), _listed(plain, pairs), _ranked(plain, pairs, highest)]

    def size(tests: Tests) -> float:
        codes = sum(n * (tests.widths[f] if tests.widths else tests.code_bits) for (f, _), n in pairs.items())
        return codes / 8 + tests.table_bytes(kind.size) + _CODE[tests.kind]

    return min(found, key=size)


def _direct(plain: Tests, pairs: Counter[tuple[int, int]]) -> Tests:
    values = [value for _, value in pairs]
    lowest = min(values)
    together = 0
    for value in values:
        together |= value - lowest
    step = (together & -together).bit_length() - 1 if together else 0
    return _variant(plain, DIRECT, code_bits=width_of(together >> step), lowest=lowest, step_bits=step)


def _listed(plain: Tests, pairs: Counter[tuple[int, int]]) -> Tests:
    thresholds = sorted({value for _, value in pairs})
    codes = {value: code for code, value in enumerate(thresholds)}
    return _variant(plain, LISTED, code_bits=width_of(len(codes) - 1), thresholds=thresholds, _codes=codes)


def _ranked(plain: Tests, pairs: Counter[tuple[int, int]], highest: int) -> Tests:
    own: list[list[int]] = [[] for _ in range(highest + 1)]
    for feature, value in sorted(pairs):
        own[feature].append(value)
    first = [0]
    for values in own:
        first.append(first[-1] + len(values))
    widths = [width_of(max(len(values) - 1, 0)) for values in own]
    return _variant(
        plain,
        RANKED,
        code_bits=max(widths),
        thresholds=[value for values in own for value in values],
        first=first[:-1],
        widths=widths,
        _ranks=[{value: rank for rank, value in enumerate(values)} for values in own],
    )


def _variant(plain: Tests, kind: str, **more: object) -> Tests:
    return Tests(**{**plain.__dict__, "kind": kind, **more})
