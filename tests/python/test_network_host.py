"""Networks through ``HostModel``: every answer that their C gives, and what cannot be asked."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from mwtest.integer_networks import integer_samples, integers
from mwtest.networks import LINKS, NetworkSpec, build_network, samples_of
from numpy.typing import NDArray

from milliwatt import c_text as text
from milliwatt.emit import choose_method, emit_blob, emit_c, emit_csv
from milliwatt.emit.net_bounds import answer_bound, largest_score, score_bound
from milliwatt.emit.net_plan import plan_network
from milliwatt.errors import InputError, MilliwattError, UnsupportedModelError
from milliwatt.host import HostModel, evaluate, evaluate_network, scores
from milliwatt.host.evaluate_integers import integer_scores
from milliwatt.ir import Agreement, Calibration, Network, validate
from milliwatt.ir.network import (
    Activation,
    Add,
    Array,
    Concat,
    Conv,
    Dense,
    Pad,
    Reshape,
)  # fmt: skip
from milliwatt.ir.network_grids import score_units
from milliwatt.ir.network_integers import Grid, InputMap, IntAdd, IntAveragePool
from milliwatt.ir.quantization import QuantizeTrade
from milliwatt.options import METHODS


def _network(link: str = "softmax", seed: int = 41, **changes: Any) -> Network:
    return validate(dataclasses.replace(build_network(NetworkSpec(seed, (4, 4, 2), 5, 3, link)), **changes))


def _check(model: Network, features: NDArray[Any], tolerance: float) -> None:
    """All answers beside the oracle's; decisions where it is not a matter of rounding."""
    host = HostModel(model)
    with np.errstate(over="ignore"):
        reached, expected = scores(model, features), evaluate(model, features)
    largest = float(np.abs(reached).max())
    if not model.is_classifier:
        found = host.regress(features).astype(np.float64)
        if model.link == "exp":  # as many times as far off as scores are large
            inside = (expected > 1e-30) & (expected < 1e30)
            found, expected = np.log(found[inside]), np.log(expected[inside])
        assert np.abs(found - expected).max(initial=0.0) < tolerance * max(1.0, largest)
        return
    assert np.abs(host.score(features) - reached).max() <= tolerance * largest
    assert np.abs(host.predict_proba(features) - expected).max() < tolerance * max(1.0, largest)
    if model.is_multilabel:
        clear = np.abs(reached) > tolerance * largest
        assert (host.predict_labels(features) == (reached > 0))[clear].all()
        return
    best = (reached[:, 0] > 0) if model.is_binary else reached.argmax(axis=1)
    order = np.sort(reached, axis=1)
    margin = np.abs(reached[:, 0]) if model.is_binary else order[:, -1] - order[:, -2]
    clear = margin > 2 * tolerance * largest
    assert clear.any()
    assert (host.predict(features) == best)[clear].all()


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("dtype", ["float", "int8", "uint8", "int16", "int32"])
def test_floats_answer_as_the_oracle(link: str, dtype: str) -> None:
    model = _network(link, dtype=dtype)
    if dtype == "float":
        _check(model, samples_of(model, 1, 20).astype(np.float32), 1e-5)
        return
    rng = np.random.default_rng(2)
    whole = rng.integers(0 if dtype == "uint8" else -3, 4, (20, model.n_features)).astype(dtype)
    _check(model, whole, 1e-5)
    for scale in ((3.0,) * 32, tuple(0.7 + index for index in range(32))):
        scaled = dataclasses.replace(model, scale=scale)
        features = HostModel(scaled).device_features(samples_of(model, 3, 20))
        assert features.dtype == dtype
        assert len(np.unique(features)) > 5
        _check(scaled, features, 1e-5)


