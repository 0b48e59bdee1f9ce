"""scikit-learn's multi-layer perceptrons as networks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mwtest.nets_close import assert_close, close_to_library, kinds
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import estimator_answers, to_ir
from milliwatt.host.evaluate_committee import decide, evaluate, scores
from milliwatt.ir import Network

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
HIDDEN: tuple[tuple[int, ...], ...] = ((), (7,), (9, 4), (3, 1, 5))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 5))
TARGETS: dict[str, tuple[type, Any, str]] = {
    "binary": (MLPClassifier, RNG.integers(0, 2, 80), "sigmoid"),
    "classes": (MLPClassifier, RNG.integers(0, 4, 80), "softmax"),
    "labels": (MLPClassifier, RNG.integers(0, 2, (80, 3)), "sigmoid"),
    "value": (MLPRegressor, RNG.normal(size=80), "identity"),
    "values": (MLPRegressor, RNG.normal(size=(80, 2)), "identity"),
}


@pytest.fixture(autouse=True)
def _unfinished() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_answers_are_the_estimators(activation: str, hidden: tuple[int, ...], target: str) -> None:
    cls, y, link = TARGETS[target]
    model = cls(hidden_layer_sizes=hidden, activation=activation, max_iter=15, random_state=1).fit(X, y)
    network = close_to_library(model)
    assert kinds(network) == ["Dense"] * (len(hidden) + 1)
    assert network.link == link
    assert network.is_multilabel == (target == "labels")
    assert network.is_binary == (target == "binary")


@pytest.mark.parametrize(
    ("load", "cls"),
    [(load_digits, MLPClassifier), (load_breast_cancer, MLPClassifier), (load_diabetes, MLPRegressor)],
)
def test_real_data_every_class_on_the_held_out_set(load: Any, cls: type) -> None:
    train, held_out, target, _ = train_test_split(*load(return_X_y=True), random_state=0)
    model = cls(hidden_layer_sizes=(32, 16), max_iter=60, random_state=0).fit(train, target)
    network = to_ir(model)
    exact = held_out.astype(np.float32).astype(np.float64)
    assert_close(evaluate(network, exact), estimator_answers(model, exact))
    if cls is MLPClassifier:
        found = np.asarray(network.classes)[decide(network, scores(network, exact))]
        assert (found == model.predict(exact)).all()


def test_counts_have_an_exponential_link() -> None:
    try:
        model = MLPRegressor(loss="poisson", hidden_layer_sizes=(4,), max_iter=15, random_state=0)
    except TypeError:
        pytest.skip("this scikit-learn has no loss=")
    network = close_to_library(model.fit(X, RNG.poisson(2.0, 80)))
    assert network.link == "exp"


def test_labels_names_and_types() -> None:
    model = MLPClassifier((3,), max_iter=5).fit(X, np.array(["no", "yes"])[RNG.integers(0, 2, 80)])
    model.feature_names_in_ = np.array(list("abcde"), dtype=object)
    network = to_ir(model)
    assert isinstance(network, Network)
    assert network.classes == ("no", "yes")
    assert network.feature_names == tuple("abcde")
    assert network.origin["class"] == "MLPClassifier"
    single = MLPRegressor(hidden_layer_sizes=(3,), max_iter=5).fit(
        X.astype(np.float32), X[:, 0].astype(np.float32)
    )
    close_to_library(single)


def test_what_is_refused() -> None:
    with pytest.raises(MilliwattError, match="not fitted"):
        to_ir(MLPClassifier())
    model = MLPClassifier((3,), max_iter=5).fit(X, RNG.integers(0, 2, 80))
    with pytest.raises(MilliwattError, match="refuses missing values") as caught:
        to_ir(model, nan="follow")
    assert caught.value.option == "nan"
    model.activation = "swish"
    with pytest.raises(UnsupportedModelError, match="'swish' is not supported"):
        to_ir(model)
    model.activation = "relu"
    model.coefs_[0][0, 0] = np.inf
    with pytest.raises(UnsupportedModelError, match="layer 1 has a weight that float32 cannot hold"):
        to_ir(model)
    with pytest.raises(UnsupportedModelError, match="knows a single class"):
        to_ir(MLPClassifier((3,), max_iter=5).fit(X, np.zeros(80)))
    with pytest.raises(UnsupportedModelError, match="over MLPClassifier is not supported"):
        to_ir(BaggingClassifier(MLPClassifier((2,), max_iter=3), 2).fit(X, RNG.integers(0, 2, 80)))


def test_nan_may_be_ignored() -> None:
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=5).fit(X, X[:, 0])
    assert to_ir(model).check_nan
    assert not to_ir(model, nan="ignore").check_nan
