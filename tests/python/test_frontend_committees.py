"""scikit-learn's Bagging and Voting where they are no single sum of trees."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from mwtest import batch
from mwtest.elections import (
    CLASSIFIERS,
    FEW,
    FLOAT32,
    GAPS,
    GBC,
    GBR,
    HGC,
    HGR,
    HIST,
    LGBM,
    REGRESSORS,
    THREE,
    TWO,
    VALUES,
    WHOLE,
    WORDS,
    XGB,
    Ada,
    AdaR,
    BaggingClassifier,
    Forest,
    ForestRegressor,
    VotingRegressor,
    X,
    hard,
    named,
    rng,
    soft,
    tree,
)  # fmt: skip
from mwtest.oracle import agrees, near_thresholds, one_thread  # noqa: F401
from numpy.typing import NDArray
from sklearn import ensemble
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

import milliwatt
from milliwatt.emit.bounds import value_bounds
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host import HostModel, undecided
from milliwatt.ir import Committee, TreeEnsemble, ensembles
from milliwatt.options import METHODS
from milliwatt.passes import prepare


def _probe(estimator: Any, x: NDArray[Any]) -> NDArray[Any]:
    local = np.random.default_rng(1)
    return np.concatenate([x[:100], near_thresholds(to_ir(estimator), x, local, 100)])


def _rtol(name: str) -> float:
    return FLOAT32 if "libraries" in name or "float32" in name or "XGBoost" in name else 1e-9


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classes(name: str) -> None:
    for y in (TWO, THREE, WORDS):
        estimator = CLASSIFIERS[name]().fit(X, y)
        model = agrees(estimator, _probe(estimator, X), rtol=_rtol(name))
        assert isinstance(model, Committee)
        assert model.has_probabilities == hasattr(estimator, "predict_proba")


@pytest.mark.parametrize("name", REGRESSORS)
def test_values(name: str) -> None:
    estimator = REGRESSORS[name]().fit(X, VALUES)
    assert isinstance(agrees(estimator, _probe(estimator, X), rtol=_rtol(name)), Committee)


@pytest.mark.parametrize("dtype", ["float", "int16"])
def test_c_answers_as_scikit_learn(dtype: str, tmp_path: Path) -> None:
    """Against the estimators themselves, with every method."""
    cases, estimators = [], []
    nan = "refuse" if dtype == "int16" else "auto"  # XGBoost has a direction for them always
    for target, made in ((WORDS, CLASSIFIERS), (VALUES, REGRESSORS)):
        for name, make in made.items():
            x = WHOLE if dtype == "int16" else X
            estimator = make().fit(x, target)
            model, _ = prepare(to_ir(estimator, nan=nan), dtype, x if dtype == "int16" else None)
            samples = near_thresholds(model, x, np.random.default_rng(3), 60)
            if dtype == "int16":
                samples = np.rint(samples)
            method = METHODS[len(cases) % len(METHODS)]
            device = samples.astype({"float": np.float32, "int16": np.int16}[dtype])
            cases.append(batch.Case(model, method, device))
            estimators.append((name, estimator, samples))
    for case, answer, (name, estimator, samples) in zip(
        cases, batch.run(cases, tmp_path, ("-O1",)), estimators, strict=True
    ):
        model = case.model
        expected = estimator_answers(estimator, samples)
        assert (answer.statuses == 0).all()
        clear = ~undecided(model, case.samples, batch.tie)
        bound = np.asarray(value_bounds(model)) + model.noise
        assert (np.abs(answer.vectors - expected)[clear] <= bound).all(), name
        if model.is_classifier:
            labels = np.asarray(model.classes)[answer.classes]
            best = np.sort(expected, axis=1)
            apart = best[:, -1] - best[:, -2] > model.noise + batch.tie(model)
            sure = clear if model.counts_votes else clear & apart
            assert sure.mean() > 0.6, name  # small forests and stumps often have two best classes
            assert (labels == estimator.predict(samples))[sure].all(), name


def test_real_ties_go_where_scikit_learn_sends_them() -> None:
    """Four members and three classes: about a quarter of all samples has two classes with two votes each."""
    members = [
        tree(1),
        ExtraTreeClassifier(max_depth=2, random_state=0),
        Forest(2, max_depth=1, random_state=0),
        GBC(n_estimators=1, random_state=0),
    ]
    ties = 0
    for weights in (None, [1, 1, 1, 1], [0.3, 0.1, 0.2, 0.4], [0.1, 0.2, 0.3, 0.6], [1, 2, 3, 4]):
        for y in (TWO, THREE, WORDS):
            estimator = hard(*members, weights=weights).fit(X, y)
            model = milliwatt.convert(estimator)
            clear = ~undecided(model.ir, X)
            votes = np.sort(estimator_answers(estimator, X), axis=1)
            ties += int((votes[:, -1] - votes[:, -2] < 1e-9)[clear].sum())
            assert (model.predict(X) == estimator.predict(X))[clear].all()
            assert clear.mean() > 0.7
    assert ties > 60


def test_single_trees_with_weights_of_tenths_are_counted_as_float64_adds_them() -> None:
    """0.1 + 0.2 is more than 0.3 there, and 0.7 + 0.1 less than 0.8."""
    every = np.array([[i >> bit & 1 for bit in range(3)] for i in range(8)], dtype=float)
    for weights in ([0.1, 0.2, 0.3], [0.7, 0.1, 0.8], [0.3, 0.1, 0.2], [0.8, 0.1, 0.7], [0.5, 0.3, 0.2]):
        estimator = hard(*[DecisionTreeClassifier()] * 3, weights=weights).fit(every, every[:, 0].astype(int))
        for column, member in enumerate(estimator.estimators_):
            member.fit(
                every * (np.arange(3) == column), every[:, column].astype(int)
            )  # looks at this one only
        assert len(set(map(tuple, estimator.transform(every).tolist()))) == 8  # every way to vote
        model = milliwatt.convert(estimator)
        assert (model.predict(every) == estimator.predict(every)).all(), weights


# --- what members have in common ------------------------------------------------------------------


def test_missing_values() -> None:
    for estimator in (
        hard(HGC(**HIST), Forest(**FEW), xgb.XGBClassifier(**XGB)),
        soft(HGC(**HIST), lgb.LGBMClassifier(**LGBM), tree(), weights=[1, 2, 1]),
        BaggingClassifier(HGC(**HIST), n_estimators=3, max_features=0.6),
    ):
        estimator.fit(GAPS, THREE)
        model = agrees(estimator, np.concatenate([GAPS, np.full((1, 5), np.nan)]), rtol=FLOAT32)
        assert model.handles_missing
        assert all(e.handles_missing for e in ensembles(model))
        assert not to_ir(estimator, nan="refuse").handles_missing
        assert to_ir(estimator, nan="refuse").check_nan
        assert not to_ir(estimator, nan="ignore").check_nan
    values = VotingRegressor(named(HGR(**HIST, loss="gamma"), ForestRegressor(**FEW))).fit(GAPS, VALUES)
    assert agrees(values, GAPS).handles_missing


def test_a_member_that_refuses_missing_values_refuses_them_for_all() -> None:
    estimator = soft(xgb.XGBClassifier(**XGB), GBC(**FEW)).fit(X, TWO)
    model = milliwatt.convert(estimator)
    assert not model.ir.handles_missing
    with pytest.raises(milliwatt.InputError, match="is NaN"):
        model.predict(GAPS)
    assert HostModel(model.ir).predict(X.astype(np.float32)).shape == (160,)
    with pytest.raises(MilliwattError, match="GradientBoostingClassifier itself refuses") as caught:
        to_ir(estimator, nan="follow")
    assert caught.value.option == "nan"


def test_categories_of_several_members() -> None:
    x = X.copy()
    x[:, [1, 4]] = rng.choice([0, 2, 7, 30], (160, 2))
    estimator = soft(HGC(**HIST, categorical_features=[1]), HGC(**HIST, categorical_features=[4]), Ada(**FEW))
    estimator.fit(x, THREE)
    probe = x.copy()
    probe[:, [1, 4]] = rng.choice([0, 1, 2, 7, 30, 99], (160, 2))
    assert agrees(estimator, probe).handles_categories


def test_members_that_know_fewer_classes() -> None:
    """Voting takes no sample weights here, so bagging draws rows for it, and a class may be left out."""
    y = np.array(["a", "b", "c", "d"])[np.repeat([0, 1, 2, 3], [70, 70, 10, 10])]
    for inner in (soft(GBC(**FEW), tree()), hard(Ada(**FEW), GBC(**FEW), tree())):
        estimator = BaggingClassifier(inner, n_estimators=5, max_samples=20, random_state=0)
        estimator.fit(X, y)
        assert min(len(member.classes_) for member in estimator.estimators_) < 4
        model = agrees(estimator, _probe(estimator, X))
        assert model.classes == ("a", "b", "c", "d")
        converted = milliwatt.convert(estimator)
        clear = ~undecided(converted.ir, X)
        assert clear.mean() > 0.5
        assert (converted.predict(X) == estimator.predict(X))[clear].all()


def test_trees_that_count_alike_become_one_member() -> None:
    estimator = soft(Forest(4, max_depth=3), GBC(**FEW), ensemble.ExtraTreesClassifier(4, max_depth=3)).fit(
        X, THREE
    )
    model = agrees(estimator, X)
    assert [len(member.trees) for member in model.members] == [8, 12]
    assert model.weights == pytest.approx((2.0, 1.0))
    assert model.members[0].averages_proportions
    unlike = soft(Forest(4), GBC(**FEW), Forest(3)).fit(X, THREE)
    assert [len(member.trees) for member in agrees(unlike, X).members] == [4, 12, 3]


def test_means_of_means_are_one_mean() -> None:
    model = to_ir(CLASSIFIERS["bagged bagged"]().fit(X, THREE))
    assert len(model.members) == 4
    assert model.weights == ()
    nested = to_ir(CLASSIFIERS["soft of soft"]().fit(X, THREE))
    assert all(isinstance(member, TreeEnsemble) for member in nested.members)
    assert nested.shares == pytest.approx((1 / 12, 3 / 12, 1 / 3, 1 / 3))
    kept = to_ir(CLASSIFIERS["hard of hard"]().fit(X, THREE))
    assert isinstance(kept.members[0], Committee)


def test_one_class_only() -> None:
    for estimator in (soft(tree(), Forest(2)), hard(tree(), Forest(2))):
        model = agrees(estimator.fit(X, np.full(160, "only")), X)
        assert model.classes == ("only",)


# --- what is refused -------------------------------------------------------------------------------


def test_members_without_probabilities_cannot_be_averaged() -> None:
    margin = xgb.XGBClassifier(**XGB, objective="binary:logitraw")
    for estimator in (soft(margin, tree()), BaggingClassifier(margin, n_estimators=2)):
        with pytest.raises(UnsupportedModelError, match="averaging over XGBClassifier") as caught:
            to_ir(estimator.fit(X, TWO))
        assert "voting='hard'" in str(caught.value.cure)
    assert to_ir(hard(margin, tree(), GBC(**FEW)).fit(X, TWO)).vote == "hard"


def test_members_of_other_features_are_refused() -> None:
    estimator = soft(GBC(**FEW), tree()).fit(X, TWO)
    estimator.estimators_[1].fit(X[:, :3], TWO)
    with pytest.raises(UnsupportedModelError, match="members differ in their features"):
        to_ir(estimator)
    bagged = BaggingClassifier(GBC(**FEW), n_estimators=2).fit(X, TWO)
    bagged.estimators_features_[1] = np.arange(4)
    with pytest.raises(UnsupportedModelError, match="a feature that there is not"):
        to_ir(bagged)


def test_boosters_and_rankers_are_no_members() -> None:
    estimator = VotingRegressor(named(GBR(**FEW), HGR(**HIST, loss="poisson"))).fit(X, VALUES)
    estimator.estimators_[0] = lgb.LGBMRanker(**LGBM).fit(X, TWO, group=[160])
    with pytest.raises(UnsupportedModelError, match="VotingRegressor over LGBMRanker is not supported"):
        to_ir(estimator)
    with pytest.raises(UnsupportedModelError, match="AdaBoostRegressor over XGBRegressor") as caught:
        to_ir(AdaR(xgb.XGBRegressor(n_estimators=1), n_estimators=2).fit(X, VALUES))
    assert "trees" in str(caught.value.cure)


def test_members_keep_nothing_of_their_own() -> None:
    frame = hard(GBC(**FEW), Forest(**FEW)).fit(X, TWO)
    frame.feature_names_in_ = np.array(list("abcde"), dtype=object)
    model = to_ir(frame)
    assert model.feature_names == tuple("abcde")
    for member in model.members:
        assert (member.feature_names, member.origin, member.classes) == ((), {}, (0, 1))
    assert dataclasses.replace(model, name="other").members is model.members
