"""Where the numbers between layers lie: checked by running the plan on bytes that know whose they are."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.networks import NetworkSpec, build_network, network_specs, numbers

from milliwatt.emit.net_arena import Buffer, Span, bytes_in_use, pack
from milliwatt.emit.net_plan import Plan, arena_size, plan_network
from milliwatt.emit.net_steps import ACTIVATE, FEATURES, LOOK_UP, PAD, PART, RUN, SUM, takes_features
from milliwatt.ir import Network, validate
from milliwatt.ir.network import (
    Activation,
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Layer,
    MaxPool,
    Pad,
    Reshape,
)  # fmt: skip
from milliwatt.ir.network_integers import IntAveragePool

_FREE, _SPARE = -1, -2


def _simulate(plan: Plan) -> None:
    """Every number that a step reads is still there, and is that of a tensor that its layer takes."""
    owner = np.full(plan.size, _FREE)
    written = {FEATURES}
    holds = {FEATURES: 0}  # a tensor, or what is on the way to it
    for index, step in enumerate(plan.steps):
        for value in step.reads:
            assert value in written
            assert holds[value] in {step.tensor, *_inputs(plan.model, step.tensor)}, (index, step)
            if value != FEATURES:
                n = plan.values[value].n * plan.values[value].size
                assert (owner[plan.offsets[value] :][:n] == value).all(), (index, step)
        assert step.writes != FEATURES
        _check_overlaps(plan, index)
        out = plan.values[step.writes]
        place = owner[plan.offsets[step.writes] : plan.offsets[step.writes] + out.room * out.size]
        assert len(place) == out.room * out.size
        if step.writes not in written or step.do != PART:
            place[:] = _SPARE
        place[: out.n * out.size] = step.writes
        written.add(step.writes)
        holds[step.writes] = step.tensor
    scores = plan.values[plan.scores]
    assert (owner[plan.offsets[plan.scores] :][: scores.n * scores.size] == plan.scores).all()
    assert holds[plan.scores] == _same_numbers(plan.model, len(plan.model.layers))


def _inputs(model: Network, tensor: int) -> list[int]:
    return [_same_numbers(model, number) for number in model.layers[tensor - 1].inputs] if tensor else [0]


def _same_numbers(model: Network, tensor: int) -> int:
    """The tensor that was reshaped."""
    layer = model.layers[tensor - 1] if tensor else None
    return _same_numbers(model, layer.inputs[0]) if isinstance(layer, Reshape) else tensor


def _check_overlaps(plan: Plan, index: int) -> None:
    """A step writes beside what it reads; in the same place only if its kernel can."""
    step = plan.steps[index]
    begin = plan.offsets[step.writes]
    end = begin + plan.values[step.writes].bytes
    for value in step.reads:
        if value == FEATURES:
            continue
        if value == step.writes:
            assert step.do in (ACTIVATE, LOOK_UP)
            continue
        other = plan.offsets[value]
        if other < end and begin < other + plan.values[value].bytes:
            assert begin == other
            assert _can_be_in_place(step.do, step.layer)


def _can_be_in_place(do: str, layer: Layer | None) -> bool:
    """What <milliwatt/nets.h> says of kernels, written down once more."""
    if do == RUN and isinstance(layer, MaxPool | AveragePool):
        return not any(layer.padding)
    if do == RUN and isinstance(layer, IntAveragePool):
        return not any(layer.padding) and layer.grid is not None
    return do in (PAD, SUM)


@given(network_specs(), st.integers(0, 30))
@settings(max_examples=150)
def test_no_number_is_overwritten_before_its_last_use(spec: NetworkSpec, n_layers: int) -> None:
    plan = plan_network(build_network(dataclasses.replace(spec, n_layers=n_layers)))
    _simulate(plan)
    in_arena = [number for number in range(len(plan.values)) if number != FEATURES]
    assert all(plan.offsets[number] % 4 == 0 for number in in_arena)
    assert all(plan.values[number].bytes % 4 == 0 for number in in_arena)
    assert plan.size % 4 == 0
    assert max(size for _, size in plan.peaks) <= plan.size <= sum(plan.values[i].bytes for i in in_arena)
    assert arena_size(plan.model) == plan.size


def _chain(widths: list[int], *, activation: str = "relu") -> Network:
    rng = np.random.default_rng(sum(widths))
    layers = tuple(
        Dense(numbers(rng, n_in, n_out), numbers(rng, n_out), activation, (index,))
        for index, (n_in, n_out) in enumerate(pairwise(widths))
    )
    return validate(Network("regressor", widths[0], layers))


@given(st.lists(st.integers(1, 60), min_size=2, max_size=12))
@settings(max_examples=200)
def test_chains_take_their_two_largest_neighbours(widths: list[int]) -> None:
    sizes = [-(-width // 4) * 4 * 4 for width in widths[1:]]
    best = max([a + b for a, b in pairwise(sizes)], default=sizes[0])
    in_turn = max(sizes[::2]) + max(sizes[1::2], default=0)
    assert arena_size(_chain(widths)) == best <= in_turn


def test_a_chain_of_images_is_planned_as_well() -> None:
    rng = np.random.default_rng(1)
    layers: list[Layer] = []
    shape = (16, 16, 2)
    for channels in (8, 3, 16, 5, 12):
        made = (*shape[:2], channels)
        layers.append(
            Conv(numbers(rng, 1, 1, shape[2], channels), numbers(rng, channels), (len(layers),), made)
        )
        shape = made
    layers += [Reshape((5,), (256 * 12,)), Dense(numbers(rng, 256 * 12, 1), numbers(rng, 1), inputs=(6,))]
    model = validate(Network("regressor", 512, tuple(layers), input_shape=(16, 16, 2)))
    sizes = [(256 * channels + 3) * 4 for channels in (8, 3, 16, 5, 12)]
    assert arena_size(model) == max(a + b for a, b in pairwise(sizes))


# -- in place, and not ---------------------------------------------------------------------------


def _image_network(*layers: Layer, shape: tuple[int, int, int] = (4, 4, 2)) -> Network:
    """Layers, and then a dense one on all that the last of them gives."""
    size = int(np.prod(layers[-1].shape))
    rng = np.random.default_rng(3)
    rest = (
        Reshape((len(layers),), (size,)),
        Dense(numbers(rng, size, 1), numbers(rng, 1), inputs=(len(layers) + 1,)),
    )
    n = int(np.prod(shape))
    return validate(Network("regressor", n, (*layers, *rest), input_shape=shape))


def _conv(inputs: int = 0, channels: int = 2) -> Conv:
    rng = np.random.default_rng(4)
    weights = numbers(rng, 1, 1, 2, channels)
    return Conv(weights, numbers(rng, channels), (inputs,), (4, 4, channels))


@pytest.mark.parametrize(
    ("layer", "in_place"),
    [
        (MaxPool((1,), (2, 2, 2), (2, 2), (2, 2)), True),
        (AveragePool((1,), (2, 2, 2), (2, 2), (2, 2)), True),
        (MaxPool((1,), (3, 3, 2), (2, 2), (2, 2), (1, 1, 1, 1)), False),
        (AveragePool((1,), (3, 3, 2), (2, 2), (2, 2), (1, 1, 1, 1)), False),
        (Pad((1,), (6, 5, 2), (1, 0, 1, 1)), True),
        (Add((1, 1), (4, 4, 2)), True),
        (Concat((1, 1), (4, 4, 4)), False),
        (_conv(1), False),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, bool) else "",
)
def test_what_is_done_in_place(layer: Layer, in_place: bool) -> None:
    plan = plan_network(_image_network(_conv(), layer))
    values = {value.name: number for number, value in enumerate(plan.values)}
    assert (plan.offsets[values["t1"]] == plan.offsets[values["t2"]]) == in_place
    _simulate(plan)


def test_nothing_is_done_in_place_while_another_layer_needs_it() -> None:
    pool = MaxPool((1,), (4, 4, 2), (1, 1), (1, 1))
    plan = plan_network(_image_network(_conv(), pool, Add((1, 2), (4, 4, 2))))
    values = {value.name: number for number, value in enumerate(plan.values)}
    assert plan.offsets[values["t1"]] != plan.offsets[values["t2"]]
    assert plan.offsets[values["t3"]] in (plan.offsets[values["t1"]], plan.offsets[values["t2"]])
    _simulate(plan)


def test_features_are_never_written() -> None:
    model = _image_network(Activation((0,), (4, 4, 2), "relu"))
    plan = plan_network(model)
    assert [(step.do, step.reads, step.writes) for step in plan.steps[:2]] == [
        ("copy", (0,), 1),
        ("activate", (1,), 1),
    ]
    assert takes_features(model)


def test_padding_comes_off_convolutions() -> None:
    rng = np.random.default_rng(5)
    conv = Conv(numbers(rng, 3, 3, 2, 4), numbers(rng, 4), (0,), (4, 4, 4), padding=(1, 1, 1, 1))
    plan = plan_network(_image_network(conv))
    assert [step.do for step in plan.steps] == [PAD, RUN, RUN]
    pad, run, _ = plan.steps
    assert (pad.padding, pad.before, run.before) == ((1, 1, 1, 1), (4, 4, 2), (6, 6, 2))
    assert isinstance(run.layer, Conv)
    assert run.layer.padding == (0, 0, 0, 0)
    assert [label for label, _ in plan.peaks] == ["layers[0]: conv 3x3, 4x4x4", "layers[2]: dense of 64, 1"]


def test_a_convolution_of_a_whole_image_is_a_dense_layer() -> None:
    rng = np.random.default_rng(5)
    conv = Conv(numbers(rng, 4, 4, 2, 5), numbers(rng, 5), (0,), (1, 1, 5), activation="relu")
    plan = plan_network(_image_network(conv))
    layer = plan.steps[0].layer
    assert isinstance(layer, Dense)
    assert layer.weights.shape == (32, 5)
    assert layer.weights.data == conv.weights.data
    assert [step.do for step in plan.steps] == [RUN, ACTIVATE, RUN]


def test_layers_that_nothing_follows_from_are_left_out() -> None:
    model = _image_network(_conv(), _conv(0), shape=(4, 4, 2))
    plan = plan_network(model)
    assert [step.tensor for step in plan.steps] == [2, 4]


# -- the packing ---------------------------------------------------------------------------------


def _buffers() -> st.SearchStrategy[list[list[Span]]]:
    span = st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(1, 9))
    one = span.map(lambda s: [Span(s[0], s[0] + s[1], 4 * s[2])])
    two = st.tuples(span, st.integers(0, 3), st.integers(1, 9)).map(
        lambda s: [
            Span(s[0][0], s[0][0] + s[0][1], 4 * s[0][2]),
            Span(s[0][0] + s[0][1], s[0][0] + s[0][1] + s[1], 4 * s[2]),
        ]
    )
    return st.lists(one | two, min_size=1, max_size=10)


def _slow_clash(a: Buffer, b: Buffer, offset_a: int, offset_b: int) -> bool:
    taken = {(step, offset_a + i) for s in a for step in range(s.first, s.last + 1) for i in range(s.size)}
    return any(
        (step, offset_b + i) in taken for s in b for step in range(s.first, s.last + 1) for i in range(s.size)
    )


@given(_buffers())
@settings(max_examples=150)
def test_packed_buffers_never_meet(buffers: list[list[Span]]) -> None:
    found = pack(buffers)
    for i, (a, at_a) in enumerate(zip(buffers, found.offsets, strict=True)):
        assert at_a >= 0
        assert at_a % 4 == 0
        assert at_a + max(span.size for span in a) <= found.size
        for b, at_b in list(zip(buffers, found.offsets, strict=True))[:i]:
            assert not _slow_clash(a, b, at_a, at_b)
    least = max(bytes_in_use(buffers).values())
    assert least <= found.size <= sum(max(span.size for span in buffer) for buffer in buffers)
    assert pack(buffers) == found


def test_bytes_in_use_are_counted_once_where_buffers_change_in_place() -> None:
    changing = [Span(0, 1, 8), Span(1, 3, 20)]
    other = [Span(1, 2, 4)]
    assert bytes_in_use([changing, other]) == {0: 8, 1: 24, 2: 24, 3: 20}


def test_random_networks_are_packed_close_to_what_they_need() -> None:
    plans = [plan_network(build_network(NetworkSpec(seed, (8, 7, 3), seed % 25))) for seed in range(100)]
    needed = [max(size for _, size in plan.peaks) for plan in plans]
    assert sum(plan.size == least for plan, least in zip(plans, needed, strict=True)) >= 90
    assert all(plan.size <= 1.2 * least for plan, least in zip(plans, needed, strict=True))