@pytest.mark.parametrize("link", LINKS)
def test_answers_of_integers_stay_within_their_bounds(link: str) -> None:
    """The bounds that headers state, beside links in float64 of exact scores."""
    for seed in range(6):
        model = integers(_network(link, seed=seed), seed, bits=(8, 16)[seed % 2], scores=seed % 3 > 0)
        features = integer_samples(model, 6, 40)
        exact, most = scores(model, features), largest_score(model)
        assert np.abs(exact).max() <= most < 1000.0
        host = HostModel(model)
        if model.is_classifier:
            assert np.abs(host.score(features) - exact).max() <= score_bound(model)
        answers = host.predict_proba(features) if model.is_classifier else host.regress(features)
        with np.errstate(over="ignore"):
            want = evaluate(model, features)
        bound = answer_bound(model)
        inside = (np.abs(want) < 1e37) & ((want > 1e-37) | (link != "exp"))
        assert inside.any()
        scale = np.where(inside, np.abs(want), 0.0) if link == "exp" else np.ones_like(want)
        assert (np.abs(answers - want)[inside] <= (bound * scale)[inside]).all()
        header = emit_c(model, name="g").files["g.h"]
        assert (f"{text.bound(bound)} of what follows from them" in header) == (link != "identity")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("link", LINKS)
def test_integers_answer_as_the_oracle(link: str, bits: int) -> None:
    for dtype, last in (("float", True), ("int16", False), ("uint8", True)):
        model = integers(_network(link), 5, bits=bits, dtype=dtype, scores=last)
        features = integer_samples(model, 6, 20)
        _check(model, features, 2e-6)
        found = HostModel(model).score(features) if model.is_classifier else None
        if found is not None:
            exact = integer_scores(model, features).astype(np.float32)
            np.testing.assert_array_equal(found, exact * np.float32(score_units(model)[0]))


