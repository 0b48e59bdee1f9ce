"""Committees the whole way: converted, compiled, saved, loaded; with every option."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
from mwtest.elections import (
    FEW,
    GBC,
    HGC,
    HIST,
    REGRESSORS,
    THREE,
    TWO,
    VALUES,
    WHOLE,
    WORDS,
    Forest,
    X,
    hard,
    mixed,
    soft,
)  # fmt: skip
from mwtest.oracle import one_thread  # noqa: F401
from sklearn import ensemble

import milliwatt
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.export import export_file, summary
from milliwatt.ir import ensembles
from milliwatt.options import METHODS, ModelOptions


@pytest.mark.parametrize("method", METHODS)
def test_convert_predict_save_and_load(method: str, tmp_path: Path) -> None:
    for estimator in (hard(*mixed(), weights=[1, 2, 1, 1, 1]), soft(*mixed())):
        estimator.fit(X, WORDS)
        model = milliwatt.convert(estimator, name="gesture", method=method, calibration=X)
        assert (model.predict(X) == estimator.predict(X)).all()
        assert model.ir.calibration is not None
        assert model.ir.calibration.agreement.fraction == 1.0
        assert 0 < model.ir.calibration.trees_evaluated <= len(model.ir.trees)
        assert "members" in repr(model)
        assert list(model.classes_) == list(estimator.classes_)
        if model.ir.has_probabilities:
            assert (np.abs(model.predict_proba(X) - estimator.predict_proba(X)) <= model.bound).all()
        else:
            with pytest.raises(MilliwattError, match="no probabilities"):
                model.predict_proba(X)
        model.save(tmp_path / "gesture.mw.json")
        again = milliwatt.load(tmp_path / "gesture.mw.json")
        assert again.ir == model.ir
        assert (again.predict(X) == estimator.predict(X)).all()
        assert {p.name for p in model.save(tmp_path / "gesture.c")} == {"gesture.c", "gesture.h"}
        assert "gesture_predict(const float *features" in (tmp_path / "gesture.h").read_text()
        for ending in ("csv", "mw.bin"):
            with pytest.raises(UnsupportedModelError, match="a committee") as caught:
                model.save(tmp_path / f"gesture.{ending}")
            assert caught.value.option == "format"
            assert caught.value.cure == "use format='json' or 'c'"
            assert not (tmp_path / f"gesture.{ending}").exists()


def test_values_the_whole_way() -> None:
    estimator = REGRESSORS["mixed"]().fit(X, VALUES)
    model = milliwatt.convert(estimator, calibration=X)
    assert model.ir.calibration.agreement.fraction == 1.0
    assert (np.abs(model.predict(X) - estimator.predict(X)) <= model.bound).all()
    with pytest.raises(MilliwattError, match="a regressor has no probabilities"):
        model.predict_proba(X)


def test_the_feature_type_is_decided_for_all_members_together() -> None:
    members = [GBC(**FEW), Forest(**FEW), HGC(**HIST)]
    estimator = soft(*members).fit(WHOLE, THREE)
    model = milliwatt.convert(estimator)
    assert model.ir.dtype == "int16"
    assert {e.dtype for e in ensembles(model.ir)} == {"int16"}
    assert (model.predict(WHOLE) == estimator.predict(WHOLE)).all()
    # One member that saw fractions is enough.
    estimator.estimators_[1].fit(X, THREE)
    assert milliwatt.convert(estimator).ir.dtype == "float"
    with pytest.raises(MilliwattError, match="was not an integer in training"):
        milliwatt.convert(estimator, dtype="int8")
    with pytest.raises(milliwatt.InputError, match="not a value of type int16"):
        model.predict(X)


def test_features_are_scaled_once_for_all() -> None:
    estimator = hard(GBC(**FEW), Forest(**FEW), HGC(**HIST)).fit(X, THREE)
    model = milliwatt.convert(estimator, dtype="int16", calibration=X)
    assert len(model.ir.scale) == 5
    assert all(not e.scale for e in ensembles(model.ir))
    assert (model.predict(X) == estimator.predict(X)).mean() > 0.97


def test_leaves_are_narrowed_in_each_member() -> None:
    estimator = soft(Forest(20, random_state=0), ensemble.ExtraTreesClassifier(5, max_depth=4), GBC(**FEW))
    estimator.fit(X, THREE)
    exact = milliwatt.convert(estimator)
    narrow = milliwatt.convert(estimator, leaf_bits=4, calibration=X)
    assert exact.ir.leaf_error == ()
    assert all(member.leaf_error for member in narrow.ir.members)
    assert 0 < max(narrow.ir.leaf_error) < 1.0
    assert narrow.ir.calibration.leaves.leaf_bits == 4
    assert (np.abs(narrow.predict_proba(X) - estimator.predict_proba(X)) <= narrow.bound).all()
    by_itself = milliwatt.convert(estimator, calibration=X)
    assert (by_itself.predict(X) == exact.predict(X)).all()
    trade = by_itself.ir.calibration.leaves
    assert trade is not None
    assert trade.classes_changed == 0
    # Boosted members stay exact: only proportions can gain.
    boosted = next(m for m in by_itself.ir.members if m.link == "softmax")
    assert not boosted.leaf_error
    with pytest.raises(MilliwattError, match="hard votes need leaves that hold class proportions"):
        milliwatt.convert(estimator, leaf_bits=0)
    votes = milliwatt.convert(hard(Forest(9, max_depth=2), GBC(**FEW)).fit(X, TWO), leaf_bits=2)
    assert max(votes.ir.leaf_error) == 1.0


@pytest.mark.parametrize("budget", ["speed", "flash", "flash=64k"])
def test_budgets(budget: str) -> None:
    estimator = soft(GBC(**FEW), Forest(**FEW), HGC(**HIST)).fit(X, THREE)
    model = milliwatt.convert(estimator, budget=budget)
    assert "budget" in model.choice.reason or "bytes" in model.choice.reason
    with pytest.raises(MilliwattError, match="more than 100 bytes") as caught:
        _ = milliwatt.convert(estimator, budget="flash=100").choice
    assert caught.value.option == "budget"


def test_export_of_a_file_says_what_it_is(tmp_path: Path) -> None:
    estimator = hard(GBC(**FEW), HGC(**HIST), Forest(**FEW), weights=[0.1, 0.2, 0.3]).fit(X, WORDS)
    skops.io.dump(estimator, tmp_path / "vote.skops")
    data = tmp_path / "data.csv"
    np.savetxt(data, X, delimiter=",")
    model = export_file(tmp_path / "vote.skops", name="vote", options=ModelOptions(calibration=str(data)))
    assert (model.predict(X) == estimator.predict(X)).all()
    lines = summary(model)
    assert lines[0].startswith("vote: classifier, hard votes of 3 members, weighted, ")
    assert any(line.startswith("early exit: ") for line in lines)
    assert "agreement on 160 calibration samples: 100.00 %" in lines
