"""Random models and samples: the emitted C against the independent evaluator, no mismatch."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.batch import SANITIZERS, Case, check
from mwtest.models import NUMPY, Spec, build, samples, specs

from milliwatt.emit.leaves import leaf_table
from milliwatt.emit.packing import pack
from milliwatt.ir import Tree, TreeEnsemble, validate

ROWS = 40


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


def _cases(chosen: list[Spec], rows: int = ROWS) -> list[Case]:
    cases = []
    for spec in chosen:
        model = build(spec)
        x = samples(model, rows, spec.seed)
        cases += [Case(model, method, x) for method in ("inline", "loadable")]
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


# Every layout by name, so that chance cannot leave one out.
LAYOUTS = {
    "narrow": Spec(1, n_rows=16, n_splits=60),
    "narrow pairs": Spec(2, n_rows=17, n_splits=60),
    "narrow pairs, 256 rows": Spec(3, n_rows=256, n_splits=120),
    "wide by rows": Spec(4, n_rows=257, n_splits=120),
    "wide, 512 rows": Spec(5, n_rows=512, n_splits=120),
    "wide pairs": Spec(6, n_rows=513, n_splits=300),
    "wide by features": Spec(7, n_features=65, n_rows=4, n_splits=200),
    "wide by link": Spec(8, n_rows=4, n_splits=700),
    "narrow, left chain": Spec(9, n_rows=4, n_splits=300, shape="left"),
    "narrow, right chain": Spec(9, n_rows=4, n_splits=300, shape="right"),
    "missing": Spec(10, missing=True, n_splits=60),
    "missing pairs": Spec(11, missing=True, n_rows=513, n_splits=300),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_the_one_it_is_called(name: str) -> None:
    model = build(LAYOUTS[name])
    packed = pack(model, leaf_table(model).index)
    assert packed.wide == ("wide" in name or "missing" in name)
    assert packed.pairs == ("pairs" in name)
    assert packed.walker.startswith("missing") == ("missing" in name)


@pytest.mark.parametrize("dtype", ["int16", "float"])
def test_the_longest_link_of_a_narrow_word(work: Path, dtype: str) -> None:
    """A left side of 255 splits is the largest that can be skipped with 8 bits."""
    cases = []
    for n in (254, 255, 256, 257):
        # Split 0 has a chain of n splits on its left and one more split on its right.
        left = (1, *range(2, n + 1), -1, -2)
        right = (n + 1, *(-2 - i % 3 for i in range(n)), -4)
        number = (lambda i: i) if dtype == "int16" else float
        threshold = tuple(number(v) for v in (5000, *range(4000, 4000 - n, -1), 6000))
        tree = Tree(0, (0,) * (n + 2), threshold, left, right)
        rows = tuple((float(i),) for i in range(4))
        model = validate(TreeEnsemble("regressor", 1, (tree,), rows, dtype=dtype))
        assert pack(model, leaf_table(model).index).wide == (n > 255)
        x = np.array([*range(4000 - n - 2, 4003), 4999, 5000, 5001, 6000, 6001])[:, None]
        cases.append(Case(model, "loadable", x.astype(NUMPY[dtype])))
    check(cases, work, ("-O0",))


def test_every_layout_and_type(work: Path) -> None:
    cases = []
    for spec in LAYOUTS.values():
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
            kinds[task, leaves] = leaf_table(build(spec)).kind
    assert kinds["classifier", "pure"] == "votes"
    assert kinds["classifier", "sixteenths"] == kinds["regressor", "pure"] == "sum16"
    assert kinds["classifier", "any"] == kinds["regressor", "any"] == "sum32"
    check(_cases(chosen, 200), work)


@pytest.mark.parametrize("n_classes", [1, 2, 3, 4, 5, 7, 8, 9, 17])
def test_votes_up_to_where_counters_change(work: Path, n_classes: int) -> None:
    """Every tree votes for one class: at 127, 255 and 65535 votes a narrower counter would be full."""
    cases = []
    for n_trees in (1, 126, 127, 128, 129, 254, 255, 256, 257, 300):
        for winner in {0, n_classes // 2, n_classes - 1}:
            model = build(Spec(3, leaves="pure", n_trees=1, n_splits=0, n_outputs=n_classes))
            model = dataclasses.replace(model, trees=(Tree(root=~winner),) * n_trees)
            x = np.zeros((1, model.n_features), dtype=np.float32)
            cases += [Case(model, method, x) for method in ("inline", "loadable")]
    check(cases, work, ("-O0",))


def test_votes_of_many_trees(work: Path) -> None:
    chosen = [
        Spec(k, leaves="pure", n_trees=n_trees, n_splits=3, n_outputs=k, dtype="int8")
        for n_trees in (100, 127, 128, 200)
        for k in (2, 3, 4, 5, 8, 9)
    ]
    check(_cases(chosen), work, ("-O1",))
