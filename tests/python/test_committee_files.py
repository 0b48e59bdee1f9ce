"""Committees in hand-over files: every bit comes back, and damage gives one clear error."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from mwtest.committees import CommitteeSpec, build_committee, committee_specs
from mwtest.models import Spec, build

from milliwatt import ir
from milliwatt.emit import emit_blob, emit_c, emit_csv
from milliwatt.emit.__main__ import main
from milliwatt.errors import ModelFileError, UnsupportedModelError
from milliwatt.ir import Agreement, Calibration, Committee, TreeEnsemble, as_member, validate
from milliwatt.ir.validate_committee import MAX_DEPTH, MAX_MEMBERS


def _bits(value: object) -> object:
    """A value in a form that tells -0.0 from 0.0, 1 from True and 1 from 1.0."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, (tuple, list)):
        return [_bits(v) for v in value]
    if dataclasses.is_dataclass(value):
        return [type(value).__name__, *(_bits(getattr(value, f.name)) for f in dataclasses.fields(value))]
    return (type(value).__name__, value)


@given(committee_specs())
@settings(max_examples=40)
def test_round_trip_bit_for_bit(spec: CommitteeSpec) -> None:
    model = dataclasses.replace(
        build_committee(spec),
        name="gesture",
        method="loadable",
        budget="flash=8k",
        feature_names=tuple(f"f{i}" for i in range(spec.n_features)),
        origin={"class": "VotingClassifier"},
        calibration=Calibration(Agreement(9, 8, 1), trees_evaluated=2.5),
        noise=1e-7,
    )
    text = ir.dumps(model)
    again = ir.loads(text)
    assert _bits(again) == _bits(model)
    assert ir.dumps(again) == text


def _valid() -> dict[str, Any]:
    model = build_committee(CommitteeSpec(3, "mean", weights="any", n_members=2, n_splits=3, depth=1))
    inner = dataclasses.replace(
        build_committee(CommitteeSpec(4, "share", n_members=2, n_splits=2)), classes=(2, 0, 1)
    )
    model = dataclasses.replace(
        model, members=(*model.members, as_member(inner)), weights=(1.0, 2.0, 0.5), classes=("a", "b", "c")
    )
    found: dict[str, Any] = json.loads(ir.dumps(validate(model)))
    return found


VALID = _valid()


def _with(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(VALID), **changes}


