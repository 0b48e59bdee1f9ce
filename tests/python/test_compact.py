"""``method='compact'``: every kind of test and leaf by name, against the independent evaluator."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.batch import SANITIZERS, Case, check
from mwtest.models import FORMS, Spec, build, samples

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import emit_c
from milliwatt.emit.bits import BitWriter, width_of
from milliwatt.emit.c_compact import compact_stream, stream_bytes
from milliwatt.emit.c_loadable import loadable_tables, table_bytes
from milliwatt.emit.compact import CompactTrees
from milliwatt.emit.leaves import leaf_table
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import Tree, TreeEnsemble, validate

# Reading by bytes, as CPUs do that need aligned words, and by words.
BYTE_WISE = ("-DMW_UNALIGNED=0",)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compact")


def _stream(model: TreeEnsemble) -> CompactTrees:
    return compact_stream(model, leaf_table(model)).trees


def _with_thresholds(model: TreeEnsemble, values: list[float], own: bool = False) -> TreeEnsemble:
    """Thresholds from a list, or with ``own`` from a part of it that depends on the feature."""
    trees = []
    for number, tree in enumerate(model.trees):
        picked = [
            values[(f * 3 + (node + number) % 3 if own else 6 * node + number) % len(values)]
            for node, f in enumerate(tree.feature)
        ]
        trees.append(dataclasses.replace(tree, threshold=tuple(picked)))
    return validate(dataclasses.replace(model, trees=tuple(trees)))


def _tests(kind: str, dtype: str) -> TreeEnsemble:
    spec = Spec(3, dtype=dtype, n_features=40, n_trees=6, n_splits=200, n_rows=4)
    model = build(spec)
    number = (lambda v: v) if dtype != "float" else (lambda v: float(np.float32(v)))
    if kind == "listed":
        return _with_thresholds(model, [number(v) for v in (-100, -3, 5, 6, 7, 120)])
    if kind == "ranked":
        step = 1 if dtype == "int8" else 37
        return _with_thresholds(model, [number(v * step) for v in range(-60, 60)], own=True)
    kind_of = FEATURE_TYPES[dtype]
    low, high = (kind_of.low, kind_of.high) if kind_of.is_integer else (-1e9, 1e9)
    return _with_thresholds(model, [number(v) for v in np.linspace(low, high, 1201).astype(int).tolist()])


@pytest.mark.parametrize("dtype", ["float", "int8", "int16", "int32"])
@pytest.mark.parametrize("kind", ["direct", "listed", "ranked"])
def test_every_kind_of_threshold(work: Path, kind: str, dtype: str) -> None:
    model = _tests(kind, dtype)
    found = _stream(model).tests
    assert found.kind == kind
    check([Case(model, "compact", samples(model, 80, 1))], work, ("-O0", *SANITIZERS, *BYTE_WISE))
    check([Case(model, "compact", samples(model, 80, 1))], work, ("-O2",))


def test_low_bits_that_never_change_are_left_out() -> None:
    model = build(Spec(4, dtype="int16", n_features=1, n_trees=1, n_splits=30))
    tree = model.trees[0]
    model = dataclasses.replace(
        model, trees=(dataclasses.replace(tree, threshold=tuple(range(-3000, 9000, 400))),)
    )
    tests = _stream(model).tests
    assert (tests.kind, tests.lowest, tests.step_bits, tests.code_bits) == ("direct", -3000, 4, 10)


def test_one_threshold_one_feature_one_leaf_take_no_bits(work: Path) -> None:
    tree = Tree(0, (0, 0), (7, 7), (1, -1), (-1, -1))
    model = validate(TreeEnsemble("regressor", 1, (tree, Tree(root=-1)), ((2.5,),), dtype="int16"))
    packed = _stream(model)
    assert (packed.tests.feature_bits, packed.tests.code_bits, packed.leaves.field_bits) == (0, 0, 0)
    # Two trees: sizes of 3 bits, and two bits a split.
    assert len(packed.data) == -(-(2 * 3 + 3 * 2) // 8) + 3
    x = np.array([[6], [7], [8]], dtype=np.int16)
    check([Case(model, "compact", x)], work, ("-O0", *SANITIZERS))


@pytest.mark.parametrize(
    ("spec", "kind", "listed"),
    [
        (Spec(1, leaves="pure", n_outputs=9), "numbers", False),
        (Spec(1, leaves="any", n_outputs=3, n_rows=2, n_splits=60), "numbers", True),
        (Spec(1, task="regressor", n_outputs=1, n_rows=600, n_splits=120), "rows", False),
        (Spec(1, leaves="sixteenths", n_outputs=20, n_rows=513, n_splits=120), "sparse", False),
        (Spec(1, leaves="sixteenths", n_outputs=2, n_rows=513, n_splits=120), "rows", False),
        (Spec(1, form="median", n_rows=255, n_splits=60), "numbers", False),
    ],
)
def test_every_kind_of_leaf(work: Path, spec: Spec, kind: str, listed: bool) -> None:
    model = build(spec)
    leaves = _stream(model).leaves
    assert leaves.kind == kind
    assert bool(leaves.rows or leaves.values) == listed
    check([Case(model, "compact", samples(model, 80, 1))], work, ("-O0", *SANITIZERS, *BYTE_WISE))


@pytest.mark.parametrize("n_classes", [2, 3, 24, 25, 26, 31, 32, 33, 40])
def test_sparse_rows_with_wide_shares(work: Path, n_classes: int) -> None:
    """Few distinct shares of 32 bits, so that they are listed; more than 32 classes have rows or numbers."""
    rng = np.random.default_rng(n_classes)
    shares = (1 / 3, 1 / 7, 1 / 11, 0.123456789)
    rows = np.zeros((400, n_classes))
    for row in rows:
        picked = rng.choice(n_classes, 2, replace=False)
        row[picked[0]] = shares[rng.integers(len(shares))]
        row[picked[1]] = 1.0 - row[picked[0]]
    model = build(Spec(2, n_outputs=n_classes, n_rows=400, n_trees=4, n_splits=150))
    model = validate(dataclasses.replace(model, leaves=tuple(map(tuple, rows.tolist()))))
    leaves = _stream(model).leaves
    if 2 < n_classes <= 32:
        assert leaves.kind == "sparse"
        assert leaves.values
    assert leaves.kind != "sparse" or n_classes <= 32
    check([Case(model, "compact", samples(model, 60, 3))], work, ("-O0", *SANITIZERS))


def test_large_trees_have_positions_of_32_bits(work: Path) -> None:
    cases = []
    for spec in (Spec(1, n_trees=3, n_splits=3000, n_rows=600, task="regressor"), Spec(2, n_splits=6000)):
        for shape in ("random", "left", "right"):
            model = build(dataclasses.replace(spec, shape=shape))
            assert "#define MW_T_POSITION uint32_t" in emit_c(model, method="compact").files["model.c"]
            cases.append(Case(model, "compact", samples(model, 60, 3)))
    check(cases, work, ("-O0", *SANITIZERS))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_score_with_and_without_gaps(work: Path, form: str) -> None:
    cases = []
    for seed, missing in enumerate((False, True)):
        for categories in (False, True):
            model = build(
                Spec(seed, form=form, missing=missing, categories=categories, n_splits=40, n_trees=30)
            )
            cases.append(Case(model, "compact", samples(model, 40, seed)))
    check(cases, work, ("-O0", *SANITIZERS, *BYTE_WISE))


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_smallest(seed: int) -> None:
    """Forests of a few hundred splits: by tables alone, code aside."""
    for leaves in ("pure", "sixteenths", "any"):
        for dtype in ("float", "int16"):
            spec = Spec(seed, leaves=leaves, dtype=dtype, n_features=7, n_trees=6, n_splits=100, n_outputs=6)
            model = build(spec)
            table = leaf_table(model)
            compact = stream_bytes(model, compact_stream(model, table))
            assert compact < table_bytes(loadable_tables(model, table))


def test_too_many_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two million in truth, which would be slow."""
    monkeypatch.setattr("milliwatt.emit.compact.MAX_FIELD", 10)
    for feature, fits in ((255, True), (256, False)):
        tree = Tree(0, (feature,), (1.0,), (-1,), (-2,))
        model = validate(TreeEnsemble("regressor", 300, (tree,), ((0.0,), (1.0,))))
        if fits:
            emit_c(model, method="compact")
            continue
        with pytest.raises(UnsupportedModelError, match="features or category sets are too many") as caught:
            emit_c(model, method="compact")
        assert "method=inline" in str(caught.value)


def test_too_large_a_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(Spec(1, n_splits=60))
    monkeypatch.setattr("milliwatt.emit.compact.MAX_FIELD", 8)
    with pytest.raises(UnsupportedModelError, match="too large for method=compact") as caught:
        emit_c(model, method="compact")
    assert "method=loadable" in str(caught.value)


@given(st.lists(st.integers(0, 32).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 2**n - 1)))))
def test_what_is_written_is_there(fields: list[tuple[int, int]]) -> None:
    writer = BitWriter()
    total = 0
    for bits, value in fields * 30:
        writer.write(value, bits)
        total += bits
        assert len(writer) == total
    whole = int.from_bytes(writer.bytes(), "little")
    for bits, value in fields * 30:
        assert whole & ((1 << bits) - 1) == value
        whole >>= bits
    assert whole == 0


def test_widths() -> None:
    assert [width_of(n) for n in (0, 1, 2, 3, 4, 255, 256)] == [0, 1, 2, 2, 3, 8, 9]
