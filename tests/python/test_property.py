"""Random models and samples: the emitted C against the independent evaluator, no mismatch."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.batch import SANITIZERS, Case, check
from mwtest.models import FORMS, NUMPY, Spec, build, samples, specs

from milliwatt.emit.leaves import leaf_table
from milliwatt.emit.packing import PackedTrees, pack
from milliwatt.host import mean_trees
from milliwatt.ir import Tree, TreeEnsemble, validate
from milliwatt.options import METHODS

ROWS = 40


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


def _cases(chosen: list[Spec], rows: int = ROWS) -> list[Case]:
    cases = []
    for spec in chosen:
        model = build(spec)
        x = samples(model, rows, spec.seed)
        cases += [Case(model, method, x) for method in METHODS]
    return cases


@given(st.lists(specs(), min_size=1, max_size=20))
@settings(max_examples=20)
def test_c_answers_as_the_evaluator(work: Path, chosen: list[Spec]) -> None:
    cases = _cases(chosen)
    assert check(cases, work, ("-O0",)) == ROWS * len(cases)


@given(st.lists(specs(), min_size=5, max_size=10))
@settings(max_examples=3)
def test_optimised_c_answers_as_the_evaluator(work: Path, chosen: list[Spec]) -> None:
    check(_cases(chosen), work, ("-O3", "-ffast-math"))


@given(st.lists(specs(), min_size=5, max_size=10))
@settings(max_examples=3)
def test_c_is_clean_under_sanitizers(work: Path, chosen: list[Spec]) -> None:
    check(_cases(chosen, 15), work, ("-O0", *SANITIZERS))


# Every layout by name, so that chance cannot leave one out: bits of a word, of its link, flags.
LAYOUTS = {
    "16 bits, folded": (Spec(1, n_rows=16, n_splits=60), (16, 8, "folded")),
    "16 bits, counted": (Spec(2, n_rows=17, n_splits=60), (16, 8, "")),
    "16 bits, many rows": (Spec(3, n_rows=600, n_splits=120), (16, 8, "")),
    "128 features": (Spec(4, n_features=128, n_rows=8, n_splits=90), (16, 7, "folded")),
    "256 features": (Spec(4, n_features=256, n_rows=9, n_splits=80), (16, 6, "far")),
    "257 features, folded": (Spec(5, n_features=400, n_rows=500, n_splits=90), (32, 18, "folded")),
    "257 features, counted": (Spec(6, n_features=400, n_rows=513, n_splits=300), (32, 18, "")),
    "far links, folded": (Spec(7, n_rows=4, n_splits=700), (16, 8, "far folded")),
    "far links, counted": (Spec(8, n_rows=40, n_splits=700), (16, 8, "far")),
    "left chain": (Spec(9, n_rows=4, n_splits=300, shape="left"), (16, 8, "folded")),
    "right chain": (Spec(9, n_rows=40, n_splits=300, shape="right"), (16, 8, "")),
    "missing": (Spec(10, missing=True, n_splits=60, n_features=32), (16, 8, "missing folded")),
    "missing, far": (Spec(11, missing=True, n_rows=33, n_splits=700), (16, 8, "far missing")),
    "categories": (Spec(12, categories=True, n_splits=90, dtype="int16"), (16, 8, "categories folded")),
    "both": (Spec(13, categories=True, missing=True, n_splits=90), (16, 8, "categories missing folded")),
}


def _pack(model: TreeEnsemble) -> PackedTrees:
    return pack(model, leaf_table(model).index)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_the_one_it_is_called(name: str) -> None:
    spec, (word_bits, link_bits, flags) = LAYOUTS[name]
    layout = _pack(build(spec)).layout
    assert (layout.word_bits, layout.link_bits) == (word_bits, link_bits)
    for flag in ("folded", "far", "missing", "categories"):
        assert getattr(layout, flag) == (flag in flags), flag


@pytest.mark.parametrize("dtype", ["int16", "float"])
@pytest.mark.parametrize("n_rows", [4, 40])
def test_links_where_they_become_far(work: Path, dtype: str, n_rows: int) -> None:
    """A left side of 255 splits is the largest that 8 bits can skip; with far links it is 239."""
    cases = []
    number = (lambda i: i) if dtype == "int16" else float
    seen = set()
    rows = tuple((float(i),) for i in range(n_rows))
    for n in (238, 239, 240, 254, 255, 256, 257, 300):
        for depth in (1, 3, 17):
            # `depth` splits on the left side of one another, below them a chain of n splits to the left,
            # and on the right side of each a split of two leaves.
            total = 2 * depth + n
            left = [*range(1, depth), depth, *range(depth + 1, depth + n), -1, *([-2] * depth)]
            right = [
                *(depth + n + i for i in range(depth)),
                *(-1 - i % n_rows for i in range(n)),
                *([-3] * depth),
            ]
            threshold = [*(6000 - i for i in range(depth)), *(4000 - i for i in range(n))]
            threshold += [7000] * depth
            tree = Tree(0, (0,) * total, tuple(map(number, threshold)), tuple(left), tuple(right))
            model = validate(TreeEnsemble("regressor", 1, (tree, tree), rows, dtype=dtype))
            x = np.array([*range(4000 - n - 2, 4003), *range(5980, 6003), 6999, 7000, 7001])[:, None]
            cases.append(Case(model, "loadable", x.astype(NUMPY[dtype])))
            packed = _pack(model)
            longest = n + 2 * (depth - 1)
            assert packed.layout.word_bits == 32 or packed.layout.far == (longest > 255)
            seen.add((packed.layout.word_bits, packed.layout.far))
    assert {(16, False), (16, True)} <= seen
    assert n_rows == 4 or (32, False) in seen  # counted: the whole chain has links, too many of them far
    check(cases, work, ("-O0",))


def test_few_thresholds_are_named_by_a_byte(work: Path) -> None:
    cases = []
    for dtype in ("int16", "int32", "float", "int8"):
        model = build(Spec(3, dtype=dtype, n_rows=4, n_splits=80))
        few = [tree.threshold[0] for tree in model.trees]
        trees = tuple(
            dataclasses.replace(t, threshold=tuple(few[i % len(few)] for i in range(t.n_splits)))
            for t in model.trees
        )
        model = dataclasses.replace(model, trees=trees)
        fast, small = _pack(model), pack(model, leaf_table(model).index, smallest=True)
        assert bool(fast.codes) == (dtype in ("int32", "float")), "named where much is won"
        assert bool(small.codes) == (dtype != "int8"), "named wherever anything is won"
        assert not small.codes or len(small.thresholds) <= len(few)
        cases.append(Case(model, "loadable", samples(model, 60, 5)))
    check(cases, work, ("-O0",))


def test_every_layout_and_type(work: Path) -> None:
    cases = []
    for spec, _ in LAYOUTS.values():
        for dtype in ("float", "int8", "uint8", "int16", "int32"):
            model = build(dataclasses.replace(spec, dtype=dtype))
            cases.append(Case(model, "loadable", samples(model, 60, spec.seed)))
    check(cases, work, ("-O0",))


def test_every_kind_of_leaf_sum(work: Path) -> None:
    kinds = {}
    chosen = []
    for task in ("classifier", "regressor"):
        for leaves in ("pure", "sixteenths", "any"):
            spec = Spec(5, task=task, leaves=leaves, n_outputs=4, n_trees=9)
            chosen.append(spec)
            table = leaf_table(build(spec))
            kinds[task, leaves] = table.kind, table.bits
    assert kinds["classifier", "pure"] == ("votes", 8)
    assert kinds["classifier", "sixteenths"] == kinds["regressor", "pure"] == ("rows", 8)
    assert kinds["classifier", "any"] == kinds["regressor", "any"] == ("rows", 32)
    check(_cases(chosen, 200), work)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_score(work: Path, form: str) -> None:
    chosen = [
        Spec(
            seed, form=form, dtype=dtype, leaves=leaves, n_trees=n_trees, n_outputs=3, categories=n_trees == 9
        )
        for seed, n_trees in enumerate((1, 2, 9, 40))
        for dtype in ("float", "int16")
        for leaves in ("pure", "any")
    ]
    check(_cases(chosen, 60), work, ("-O0", *SANITIZERS))


def test_the_early_exit_is_taken_and_changes_nothing(work: Path) -> None:
    """Checks of the kind that a model of this form has; many trees, so that most samples end early."""
    chosen = [
        Spec(3, form=form, leaves=leaves, n_trees=90, n_splits=4, n_outputs=k)
        for form in ("mean", "boosted classes", "weighted votes", "binary", "outliers")
        for leaves in ("pure", "sixteenths", "any")
        for k in (2, 3, 9)
    ]
    for spec in chosen:
        model = build(spec)
        evaluated = mean_trees(model, samples(model, 100, 1))
        assert evaluated is None or 1 <= evaluated <= 90
        if spec.form == "mean" or spec.form == "binary":
            assert evaluated is not None
    check(_cases(chosen, 100), work, ("-O0",))


@pytest.mark.parametrize("n_classes", [1, 2, 3, 4, 5, 7, 8, 9, 17])
def test_votes_up_to_where_counters_change(work: Path, n_classes: int) -> None:
    """Every tree votes for one class: at 127, 255 and 65535 votes a narrower counter would be full."""
    cases = []
    for n_trees in (1, 126, 127, 128, 129, 254, 255, 256, 257, 300):
        for winner in {0, n_classes // 2, n_classes - 1}:
            model = build(Spec(3, leaves="pure", n_trees=1, n_splits=0, n_outputs=n_classes))
            model = dataclasses.replace(model, trees=(Tree(root=~winner),) * n_trees)
            x = np.zeros((1, model.n_features), dtype=np.float32)
            cases += [Case(model, method, x) for method in METHODS]
    check(cases, work, ("-O0",))


def test_votes_of_many_trees(work: Path) -> None:
    chosen = [
        Spec(k, leaves="pure", n_trees=n_trees, n_splits=3, n_outputs=k, dtype="int8")
        for n_trees in (100, 127, 128, 200)
        for k in (2, 3, 4, 5, 8, 9)
    ]
    check(_cases(chosen), work, ("-O1",))
