"""The hand-over file: every bit comes back, and its text stays readable."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.models import Spec, build, specs
from mwtest.paths import names

from milliwatt import ir
from milliwatt.ir import Agreement, Calibration, LeafTrade, Tree, TreeEnsemble

labels = st.one_of(st.integers(), st.booleans(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
model_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}x", fullmatch=True).filter(
    lambda name: not name.lower().startswith("mw_")
)


def _unique(values: list[object]) -> bool:
    return len({(type(v), v) for v in values}) == len(values)


def _trades(rows: int) -> st.SearchStrategy[LeafTrade]:
    area = st.floats(0, 1)
    areas = st.just((None, None)) | st.tuples(area, area)
    parts = st.tuples(
        st.none() | st.integers(0, 16),
        st.integers(0, 9),
        st.text(),
        st.integers(0, rows),
        areas,
        st.booleans(),
    )
    return parts.map(lambda p: LeafTrade(p[0], p[1], p[2], p[3], p[4][0], p[4][1], p[5]))


def _bits(value: object) -> object:
    """A value in a form that tells -0.0 from 0.0, 1 from True and 1 from 1.0."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, (tuple, list)):
        return [_bits(v) for v in value]
    if dataclasses.is_dataclass(value):
        return [_bits(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return (type(value).__name__, value)


@given(specs(), st.data())
def test_round_trip_bit_for_bit(spec: Spec, data: st.DataObject) -> None:
    model = build(dataclasses.replace(spec, n_features=min(spec.n_features, 7)))
    n = model.n_features
    ranges = st.lists(st.floats(allow_nan=False), min_size=n, max_size=n).map(tuple)
    rows, agree = data.draw(st.integers(10, 1000)), data.draw(st.integers(0, 10))
    model = dataclasses.replace(
        model,
        name=data.draw(model_names),
        method=data.draw(st.sampled_from(["auto", "inline", "loadable"])),
        feature_names=tuple(data.draw(st.lists(st.text(), min_size=n, max_size=n))),
        origin=data.draw(st.dictionaries(st.text(), st.text(), max_size=3)),
        calibration=Calibration(
            Agreement(rows, agree, 0, data.draw(st.floats(0, 1e300))),
            data.draw(ranges),
            data.draw(ranges),
            data.draw(st.none() | _trades(rows)),
        ),
    )
    error = st.lists(st.floats(0, 1e300), min_size=model.n_outputs, max_size=model.n_outputs)
    model = dataclasses.replace(model, leaf_error=data.draw(st.just(()) | error.map(tuple)))
    if model.is_classifier:
        k = model.n_outputs
        classes = data.draw(st.lists(labels, min_size=k, max_size=k).filter(_unique))
        model = dataclasses.replace(model, classes=tuple(classes))
    again = ir.loads(ir.dumps(model))
    assert again == model
    assert _bits(again) == _bits(model)
    assert ir.dumps(again) == ir.dumps(model)


def test_zeros_infinities_and_denormals_come_back() -> None:
    values = (0.0, -0.0, 2.0**-149, math.inf, -math.inf, 0.10000000149011612)
    n = len(values)
    tree = Tree(0, (0,) * n, values, (*range(1, n), -1), (-2,) * n)
    model = TreeEnsemble("regressor", 1, (tree,), ((5e-324,), (-1.7e38,)))
    assert _bits(ir.loads(ir.dumps(model))) == _bits(model)


def test_file_round_trip(tmp_path: Path) -> None:
    model = dataclasses.replace(build(Spec(1)), classes=("größer", "\ud800", "☃"))
    path = tmp_path / "deep" / "er" / "m.mw.json"
    ir.save(model, path)
    assert ir.load(path) == model
    assert ir.load(str(path)) == model
    assert names(path.parent) == ["m.mw.json"]


def test_text_is_json_with_one_line_a_tree() -> None:
    model = build(Spec(2, n_trees=5, n_rows=4))
    text = ir.dumps(model)
    data = json.loads(text)
    assert data["milliwatt"] == ir.SCHEMA_VERSION - 1 == 2  # 3 is for models with signals
    assert sum(line.startswith('  {"root"') for line in text.splitlines()) == 5
    changed = dataclasses.replace(model, trees=(Tree(root=-1), *model.trees[1:]))
    differing = [a for a, b in zip(text.splitlines(), ir.dumps(changed).splitlines(), strict=True) if a != b]
    assert len(differing) == 1


@pytest.mark.parametrize("prefix", ["", "\n\t "])
def test_field_order_and_space_do_not_matter(prefix: str) -> None:
    model = build(Spec(3))
    data = json.loads(ir.dumps(model))
    shuffled = json.dumps(dict(reversed(data.items())), indent=3)
    assert ir.loads(prefix + shuffled) == model