def _member(index: int, **changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(VALID)
    data["members"][index].update(changes)
    return data


def _within(index: int, **changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(VALID)
    data["members"][2]["members"][index].update(changes)
    return data


def test_the_valid_file_is_valid_and_says_each_thing_once() -> None:
    model = ir.loads(json.dumps(VALID))
    assert isinstance(model, Committee)
    assert isinstance(model.members[2], Committee)
    assert set(VALID["members"][0]) & {"dtype", "n_features", "name", "check_nan", "scale"} == set()
    # A member cannot differ in what the whole says.
    assert ir.loads(json.dumps(_member(0, dtype="int8", n_features=99, check_nan=7))) == model


def _deep(levels: int) -> dict[str, Any]:
    data = copy.deepcopy(VALID)
    inner = data["members"][0]
    for _ in range(levels - 1):
        # A member's classes are numbers of those of what it is in.
        inner = {"kind": "committee", "classes": [0, 1, 2], "vote": "mean", "weights": [], "noise": 0.0,
                 "members": [inner]}  # fmt: skip
    return {**data, "members": [inner], "weights": []}


def test_how_deep_committees_may_lie_in_each_other() -> None:
    assert ir.loads(json.dumps(_deep(MAX_DEPTH))).n_splits > 0
    with pytest.raises(ModelFileError, match="too deep"):
        ir.loads(json.dumps(_deep(MAX_DEPTH + 1)))
    text = '{"members":[' * 100_000
    with pytest.raises(ModelFileError, match="not valid JSON"):
        ir.loads(text)
    model = ir.loads(json.dumps(_deep(MAX_DEPTH)))
    deeper = dataclasses.replace(model, members=(as_member(dataclasses.replace(model, classes=(0, 1, 2))),))
    with pytest.raises(ModelFileError, match=f"more than {MAX_DEPTH} levels deep"):
        validate(deeper)


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no members": (_with(members=[], weights=[]), "members", "0 members"),
    "members are no list": (_with(members={}), "members", "not a list"),
    "a member is no object": (_with(members=[*VALID["members"][:2], 7]), "members[2]", "not an object"),
    "too many members": (
        _with(members=[VALID["members"][0]] * (MAX_MEMBERS + 1), weights=[]), "members", "1001 members",
    ),
    "no vote": (_with(vote=None), "vote", "not a str"),
    "another vote": (_with(vote="loud"), "vote", "unknown vote"),
    "a weight too few": (_with(weights=[1.0, 2.0]), "weights", "2 weights for 3 members"),
    "a weight of 0": (_with(weights=[1.0, 0.0, 1.0]), "weights", "not > 0"),
    "a negative weight": (_with(weights=[1.0, -1.0, 1.0]), "weights", "not > 0"),
    "an infinite weight": (_with(weights=["inf", 1.0, 1.0]), "weights", "not > 0"),
    "weights that overflow": (_with(weights=[3e38, 3e38, 1.0]), "weights", "too large"),
    "a weight that is text": (_with(weights=["1", 1.0, 1.0]), "weights", "wrong type"),
    "noise": (_with(noise=-1.0), "noise", "not a number >= 0"),
    "no noise": (_with(noise=None), "noise", "wrong type"),
    "a member of another kind": (_member(0, kind="network"), "members[0].kind", "unknown kind"),
    "a member without leaves": (_member(0, leaves=[]), "members[0].leaves", "no leaf values"),
    "a member without trees": (_member(1, trees=[]), "members[1].trees", "0 trees"),
    "a class beyond": (_member(0, classes=[0, 1, 3]), "members[0].classes", "not indices"),
    "a class below": (_member(0, classes=[0, 1, -1]), "members[0].classes", "not indices"),
    "a class that is a word": (_member(0, classes=["a", "b", "c"]), "members[0].classes", "not indices"),
    "a class that is true": (_member(0, classes=[0, True, 2]), "members[0].classes", "not indices"),
    "a class twice": (_member(0, classes=[0, 1, 1]), "members[0].classes", "twice"),
    "a class too few": (_member(0, classes=[0, 1]), "members[0].classes", "scores for 2 classes"),
    "a member without probabilities": (_member(2, vote="hard"), "members[2]", "no probabilities"),
    "a feature beyond": (
        _member(0, trees=[{"root": 0, "feature": [3], "threshold": [0.0], "left": [-1], "right": [-2]}]),
        "members[0].trees[0]", "a feature outside 0..2",
    ),
    "a member of a member": (_within(0, classes=[0, 1, 9]), "members[2].members[0].classes", "not indices"),
    "no trees in a member of a member": (_within(1, trees=None), "members[2].members[1].trees", "not a list"),
    "a committee without members": (_member(2, members=[]), "members[2].members", "0 members"),
    "version 1": (_with(milliwatt=1), "kind", "unknown kind of model 'committee'"),
    "a regressor that votes": (_with(task="regressor", classes=[], vote="hard"), "vote", "cannot vote"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_damage_is_told_with_its_place(name: str) -> None:
    data, option, text = BAD[name]
    with pytest.raises(ModelFileError, match=text) as caught:
        ir.loads(json.dumps(data))
    assert caught.value.option == option
    assert "milliwatt export" in str(caught.value.cure)


def test_any_value_in_any_place_gives_an_error_or_a_model() -> None:
    """Nothing but a ModelFileError comes out of a damaged file, and what is accepted can be emitted."""
    rng = random.Random(7)
    odd = [None, True, -1, 0, 3, 1e9, 0.5, "x", "inf", [], {}, [[]], [1.0], "hard", "mean", 2**70]
    accepted = 0
    for _ in range(1500):
        data = copy.deepcopy(VALID)
        place: Any = data
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(place[key], (dict, list)) and rng.random() < 0.8:
                place = place[key]
                continue
            if rng.random() < 0.2:
                del place[key]
            else:
                place[key] = rng.choice(odd)
            break
        try:
            model = ir.loads(json.dumps(data))
        except ModelFileError:
            continue
        accepted += 1
        emit_c(model, method="loadable")
    assert 10 < accepted < 1000


def test_members_have_to_fit_together() -> None:
    model = build_committee(CommitteeSpec(1, "hard"))
    member = model.members[0]
    assert isinstance(member, TreeEnsemble)
    for changed in (
        dataclasses.replace(member, n_features=4),
        as_member(dataclasses.replace(build(Spec(1, dtype="int8")), classes=(0, 1, 2))),
        as_member(build(Spec(1, task="regressor"))),
    ):
        with pytest.raises(ModelFileError, match="differs from the whole") as caught:
            validate(dataclasses.replace(model, members=(member, changed, member)))
        assert caught.value.option == "members[1]"
    gaps = as_member(dataclasses.replace(build(Spec(1, missing=True)), classes=(0, 1, 2)))
    with pytest.raises(ModelFileError, match="some members know missing values"):
        validate(dataclasses.replace(model, members=(gaps, member), weights=()))
    scaled = dataclasses.replace(
        build_committee(CommitteeSpec(1, "hard", dtype="int8")), scale=(1.0, 2.0, 0.5)
    )
    assert validate(scaled) is scaled
    inner = dataclasses.replace(scaled.members[0], scale=(1.0, 2.0, 0.5))
    with pytest.raises(ModelFileError, match="the whole's"):
        validate(dataclasses.replace(scaled, members=(inner,)))
    values = build_committee(CommitteeSpec(1, "mean", "regressor", n_classes=2))
    other = as_member(build(Spec(1, task="regressor", n_outputs=3)))
    with pytest.raises(ModelFileError, match="3 outputs, not 2"):
        validate(dataclasses.replace(values, members=(*values.members, other)))


def test_blob_and_csv_refuse_and_say_what_to_do() -> None:
    model = build_committee(CommitteeSpec(1, "hard"))
    for emit, what in ((emit_blob, "a \\*.mw.bin cannot hold"), (emit_csv, "the CSV format cannot express")):
        with pytest.raises(UnsupportedModelError, match=f"{what} a committee") as caught:
            emit(model)
        assert (caught.value.option, caught.value.cure) == ("format", "use format='json' or 'c'")


def test_emit_as_a_program(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "gesture.mw.json"
    ir.save(dataclasses.replace(ir.loads(json.dumps(VALID)), name="gesture"), source)
    assert main([str(source), "-o", str(tmp_path / "out"), "--method", "inline"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["gesture.c", "gesture.h"]
    assert main([str(source), "-o", str(tmp_path / "one"), "--single"]) == 0
    assert "static int gesture_m2_m1_class" in (tmp_path / "one" / "gesture.h").read_text()
    assert main([str(source), "-o", str(tmp_path / "gesture.mw.bin")]) == 1
    message = capsys.readouterr().err
    assert "a committee" in message
    assert "use format='json' or 'c'" in message
