"""Options of networks: what they take, and that none is ignored where it means nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mwtest.models import Spec, build
from mwtest.networks import NetworkSpec, build_network
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt import ir
from milliwatt.errors import MilliwattError
from milliwatt.options import NETWORKS_ONLY, TREES_ONLY, ModelOptions, check_kind, parse_options

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
pytestmark = pytest.mark.filterwarnings("ignore:lbfgs")
# A value that is not the default, for each option of one kind.
GIVEN: dict[str, Any] = {
    "method": "inline", "budget": "flash=8k", "leaf_bits": 8, "leaf_clusters": 4, "quantize": "int8",
    "arena": "caller", "task": "classifier", "classes": "a,b,c", "input_shape": "3",
}  # fmt: skip


@pytest.fixture(scope="module")
def network() -> MLPClassifier:
    return MLPClassifier((4,), max_iter=5, solver="lbfgs", random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def tree() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y)


# -- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", ()),
        ("idle,walk, run ", ("idle", "walk", "run")),
        ("0,1,2", (0, 1, 2)),
        ("-1,1", (-1, 1)),
        ("01,2", ("01", "2")),
        ("1,x", ("1", "x")),
        ("größe", ("größe",)),
    ],
)
def test_classes_out_of_text(text: str, labels: tuple[Any, ...]) -> None:
    options = ModelOptions(classes=text)
    assert options.classes == labels
    assert ModelOptions(classes=labels) == options
    assert list(map(type, options.classes)) == list(map(type, labels))


def test_classes_out_of_sequences() -> None:
    assert ModelOptions(classes=np.array([3, 5])).classes == (3, 5)  # type: ignore[arg-type]
    assert ModelOptions(classes=["a, b", "c"]).classes == ("a, b", "c")
    assert ModelOptions(classes=[True, False]).classes == (True, False)


@pytest.mark.parametrize("classes", ["a,,b", ",", "a,a", "1,1", [1, "1"], 5, [None, 1], [(1,), (2,)]])
def test_impossible_classes(classes: Any) -> None:
    with pytest.raises(MilliwattError) as caught:
        ModelOptions(classes=classes)
    assert caught.value.option == "classes"
    assert "classes=idle,walk,run" in str(caught.value.cure)


@given(st.lists(st.integers(-(10**9), 10**9) | st.from_regex(r"[a-z]{1,5}", fullmatch=True), unique_by=str))
def test_classes_survive_the_way_to_another_python(labels: list[int | str]) -> None:
    if len({type(label) for label in labels}) > 1:
        labels = [str(label) + "x" for label in labels]
    options = ModelOptions(classes=labels)
    assert parse_options({"classes": options.conversion["classes"]}) == options


@pytest.mark.parametrize(
    ("given", "shape"), [("", ()), ("64", (64,)), ("1x28x28", (1, 28, 28)), ((3, 16), (3, 16)), ([7], (7,))]
)
def test_shapes(given: Any, shape: tuple[int, ...]) -> None:
    options = ModelOptions(input_shape=given)
    assert options.input_shape == shape
    assert parse_options({"input_shape": options.conversion["input_shape"]}) == options


@pytest.mark.parametrize(
    "given", ["0", "1x", "x", "1x2x3x4", "-3", "3.5", "1 x 2", 5, (0, 2), (1.5,), (True,)]
)
def test_impossible_shapes(given: Any) -> None:
    with pytest.raises(MilliwattError) as caught:
        ModelOptions(input_shape=given)
    assert caught.value.option == "input_shape"
    assert "1x28x28" in str(caught.value.cure)


def test_a_regressor_has_no_classes() -> None:
    with pytest.raises(MilliwattError, match="a regressor has no classes"):
        ModelOptions(task="regressor", classes="a,b")


def test_which_can_be_chosen_of_a_file() -> None:
    assert not ModelOptions(arena="caller").needs_estimator
    for option in ("quantize", "task", "classes", "input_shape"):
        assert ModelOptions(**{option: GIVEN[option]}).needs_estimator


# -- kinds of models -----------------------------------------------------------------------------


@pytest.mark.parametrize("option", TREES_ONLY)
def test_options_of_trees_are_refused_for_networks(option: str, network: MLPClassifier) -> None:
    with pytest.raises(MilliwattError) as caught:
        milliwatt.convert(network, **{option: GIVEN[option]})
    assert caught.value.option == option
    assert "is for trees, and this MLPClassifier is a neural network" in caught.value.problem
    assert caught.value.cure


@pytest.mark.parametrize("option", NETWORKS_ONLY)
def test_options_of_networks_are_refused_for_trees(option: str, tree: DecisionTreeClassifier) -> None:
    with pytest.raises(MilliwattError) as caught:
        milliwatt.convert(tree, calibration=X, **{option: GIVEN[option]})
    assert caught.value.option == option
    assert "DecisionTreeClassifier" in caught.value.problem
    assert caught.value.cure


def test_every_option_of_one_kind_has_a_word_instead() -> None:
    for option in (*TREES_ONLY, *NETWORKS_ONLY):
        options = ModelOptions(**{option: GIVEN[option]})
        check_kind(options, network=option in NETWORKS_ONLY, what="it")
        with pytest.raises(MilliwattError) as caught:
            check_kind(options, network=option in TREES_ONLY, what="it")
        assert caught.value.cure


def test_what_is_chosen_of_files() -> None:
    network, trees = build_network(NetworkSpec(1)), build(Spec(1, n_rows=4))
    assert ir.settle(network, ModelOptions()) == network
    callers = ir.settle(network, ModelOptions(arena="caller"))
    assert isinstance(callers, ir.Network)
    assert callers.arena == "caller"
    assert ir.settle(callers, ModelOptions()) == callers
    assert ir.settle(callers, ModelOptions(arena="static")) == network
    with pytest.raises(MilliwattError, match="arena=static is for neural networks"):
        ir.settle(trees, ModelOptions(arena="static"))
    for options in (ModelOptions(method="compact"), ModelOptions(budget="speed")):
        with pytest.raises(MilliwattError, match=r"is for trees, and model \(.*network of .* layers"):
            ir.settle(network, options)


def test_what_scikit_learn_knows_itself(network: MLPClassifier) -> None:
    assert milliwatt.convert(network, task="classifier").ir == milliwatt.convert(network).ir
    with pytest.raises(MilliwattError, match="a MLPClassifier is a classifier"):
        milliwatt.convert(network, task="regressor")
    with pytest.raises(MilliwattError, match="a MLPClassifier knows its classes"):
        milliwatt.convert(network, classes="a,b,c")
    with pytest.raises(MilliwattError, match="knows the shape of its samples"):
        milliwatt.convert(network, input_shape="3")
    regressor = MLPRegressor(hidden_layer_sizes=(2,), max_iter=3, solver="lbfgs").fit(X, X[:, 0])
    with pytest.raises(MilliwattError, match="a MLPRegressor is a regressor"):
        milliwatt.convert(regressor, task="classifier")


def test_quantize_needs_calibration_data(network: MLPClassifier) -> None:
    with pytest.raises(MilliwattError, match="quantize=int16 needs calibration data") as caught:
        milliwatt.convert(network, quantize="int16")
    assert caught.value.option == "quantize"
    assert "calibration=" in str(caught.value.cure)


def test_missing_values(network: MLPClassifier) -> None:
    with pytest.raises(MilliwattError, match="missing values"):
        milliwatt.convert(network, nan="follow")
    assert not milliwatt.convert(network, nan="ignore").ir.check_nan