def test_a_regressor_of_integers_has_a_unit_an_output() -> None:
    model = integers(_network("identity"), 5)
    last = model.layers[-1]
    units = (0.5, 0.001, 7.0)
    layers = (*model.layers[:-1], dataclasses.replace(last, units=units))  # type: ignore[type-var]
    model = validate(dataclasses.replace(model, layers=layers))
    features = integer_samples(model, 6, 8)
    want = integer_scores(model, features) * np.asarray(units)
    np.testing.assert_allclose(HostModel(model).regress(features), want, rtol=1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_sum_of_one_tensor_is_another_grid(bits: int) -> None:
    low, high, zero = (0, 255, 100) if bits == 8 else (-32767, 32767, 0)
    alone = IntAdd((0,), (7,), (5000,), 1 << 12, 13, Grid(1.0, zero, low, high))
    flat = integers(build_network(NetworkSpec(1, (7,), 0, 2, "identity")), 1, bits=bits)
    last = dataclasses.replace(flat.layers[0], inputs=(1,))  # type: ignore[type-var]
    given = InputMap(bits, (1.0,), (zero,), low, high)
    model = validate(dataclasses.replace(flat, layers=(alone, last), input_map=given))
    assert [step.do for step in plan_network(model).steps] == ["input", "sum", "run"]
    _check(model, integer_samples(model, 2, 9), 1e-6)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("counts_padding", [False, True])
def test_means_as_scores(bits: int, counts_padding: bool) -> None:
    """A last pool over the whole image gives scores of 32 bits."""
    low, high, zero = (0, 255, 9) if bits == 8 else (-32767, 32767, 0)
    given = InputMap(bits, (0.5,), (zero,), low, high)
    window = ((0,), (5,), (3, 4), (3, 4), (0, 0, 0, 0), counts_padding)
    pool = IntAveragePool(*window, scale=321, offset=-12345, shift=0, bits=bits, grid=None, units=(0.25,))
    made = Network("regressor", 60, (pool,), input_shape=(3, 4, 5), input_map=given)
    model = validate(made)
    features = integer_samples(model, 1, 9)
    want = integer_scores(model, features)
    assert np.abs(want).max() > 1 << 16
    found = HostModel(model).regress(features)
    np.testing.assert_array_equal(found, want.astype(np.float32) * np.float32(0.25))


_ALONE = {
    "reshape": Reshape((0,), (6,)),
    "activation": Activation((0,), (6,), "tanh"),
    "add": Add((0, 0), (6,)),
    "concat": Concat((0, 0), (12,)),
    "dense": Dense(Array((6, 1), "float32", bytes(24)), Array((1,), "float32", bytes(4))),
}


@pytest.mark.parametrize("layer", _ALONE)
@pytest.mark.parametrize(
    ("bits", "dtype"), [(0, "float"), (0, "int16"), (8, "uint8"), (8, "float"), (16, "int8")]
)
def test_one_layer_alone(layer: str, bits: int, dtype: str) -> None:
    """Whatever it is, the caller's features are not touched, and scores lie in the arena."""
    model = validate(Network("regressor", 6, (_ALONE[layer],), dtype=dtype))
    kind = "float32" if dtype == "float" else dtype
    features: NDArray[Any] = np.arange(1, 31, dtype=kind).reshape(5, 6)
    if bits:
        model = integers(dataclasses.replace(model, dtype="float"), 3, bits=bits, dtype=dtype, scores=False)
        features = integer_samples(model, 1, 5)
    before = features.copy()
    _check(model, features, 1e-6)
    np.testing.assert_array_equal(features, before)


def test_features_become_floats_in_float32() -> None:
    """By the reciprocal, rounded to float32, as the device does: a division would round differently."""
    scale = (7.0, 3.0, 11.0)
    one = Array((3, 1), "float32", np.eye(3)[:, [0]].astype("<f4").tobytes())
    model = Network(
        "regressor", 3, (Dense(one, Array((1,), "float32", bytes(4))),), dtype="int16", scale=scale
    )
    features = np.arange(-30, 30, dtype=np.int16).reshape(-1, 3)
    want = features.astype(np.float32) * (1.0 / np.asarray(scale)).astype(np.float32)
    np.testing.assert_array_equal(HostModel(model).regress(features)[:, 0], want[:, 0])
    np.testing.assert_array_equal(evaluate_network.tensors(model, features)[0], want)
    assert (want[:, 0] != features[:, 0].astype(np.float32) / np.float32(7)).any()


def test_a_host_model_serves_many_threads() -> None:
    """Every call brings an arena of its own, whatever the model says of the device's."""
    model = _network("softmax")
    assert model.arena == "static"
    host = HostModel(model)
    samples = samples_of(model, 9, 4000).astype(np.float32)
    want = host.predict_proba(samples)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(host.predict_proba, [samples] * 16):
            np.testing.assert_array_equal(found, want)


def test_static_and_callers_arenas_are_one_model() -> None:
    model = _network("softmax")
    files = [
        emit_c(dataclasses.replace(model, arena=arena), name="m").files for arena in ("static", "caller")
    ]
    bodies = [text["m.c"][text["m.c"].index("static const float *m_run(") :] for text in files]
    assert bodies[0].split("m_check(")[0] == bodies[1].split("m_check(")[0]
    assert "static uint32_t m_arena[M_ARENA_SIZE / 4];" in files[0]["m.c"]
    assert "m_arena[" not in files[1]["m.c"]
    assert "arena_size" not in files[0]["m.h"]


def test_labels_are_no_classes() -> None:
    labels, classes = HostModel(_network("labels")), HostModel(_network("softmax"))
    samples = samples_of(labels.model, 1).astype(np.float32)  # type: ignore[arg-type]
    with pytest.raises(MilliwattError, match=r"labels, not classes[^$]*predict_labels\(\)"):
        labels.predict(samples)
    with pytest.raises(MilliwattError, match=r"no labels[^$]*predict\(\)"):
        classes.predict_labels(samples)
    header = emit_c(_network("labels"), name="m").files["m.h"]
    assert "int m_predict_labels(const float *features, int n_features, uint8_t *out, int n_out);" in header
    assert "m_predict(" not in header


def test_nan_is_refused_unless_it_is_not_looked_for() -> None:
    model = _network()
    samples = samples_of(model, 1).astype(np.float32)
    samples[2, 5] = np.nan
    with pytest.raises(MilliwattError, match="status -3"):
        HostModel(model).predict(samples)
    with pytest.raises(InputError, match="feature 5 of sample 2 is NaN"):
        HostModel(model).device_features(samples)
    text = emit_c(dataclasses.replace(model, check_nan=False), name="m").files
    assert "mw_has_nan" not in text["m.c"]
    assert "Features must not be NaN: this is not checked" in text["m.h"]


# -- what C says of itself -----------------------------------------------------------------------


def _mlp(**changes: Any) -> Network:
    rng = np.random.default_rng(1)

    def dense(n_in: int, n_out: int, index: int, activation: str) -> Dense:
        weights = Array((n_in, n_out), "float32", rng.normal(size=(n_in, n_out)).astype("<f4").tobytes())
        return Dense(weights, Array((n_out,), "float32", bytes(4 * n_out)), activation, (index,))

    layers = (dense(6, 10, 0, "relu"), dense(10, 8, 1, "tanh"), dense(8, 3, 2, "identity"))
    origin = {"class": "MLPClassifier", "library": "scikit-learn 1.7"}
    made = Network("classifier", 6, layers, "softmax", ("a", "b", "c"), name="gesture", origin=origin)
    return validate(dataclasses.replace(made, **changes))


def test_facts_in_a_header() -> None:
    """Sizes that were counted by hand: 12 and 8 floats, then 8 and 4."""
    text = emit_c(_mlp()).files["gesture.h"]
    assert "#define GESTURE_ARENA_SIZE 80\n" in text
    assert "#define GESTURE_N_FEATURES 6\n#define GESTURE_N_CLASSES 3\n" in text
    assert text.startswith(
        "/*\n * gesture: network of 3 layers with 185 weights (MLPClassifier, scikit-learn 1.7)\n"
        " * Generated by Milliwatt "
    )
    assert " * Method network: about 740 bytes of tables, and calls of <milliwatt/nets.h>" in text
    caller = emit_c(_mlp(arena="caller")).files["gesture.h"]
    assert "float *out, int n_out, void *arena, size_t arena_size);" in caller
    assert (
        "int gesture_predict(const float *features, int n_features, void *arena, size_t arena_size)" in caller
    )
    assert "const char *gesture_class_name(int index);" in caller
    assert "GESTURE_N_FEATURES finite values" in text
    one = emit_c(_mlp(), single=True).files["gesture.h"]
    assert "include it in one" in one
    assert "include it in one" not in text + emit_c(_mlp(arena="caller"), single=True).files["gesture.h"]


def test_an_integer_network_says_what_is_exact() -> None:
    trade = QuantizeTrade("int8", Agreement(50, 50), 2, 0.25)
    calibration = Calibration(Agreement(50, 47, 1), quantize=trade)
    model = dataclasses.replace(integers(_network("softmax"), 3), name="g", calibration=calibration)
    last = dataclasses.replace(model.layers[-1], units=(1e-6,))  # type: ignore[type-var]
    header = emit_c(dataclasses.replace(model, layers=(*model.layers[:-1], last))).files["g.h"]
    assert "the same integers\n *                   on every CPU: within " in header
    assert header.startswith("/*\n * g: network of 6 layers with 65 weights, int8\n")
    assert " * Calibration data: 48 of 50 answers are the estimator's (1 ties).\n" in header
    assert (
        " * In integers instead of floats 2 classes are others, and probabilities differ from those of floats"
        " by at most 0.25.\n" in header
    )
    trade = dataclasses.replace(trade, classes_changed=0, largest_difference=1.5)
    calibration = Calibration(Agreement(50, 50, 0, 2.25), quantize=trade)
    regressor = dataclasses.replace(integers(_network("identity"), 3), name="g", calibration=calibration)
    header = emit_c(regressor).files["g.h"]
    assert " * Values on them are at most 2.25 off the estimator's.\n" in header
    assert " * In integers instead of floats values differ from those of floats by at most 1.5.\n" in header
    floats = emit_c(_network(name="g")).files["g.h"]
    assert "computed in float32" in floats
    assert "integers on every CPU" not in floats


# -- what is read where it lies ------------------------------------------------------------------


def _first_step(model: Network) -> str:
    return plan_network(model).steps[0].do


@pytest.mark.parametrize(
    ("n", "dtype", "first"), [(8, "uint8", "run"), (9, "uint8", "copy"), (8, "int8", "input")]
)
def test_bytes_that_are_features_are_not_copied_if_that_is_safe(n: int, dtype: str, first: str) -> None:
    flat = build_network(NetworkSpec(3, (n,), 0, 3))
    for seed in range(30):
        model = integers(flat, seed, dtype=dtype)
        assert model.input_map is not None
        plain = not model.input_map.scale and len(model.input_map.unit) == 1
        if plain or dtype == "int8":
            assert _first_step(model) == first
            return
    raise AssertionError("no seed gives an input map without scales")


@pytest.mark.parametrize(
    ("channels", "dilation", "padding", "first"),
    [(2, 1, 0, "run"), (1, 1, 0, "copy"), (2, 2, 0, "copy"), (3, 1, 0, "copy"), (3, 1, 1, "pad")],
)
def test_a_convolution_reads_features_where_its_rows_are_in_fours(
    channels: int, dilation: int, padding: int, first: str
) -> None:
    """Of kernels that are two columns wide."""
    width = 4 - dilation
    weights = Array((2, 2, channels, 2), "float32", bytes(32 * channels))
    bias = Array((2,), "float32", bytes(8))
    shape = (2 + padding, width, 2)
    conv = Conv(weights, bias, (0,), shape, dilation=(1, dilation), padding=(padding, 0, 0, 0))
    n = 2 * width * (2 + padding)
    dense = Dense(Array((n, 1), "float32", bytes(4 * n)), Array((1,), "float32", bytes(4)), inputs=(2,))
    layers = (conv, Reshape((1,), (n,)), dense)
    model = validate(Network("regressor", 12 * channels, layers, input_shape=(3, 4, channels)))
    for seed in range(30):
        made = integers(model, seed, dtype="uint8")
        assert made.input_map is not None
        if not made.input_map.scale:
            assert _first_step(made) == first
            return
    raise AssertionError("no seed gives an input map without scales")


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_networks_have_one_form(method: str) -> None:
    model = _network(name="gesture")
    assert choose_method(model).method == "network"
    for made in (lambda: emit_c(model, method=method), lambda: HostModel(model, method)):
        with pytest.raises(MilliwattError) as caught:
            made()
        assert str(caught.value) == (
            f"method: {method} is a form of trees: gesture is a network, and networks have one form\n"
            "  cure: leave method out"
        )


def test_a_budget_counts_tables() -> None:
    assert choose_method(_mlp(), budget="flash=740").method == "network"
    assert choose_method(_mlp(budget="speed")).method == "network"
    with pytest.raises(MilliwattError) as caught:
        choose_method(_mlp(), budget="flash=739")
    assert "gesture takes about 740 bytes of tables alone, more than 739 bytes" in str(caught.value)
    assert "quantize=int8" in str(caught.value)
    quantized = integers(_mlp(), 1)
    assert "about 290 bytes" in choose_method(quantized).reason


@pytest.mark.parametrize("emit", [emit_blob, emit_csv])
def test_other_formats_refuse_networks(emit: Any) -> None:
    with pytest.raises(UnsupportedModelError, match="a neural network") as caught:
        emit(_network())
    assert "json" in (caught.value.cure or "")


def test_images_that_kernels_cannot_count_are_refused() -> None:
    side = 256
    layers = (
        Pad((0,), (side + 1, side, 70), (1, 0, 0, 0)),
        Reshape((1,), ((side + 1) * side * 70,)),
    )
    model = Network("regressor", side * side * 70, layers, input_shape=(side, side, 70))
    with pytest.raises(UnsupportedModelError, match="bytes in a row of a padded image are 71680"):
        emit_c(model)
