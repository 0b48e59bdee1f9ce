"""Committees on emulated boards: the device answers as scikit-learn does, and bit for bit as this PC."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from mwtest.emulated import need
from numpy.typing import NDArray
from sklearn import ensemble

import milliwatt
from milliwatt.model import Model
from milliwatt.rig import check

pytestmark = [
    pytest.mark.xdist_group("cases"),
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("work"),
]
M4F, M0, AVR = "qemu_cortex_m4f", "qemu_cortex_m0", "simavr_atmega328p"
_FEW: dict[str, Any] = {"n_estimators": 4, "random_state": 0}


def _members() -> list[tuple[str, Any]]:
    return [
        ("boosted", ensemble.GradientBoostingClassifier(**_FEW)),
        ("forest", ensemble.RandomForestClassifier(**_FEW, max_depth=3)),
        ("histogram", ensemble.HistGradientBoostingClassifier(max_iter=4, random_state=0)),
    ]


@cache
def _case(name: str) -> tuple[Any, Model, NDArray[Any]]:
    x = np.random.default_rng(4).normal(size=(200, 4)).astype(np.float32)
    y = np.array(["left", "right", "none"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)]
    estimator: Any
    if name == "hard":  # weights of which the last bit of a float64 sum decides
        estimator = ensemble.VotingClassifier(_members(), weights=[0.1, 0.2, 0.3]).fit(x, y)
    elif name == "soft":
        estimator = ensemble.VotingClassifier(_members(), voting="soft", weights=[1, 2, 0.7]).fit(x, y)
    elif name == "bagged":
        base = ensemble.GradientBoostingClassifier(n_estimators=2)
        estimator = ensemble.BaggingClassifier(base, n_estimators=3, max_features=3, random_state=0).fit(x, y)
    else:
        estimator = ensemble.VotingRegressor(
            [
                ("median", ensemble.AdaBoostRegressor(**_FEW)),
                ("poisson", ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=4)),
            ],
            weights=[2, 1],
        ).fit(x, np.abs(x[:, 0]) + 0.1)
    return estimator, milliwatt.convert(estimator, name="panel"), x[:80]


@pytest.mark.parametrize(
    ("board", "method", "name"),
    [
        (M4F, "inline", "hard"),
        (M4F, "loadable", "soft"),
        (M4F, "compact", "bagged"),
        (M4F, "loadable", "values"),
        (M0, "loadable", "soft"),
        (AVR, "loadable", "hard"),
        (AVR, "inline", "soft"),
        (AVR, "loadable", "values"),
    ],
)
def test_the_device_answers_as_the_estimator(board: str, method: str, name: str) -> None:
    estimator, model, samples = _case(name)
    vector = name != "hard"
    if name == "hard":
        votes = estimator.transform(samples)
        expected = np.stack([(votes == c) @ np.array([0.1, 0.2, 0.3]) for c in range(3)], axis=1)
    else:
        expected = estimator.predict_proba(samples) if model.ir.is_classifier else estimator.predict(samples)
    report = check(model, need(board), samples, method=method, expected=expected, probabilities=vector)
    assert report.perfect, report.disagreements
    assert (report.method, report.samples) == (method, len(samples))
