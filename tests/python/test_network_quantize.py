"""Float networks as integers: close to the floats, never beyond 32 bits, and exact where integers fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mwtest.networks import NetworkSpec, build_network, network_specs, numbers
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from milliwatt import ir
from milliwatt.emit import emit_c
from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.host import evaluate_integers as whole
from milliwatt.host import evaluate_network as floats
from milliwatt.host.quantization import quantize_network
from milliwatt.ir.network import Activation, Array, Conv, Dense, MaxPool, Network, Reshape
from milliwatt.ir.network_grids import grids
from milliwatt.ir.network_integers import IntConv, IntDense, IntDepthwise, Summing, Table
from milliwatt.ir.validate_integers import sums
from milliwatt.passes.quantize_order import clamps_before_pools

QUANTIZE = ("int8", "int16")
RNG = np.random.default_rng(4)


def _network(spec: NetworkSpec, quantize: str, dtype: str = "float", scale: float = 0.0) -> Network:
    model = build_network(spec)
    scales = (scale,) * model.n_features if scale else ()
    return dataclasses.replace(model, quantize=quantize, dtype=dtype, scale=scales)


def _samples(model: Network, seed: int, rows: int = 40, reach: float = 1.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(rows, model.n_features)) * reach
    if model.dtype == "float":
        return drawn.astype(np.float32).astype(np.float64)
    info = np.iinfo(model.dtype)
    return np.rint(drawn * (model.scale[0] if model.scale else 20.0)).clip(info.min, info.max)


kinds = st.sampled_from(
    [("float", 0.0), ("int8", 30.0), ("uint8", 60.0), ("int16", 9000.0), ("int16", 0.0), ("uint8", 0.0)]
)


@given(network_specs(), st.sampled_from(QUANTIZE), kinds)
@settings(max_examples=60, deadline=None)
def test_whatever_the_sample_all_numbers_stay_where_they_were_proven_to(
    spec: NetworkSpec, quantize: str, kind: tuple[str, float]
) -> None:
    model = _network(spec, quantize, *kind)
    made, _ = quantize_network(model, _samples(model, spec.seed))
    assert ir.loads(ir.dumps(made)) == made
    known = grids(made)
    far = _samples(made, spec.seed + 1, reach=1e4)
    tensors = whole.tensors(made, far)
    for grid, values in zip(known, tensors, strict=True):
        if grid is not None:
            assert grid.low <= values.min()
            assert values.max() <= grid.high
    assert max(np.abs(values).max() for values in tensors) < 2**31
    for layer in made.layers:
        if isinstance(layer, IntDense | IntConv | IntDepthwise):
            _check_extremes(made, layer)


def _check_extremes(model: Network, layer: Summing) -> None:
    """The proven bounds are reached by the inputs that reach them, and by no other of the corners."""
    grid = grids(model)[layer.inputs[0]]
    assert grid is not None
    weights = whole.integers(layer.weights).reshape(-1, layer.bias.size)
    bias = whole.integers(layer.bias)
    for output, (low, high) in enumerate(sums(layer, grid)):
        own = weights[:, output]
        assert high == bias[output] + np.where(own > 0, own * grid.high, own * grid.low).sum()
        assert low == bias[output] + np.where(own > 0, own * grid.low, own * grid.high).sum()
        assert -(2**31) <= low <= high < 2**31


# A swish of -200 to 2, which is flat but for the last twentieth of it.
@example(NetworkSpec(2, (1,), 1, 2, "identity", scales=False), "int8", ("uint8", 0.0))
@given(network_specs(), st.sampled_from(QUANTIZE), kinds)
@settings(max_examples=60, deadline=None)
def test_random_networks_stay_close(spec: NetworkSpec, quantize: str, kind: tuple[str, float]) -> None:
    model = _network(spec, quantize, *kind)
    samples = _samples(model, spec.seed, rows=100)
    made, errors = quantize_network(model, samples)
    # Random networks are hard on bytes, and weights are bytes always: sums up to 100, say, that cancel, and
    # then a tanh. Networks that were trained have 30 to 50 dB.
    assert all(error.own_db > 0.0 for error in errors)
    assert np.median([error.own_db for error in errors]) > (12.0 if quantize == "int8" else 15.0)
    assert all(error.clipped < 0.1 for error in errors)
    real, reached = floats.scores(model, samples), whole.scores(made, samples)
    spread = float(np.abs(real).max())
    assert float(np.abs(real - reached).mean()) <= 0.25 * spread


def test_labels_say_which_layer_it_is() -> None:
    model = _network(NetworkSpec(46), "int8")
    _, errors = quantize_network(model, _samples(model, 1))
    assert [error.layer for error in errors] == [
        "0 depthwise hard_sigmoid", "2 depthwise hard_swish", "4 conv elu", "10 dense",
    ]  # fmt: skip


# -- real data -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> list[NDArray[np.float64]]:
    samples, labels = load_digits(return_X_y=True)
    return list(train_test_split(samples, labels, test_size=0.4, random_state=0))


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("quantize", QUANTIZE)
def test_digits_lose_at_most_a_point(
    digits: list[NDArray[np.float64]], activation: str, quantize: str
) -> None:
    known, new, known_labels, labels = digits
    estimator = MLPClassifier((32,), activation=activation, random_state=0, max_iter=60)
    estimator.fit(known, known_labels)
    model = dataclasses.replace(to_ir(estimator), quantize=quantize)
    made, _ = quantize_network(model, known)
    before = float((floats.scores(model, new).argmax(axis=1) == labels).mean())
    after = float((whole.integer_scores(made, new).argmax(axis=1) == labels).mean())
    assert before > 0.9
    assert after >= before - 0.01


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_regressors_keep_their_values(digits: list[NDArray[np.float64]], quantize: str) -> None:
    known, new, _, _ = digits
    wanted = np.column_stack([known.sum(axis=1) / 300, known[:, 20] / 8])
    estimator = MLPRegressor(hidden_layer_sizes=(24,), random_state=0, max_iter=300).fit(known / 16, wanted)
    model = dataclasses.replace(to_ir(estimator), quantize=quantize)
    made, _ = quantize_network(model, known / 16)
    real, reached = floats.scores(model, new / 16), whole.scores(made, new / 16)
    assert isinstance(made.layers[-1], IntDense)
    assert len(made.layers[-1].units) == 2
    # New samples may lie beyond the calibration data: a few are clamped.
    off = np.quantile(np.abs(real - reached), 0.99, axis=0)
    assert (off < 0.04 * np.ptp(real, axis=0)).all()


# -- the input -----------------------------------------------------------------------------------------


def _dense(weights: NDArray[np.floating], bias: list[float], **changed: object) -> Network:
    rows = np.asarray(weights, dtype="<f4")
    layer = Dense(
        Array(rows.shape, "float32", rows.tobytes()),
        Array((len(bias),), "float32", np.asarray(bias, dtype="<f4").tobytes()),
    )
    model = Network("regressor", rows.shape[0], (layer,), quantize="int8")
    return ir.validate(dataclasses.replace(model, **changed))


def test_small_integers_and_small_weights_are_exact() -> None:
    model = _dense(np.array([[1.0], [-2.0], [127.0]]), [5.0])
    samples = np.array([[0, 0, 0], [255, 3, 9], [7, 200, 255], [100, 255, 1]], dtype=np.float64)
    made, errors = quantize_network(model, samples)
    assert whole.scores(made, samples).ravel().tolist() == floats.scores(model, samples).ravel().tolist()
    assert errors[0].noise_db == 200.0
    assert made.input_map is not None
    assert (made.input_map.unit, made.input_map.zero) == ((1.0,), (0,))


@pytest.mark.parametrize(
    ("dtype", "unit", "zero", "scaled"),
    [("uint8", 1.0, 0, False), ("int8", 1.0, 128, True), ("float", 1.0, 40, False), ("int16", 1.0, 40, True)],
)
def test_integer_features_are_taken_as_they_are(dtype: str, unit: float, zero: int, *, scaled: bool) -> None:
    model = _dense(np.array([[1.0], [2.0]]), [0.0], dtype=dtype)
    samples = (
        np.array([[-40.0, -40.0], [60.0, 60.0], [3.0, 5.0]])
        if dtype != "uint8"
        else np.array([[0.0, 255.0], [3.0, 9.0]])
    )
    made, _ = quantize_network(model, samples)
    assert made.input_map is not None
    assert set(made.input_map.unit) == {unit}
    assert set(made.input_map.zero) == {zero}
    assert bool(made.input_map.scale) is scaled
    np.testing.assert_allclose(
        whole.scores(made, samples), floats.scores(model, samples), rtol=0.02, atol=1.5
    )


def test_features_of_very_different_size_have_units_of_their_own() -> None:
    rng = np.random.default_rng(0)
    samples = np.column_stack([rng.uniform(99_000, 101_000, 500), rng.uniform(-0.01, 0.01, 500)])
    model = _dense(np.array([[0.001], [100.0]]), [-100.0])
    for quantize in QUANTIZE:
        made, _ = quantize_network(dataclasses.replace(model, quantize=quantize), samples)
        assert made.input_map is not None
        assert len(made.input_map.unit) == 2
        assert np.abs(whole.scores(made, samples) - floats.scores(model, samples)).max() < 0.02


def test_bytes_of_very_different_size_are_not_taken_as_they_are() -> None:
    rng = np.random.default_rng(0)
    samples = np.column_stack([rng.integers(0, 2, 500), rng.integers(0, 201, 500)]).astype(np.float64)
    model = _dense(np.array([[100.0], [0.7]]), [0.0], dtype="uint8")
    made, _ = quantize_network(model, samples)
    assert made.input_map is not None
    assert made.input_map.scale
    assert np.abs(whole.scores(made, samples) - floats.scores(model, samples)).max() < 1.0
    alike = _dense(np.array([[100.0], [70.0]]), [0.0], dtype="uint8")
    made, _ = quantize_network(alike, samples)
    assert made.input_map is not None
    assert not made.input_map.scale


def test_images_have_one_unit() -> None:
    model = _network(NetworkSpec(3, shape=(5, 5, 2)), "int8")
    assert isinstance(model.layers[0], Conv | MaxPool | Activation) or len(model.layers) > 1
    made, _ = quantize_network(model, _samples(model, 0))
    assert made.input_map is not None
    assert len(made.input_map.unit) == 1


# -- what is refused -------------------------------------------------------------------------------------


def test_sums_beyond_32_bits_are_refused_by_layer() -> None:
    model = _dense(np.full((65_000, 2), 1.0), [0.0, 1.0], classes=(0, 1), task="classifier", link="softmax")
    samples = np.random.default_rng(0).uniform(0, 1, (4, 65_000))
    with pytest.raises(UnsupportedModelError, match="layer 0: its sums do not fit 32 bits") as caught:
        quantize_network(model, samples)
    assert caught.value.option == "quantize"
    assert "fewer inputs" in str(caught.value)


def test_wide_layers_of_16_bits_take_smaller_integers() -> None:
    model = _dense(np.full((3000, 1), 1.0), [0.0], quantize="int16")
    samples = np.random.default_rng(0).uniform(-1, 1, (8, 3000))
    made, _ = quantize_network(model, samples)
    assert made.input_map is not None
    assert made.input_map.high < 32767 / 4
    np.testing.assert_allclose(
        whole.scores(made, samples), floats.scores(model, samples), rtol=0.01, atol=0.3
    )


# -- clamps before pools ---------------------------------------------------------------------------------


def _conv_pool(activation: str, *, read_twice: bool = False) -> Network:
    conv = Conv(numbers(RNG, 3, 3, 1, 4), numbers(RNG, 4), (0,), (6, 6, 4))
    pool = MaxPool((1,), (3, 3, 4), (2, 2), (2, 2))
    late = Activation((2,), (3, 3, 4), activation, 0.1 if activation == "leaky_relu" else 0.0)
    dense = Dense(numbers(RNG, 36, 2), numbers(RNG, 2), inputs=(4,))
    layers: tuple[ir.network.Layer, ...] = (conv, pool, late, Reshape((3,), (36,)), dense)
    if read_twice:
        layers = (conv, pool, late, Reshape((2,), (36,)), dense)
    return ir.validate(Network("regressor", 64, layers, input_shape=(8, 8, 1), quantize="int8"))


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_clamps_move_in_front_of_pools(activation: str) -> None:
    model = _conv_pool(activation)
    moved = clamps_before_pools(model)
    assert [getattr(layer, "activation", "") for layer in moved.layers] == [
        activation,
        "",
        "",
        "",
        "identity",
    ]
    samples = _samples(model, 0)
    assert (floats.scores(moved, samples) == floats.scores(model, samples)).all()
    made, _ = quantize_network(model, samples)
    assert not any(isinstance(layer, Table) for layer in made.layers)


def test_other_activations_and_shared_tensors_stay() -> None:
    for model in (_conv_pool("tanh"), _conv_pool("leaky_relu"), _conv_pool("relu", read_twice=True)):
        assert clamps_before_pools(model) == model


# -- outputs of very different size ----------------------------------------------------------------------


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_values_of_very_different_size_are_each_as_exact(quantize: str) -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([1.0, 1e5, 1e-6])
    samples = rng.normal(size=(300, 12))
    model = _dense(rng.normal(size=(12, 3)) * sizes, [0.0, 0.0, 0.0], quantize=quantize)
    made, _ = quantize_network(model, samples)
    off = np.abs(whole.scores(made, samples) - floats.scores(model, samples)).max(axis=0)
    assert (off < 0.2 * sizes).all()


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_values_that_are_all_bias_are_not_refused(quantize: str) -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(300, 4))
    weights = rng.normal(size=(4, 2)) * np.array([1.0, 1e-20])
    made, _ = quantize_network(_dense(weights, [0.5, 50.0], quantize=quantize), samples)
    np.testing.assert_allclose(whole.scores(made, samples)[:, 1], 50.0, rtol=1e-6)


# -- calibration data at their edges ---------------------------------------------------------------------


@pytest.mark.parametrize("quantize", QUANTIZE)
@pytest.mark.parametrize(
    "column", [np.full(200, 101_325.0), 1e9 + np.arange(200), np.full(200, -1e30), np.arange(200) * 1e-41]
)
def test_features_far_from_0_or_hardly_beside_it(column: NDArray[np.float64], quantize: str) -> None:
    samples = np.column_stack([np.random.default_rng(0).normal(size=200), column])
    weight = 1.0 / np.abs(column).max()
    model = _dense(np.array([[1.0], [min(weight, 1.0)]]), [0.0], quantize=quantize)
    made, _ = quantize_network(model, samples)
    assert emit_c(made)
    np.testing.assert_allclose(whole.scores(made, samples), floats.scores(model, samples), atol=0.05)


def test_16_bits_have_room_for_samples_beyond_calibration_data() -> None:
    rng = np.random.default_rng(0)
    model = _dense(rng.normal(size=(6, 2)), [0.5, -0.5], quantize="int16")
    first = dataclasses.replace(model.layers[0], activation="relu")
    second = Dense(numbers(RNG, 2, 1), numbers(RNG, 1), inputs=(1,))
    model = ir.validate(dataclasses.replace(model, layers=(first, second)))  # type: ignore[arg-type]
    samples = rng.uniform(-1, 1, size=(200, 6))
    made, _ = quantize_network(model, samples)
    far = samples * 1.9
    off = np.abs(whole.scores(made, far) - floats.scores(model, far))
    assert off.max() < 0.03 * np.abs(floats.scores(model, far)).max()


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_a_layer_that_gives_nothing_but_zeros_leaves_the_next_one_its_bias(quantize: str) -> None:
    x = RNG.normal(size=(60, 4))
    network = MLPClassifier((5,), max_iter=3, tol=1e9, random_state=0).fit(x, np.arange(60) % 3)
    network.coefs_[0] = -np.abs(network.coefs_[0])
    network.intercepts_ = [np.full(5, -100.0), np.array([0.1, 0.4, -0.3])]
    raw = dataclasses.replace(to_ir(network), quantize=quantize)
    assert isinstance(raw, Network)
    model, _ = quantize_network(raw, x)
    found = whole.scores(model, x)
    assert np.abs((found - found[:, :1]) - [0.0, 0.3, -0.4]).max() < 0.02
