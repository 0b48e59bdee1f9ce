"""Ensembles of ensembles that are no single sum of trees, and data to train them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn import ensemble
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

BaggingClassifier, BaggingRegressor = ensemble.BaggingClassifier, ensemble.BaggingRegressor
VotingClassifier, VotingRegressor = ensemble.VotingClassifier, ensemble.VotingRegressor
Forest, ForestRegressor = ensemble.RandomForestClassifier, ensemble.RandomForestRegressor
GBC, GBR = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
HGC, HGR = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
Ada, AdaR = ensemble.AdaBoostClassifier, ensemble.AdaBoostRegressor

rng = np.random.default_rng(9)
X = rng.normal(size=(160, 5)).astype(np.float32).astype(float)
WHOLE = rng.integers(-6, 7, (160, 5)).astype(float)
GAPS = np.where(rng.random(X.shape) < 0.15, np.nan, X)
TWO = ((X[:, 0] > 0) ^ (rng.random(160) < 0.1)).astype(int)
THREE = TWO + (X[:, 1] > 0.4)
WORDS = np.array(["zebra", "ant", "Mole"])[THREE]  # classes_ sorts them otherwise
VALUES = np.abs(X[:, 0] * 3 + rng.normal(size=160)) + 0.1
FEW: dict[str, Any] = {"n_estimators": 4, "random_state": 0}
HIST: dict[str, Any] = {"max_iter": 4, "random_state": 0}
XGB: dict[str, Any] = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}
LGBM: dict[str, Any] = {
    "n_estimators": 4,
    "num_leaves": 5,
    "min_child_samples": 5,
    "verbose": -1,
    "n_jobs": 1,
}
FLOAT32 = 3e-6  # what XGBoost's float32 probabilities may be off by


def named(*members: Any) -> list[tuple[str, Any]]:
    return [(f"m{i}", member) for i, member in enumerate(members)]


def soft(*members: Any, weights: Any = None) -> Any:
    return VotingClassifier(named(*members), voting="soft", weights=weights)


def hard(*members: Any, weights: Any = None) -> Any:
    return VotingClassifier(named(*members), weights=weights)


def bag(member: Any, n_estimators: int = 2, **settings: Any) -> Any:
    return BaggingClassifier(member, n_estimators=n_estimators, random_state=0, **settings)


def tree(depth: int = 3) -> Any:
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def mixed() -> list[Any]:
    return [GBC(**FEW), HGC(**HIST), Ada(**FEW), Forest(**FEW, max_depth=3), tree(2)]


def others() -> list[Any]:
    return [xgb.XGBClassifier(**XGB), lgb.LGBMClassifier(**LGBM), Forest(**FEW, max_depth=3)]


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "hard": lambda: hard(*mixed()),
    "hard, four that tie": lambda: hard(*mixed()[:4]),
    "hard, integers": lambda: hard(*mixed(), weights=[1, 2, 3, 2, 1]),
    "hard, tenths": lambda: hard(*mixed(), weights=[0.1, 0.2, 0.3, 0.1, 0.2]),
    "hard, one left out": lambda: hard(*mixed(), weights=[1, 0, 1, 1, 1]),
    "hard, other libraries": lambda: hard(*others(), weights=[1.5, 1, 1]),
    "soft": lambda: soft(*mixed()),
    "soft, weights": lambda: soft(*mixed(), weights=[1, 2, 0.7, 0, 1.1]),
    "soft, other libraries": lambda: soft(*others(), weights=[1, 2, 1.3]),
    "soft, float32 alone": lambda: soft(xgb.XGBClassifier(**XGB), xgb.XGBClassifier(**XGB, reg_alpha=1)),
    "bagged boosting": lambda: bag(GBC(**FEW), n_estimators=3, max_features=0.6),
    "bagged histograms": lambda: bag(HGC(**HIST), n_estimators=3),
    "bagged AdaBoost": lambda: bag(Ada(**FEW), n_estimators=3, bootstrap_features=True),
    "bagged XGBoost": lambda: bag(xgb.XGBClassifier(**XGB), n_estimators=3, max_features=3),
    "bagged LightGBM": lambda: bag(lgb.LGBMClassifier(**LGBM), n_estimators=3),
    "bagged votes": lambda: bag(hard(*mixed()[1:4]), n_estimators=4, max_features=0.8),
    "soft of soft": lambda: soft(soft(*mixed()[:2], weights=[1, 3]), Forest(**FEW), GBC(**FEW)),
    "soft of bagged": lambda: soft(bag(GBC(**FEW), n_estimators=2), tree(), Ada(**FEW)),
    "hard of soft": lambda: hard(soft(*mixed()[:2]), Forest(**FEW), Ada(**FEW)),
    "hard of hard": lambda: hard(hard(*mixed()[:3]), tree(1), GBC(**FEW)),
    "hard of bagged votes": lambda: hard(bag(hard(*mixed()[:2])), tree(), HGC(**HIST)),
    "bagged bagged": lambda: bag(bag(GBC(**FEW), max_features=0.7), max_features=0.8),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "medians": lambda: BaggingRegressor(AdaR(**FEW), n_estimators=3, max_features=0.6, random_state=0),
    "poisson": lambda: VotingRegressor(named(HGR(**HIST, loss="poisson"), GBR(**FEW)), weights=[2, 1]),
    "gamma": lambda: BaggingRegressor(HGR(**HIST, loss="gamma"), n_estimators=3, random_state=0),
    "mixed": lambda: VotingRegressor(
        named(
            AdaR(**FEW),
            HGR(**HIST, loss="poisson"),
            ForestRegressor(**FEW),
            DecisionTreeRegressor(random_state=0),
        ),
        weights=[1, 2, 0, 0.3],
    ),
    "nested": lambda: VotingRegressor(
        named(
            VotingRegressor(named(AdaR(**FEW), GBR(**FEW)), weights=[1, 4]),
            BaggingRegressor(AdaR(**FEW), n_estimators=2, random_state=0),
        )
    ),
    "other libraries": lambda: VotingRegressor(
        named(
            xgb.XGBRegressor(**XGB, objective="count:poisson"),
            lgb.LGBMRegressor(**LGBM, objective="gamma"),
            xgb.XGBRegressor(**XGB),
        )
    ),
}
