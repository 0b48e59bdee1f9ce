"""PyTorch modules as networks."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mwtest.nets_close import close_to_library, kinds

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.Sigmoid, nn.Tanh, nn.Hardsigmoid, nn.Hardswish, nn.SiLU,
        nn.Identity,
)  # fmt: skip


def randomised(module: Any, seed: int = 0) -> Any:
    """The module in eval mode, with random weights and statistics."""
    rng = torch.Generator().manual_seed(seed)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if "var" in name:
            tensor.data.uniform_(0.3, 2.0, generator=rng)
        elif tensor.is_floating_point():
            tensor.data.normal_(generator=rng).mul_(0.5)
    return module.eval()


def exported(module: Any, *shape: int, batch: int = 2, dynamic: bool = False, seed: int = 0) -> Any:
    """What ``torch.export`` makes of a module with random weights."""
    sizes = ({0: torch.export.Dim("batch", min=1, max=64)},) if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(
            randomised(module, seed), (torch.zeros(batch, *shape),), dynamic_shapes=sizes
        )


class Residual(nn.Module):
    """x + f(x), or x and f(x) side by side."""

    def __init__(self, inner: Any, *, joined: bool) -> None:
        super().__init__()
        self.inner, self.joined = inner, joined

    def forward(self, x: Any) -> Any:
        return torch.cat([x, self.inner(x)], 1) if self.joined else x + self.inner(x)


@st.composite
def stacks(draw: st.DrawFn) -> tuple[Any, tuple[int, ...]]:
    """A module on signals or images, of any layers, and the shape of a sample."""
    two = draw(st.booleans())
    shape = (draw(st.integers(1, 3)), *[draw(st.integers(4, 9)) for _ in range(2 if two else 1)])
    layers, now = [], torch.zeros(1, *shape)
    for _ in range(draw(st.integers(1, 5))):
        layer = _layer(draw, two, now)
        layers.append(layer)
        with torch.no_grad():
            now = layer.eval()(now)
    if draw(st.booleans()):
        layers.append((nn.AdaptiveAvgPool2d if two else nn.AdaptiveAvgPool1d)(1))
        now = layers[-1](now)
    layers += [nn.Flatten(), nn.Linear(now[0].numel(), draw(st.integers(1, 3)))]
    layers += draw(st.sampled_from([[], [nn.Softmax(-1)], [nn.Sigmoid()]]))
    return nn.Sequential(*layers), shape


def _layer(draw: st.DrawFn, two: bool, now: Any) -> Any:
    n, sides, one = now.shape[1], list(now.shape[2:]), st.integers(1, 3)
    kind = draw(
        st.sampled_from(["conv", "conv", "depthwise", "max", "average", "norm", "act", "add", "cat", "pad"])
    )
    if kind in ("conv", "depthwise"):
        size, dilation = draw(one), draw(one)
        groups = n if kind == "depthwise" else 1
        same = draw(st.booleans())
        padding: Any = "same" if same else draw(st.integers(0, 2))
        strides = 1 if same else draw(one)
        assume(same or min(sides) + 2 * padding > (size - 1) * dilation)
        out = draw(one) * (n if groups > 1 else 1)
        cls = nn.Conv2d if two else nn.Conv1d
        return cls(n, out, size, strides, padding, dilation, groups, bias=draw(st.booleans()))
    if kind in ("max", "average"):
        size, strides = draw(one), draw(one)
        padding, up = draw(st.integers(0, size // 2)), draw(st.booleans())
        assume(min(sides) + 2 * padding >= size)
        if kind == "max":
            return (nn.MaxPool2d if two else nn.MaxPool1d)(size, strides, padding, ceil_mode=up)
        counts = draw(st.booleans()) and not (up and padding)
        return (nn.AvgPool2d if two else nn.AvgPool1d)(size, strides, padding, up, counts)
    if kind == "norm":
        return (nn.BatchNorm2d if two else nn.BatchNorm1d)(n, affine=draw(st.booleans()))
    if kind == "pad":
        return (nn.ZeroPad2d if two else nn.ZeroPad1d)(
            tuple(draw(st.integers(0, 2)) for _ in range(4 if two else 2))
        )
    if kind == "act":
        return draw(st.sampled_from(ACTIVATIONS))()
    inner = (nn.Conv2d if two else nn.Conv1d)(n, n, 3, padding=1)
    return Residual(inner, joined=kind == "cat")


@given(stacks(), st.integers(0, 99))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_modules(given: tuple[Any, tuple[int, ...]], seed: int) -> None:
    module, shape = given
    close_to_library(exported(module, *shape, seed=seed))


class Spoken(nn.Module):
    """Frames of features, as they are recorded: (length, channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm1d(4), nn.Conv1d(4, 6, 3, padding=2, dilation=2)
        self.out = nn.Linear(12, 3)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.conv(self.norm(x.permute(0, 2, 1))))
        return self.out(F.adaptive_avg_pool1d(x, 2).flatten(1))


class Branches(nn.Module):
    """Views, unsqueeze, padding, means, and rows beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.rows = nn.Conv2d(1, 4, 3), nn.Linear(4 * 6 * 6, 7)
        self.out = nn.Linear(7 + 4 + 4, 2)

    def forward(self, x: Any) -> Any:
        a = F.hardsigmoid(self.conv(F.pad(x.unsqueeze(1), (1, 0, 1, 0))))
        rows = torch.tanh(self.rows(a.view(a.size(0), -1)))
        return self.out(torch.cat([rows, a.mean((2, 3)), torch.amax(a, (-1, -2))], 1))


MODULES: dict[str, tuple[Any, tuple[int, ...], tuple[int, ...], list[str]]] = {
    "an MLP": (
        nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 3),
            nn.Softmax(-1)),
        (6,), (6,), ["Dense", "Dense"],
    ),
    "a CNN": (
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
            nn.Conv2d(8, 16, 3, groups=8, padding="same"), nn.Hardswish(), nn.MaxPool2d(3, 2, 1,
                ceil_mode=True),
            nn.Dropout2d(), nn.Flatten(), nn.Linear(192, 1), nn.Sigmoid(),
        ),
        (3, 11, 10), (11, 10, 3), ["Conv", "Depthwise", "MaxPool", "Reshape", "Dense"],
    ),
    "samples with channels last": (Spoken(), (12, 4), (1, 12, 4), ["Depthwise", "Conv", "AveragePool",
        "Reshape", "Dense"]),
    "branches": (
        Branches(), (7, 7), (1, 7, 7),
        ["Reshape", "Conv", "Reshape", "Dense", "AveragePool", "MaxPool", "Reshape", "Reshape", "Concat",
            "Dense"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str, dynamic: bool) -> None:
    module, shape, ours, wanted = MODULES[name]
    network = close_to_library(exported(module, *shape, dynamic=dynamic))
    assert kinds(network) == wanted
    assert network.input_shape == ours


def test_features_are_channels_last() -> None:
    """A network that sums one channel is asked with that channel alone."""
    conv = nn.Conv2d(2, 1, (2, 3), bias=False)
    conv.weight.data[:] = torch.tensor([1.0, 100.0]).reshape(1, 2, 1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(nn.Sequential(conv, nn.Flatten()).eval(), (torch.zeros(2, 2, 2, 3),))
    from milliwatt.host.evaluate_network import evaluate

    first = np.tile([1.0, 0.0], 6)[np.newaxis]
    assert evaluate(to_ir(program), first).tolist() == [[6.0]]
    assert evaluate(to_ir(program), 1 - first).tolist() == [[600.0]]


def test_a_module_that_begins_with_a_linear_layer_is_exported_here() -> None:
    module = randomised(nn.Sequential(nn.Linear(6, 5), nn.Dropout(), nn.Linear(5, 3))).train()
    network = to_ir(module)
    assert module.training
    assert kinds(network) == ["Dense", "Dense"]
    close_to_library(module)


def test_double_modules() -> None:
    close_to_library(randomised(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()))


class Joined(nn.Module):
    """Flattened images end to end, which are in torch's order."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(2, 3, 2), nn.Linear(2 * 5 * 4 + 3 * 4 * 3, 2)

    def forward(self, x: Any) -> Any:
        return self.out(torch.cat([x.flatten(1), self.conv(x).flatten(1)], 1))


def test_flattened_images_end_to_end() -> None:
    network = close_to_library(exported(Joined(), 2, 5, 4))
    assert kinds(network) == ["Conv", "Reshape", "Reshape", "Concat", "Dense"]


@pytest.mark.parametrize("pads", [(1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 1, 0), (0, 0, 0, 2)])
def test_zeros_on_each_side(pads: tuple[int, int, int, int]) -> None:
    module = nn.Sequential(nn.ZeroPad2d(pads), nn.Conv2d(2, 3, 2), nn.Flatten(), nn.LazyLinear(2))
    module(torch.zeros(1, 2, 5, 4))
    assert kinds(close_to_library(exported(module, 2, 5, 4))) == ["Conv", "Reshape", "Dense"]


class Mixed(nn.Module):
    """Squeezes the batch away if that is 1."""

    def forward(self, x: Any) -> Any:
        return x.reshape(-1, 3)


class Two(nn.Module):
    """Two inputs."""

    def forward(self, x: Any, y: Any) -> Any:
        return x + y


REFUSED: dict[str, tuple[Any, tuple[int, ...], str]] = {
    "another activation": (nn.Sequential(nn.Linear(4, 3), nn.GELU()), (4,), r"gelu.default \(in 1: GELU"),
    "groups": (nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Flatten()), (4, 5, 5), "has 2 groups"),
    "log softmax": (nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(-1)), (4,), "log_softmax"),
    "softmax within": (nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1), nn.Linear(3, 1)), (4,),
        "softmax within"),
    "transposed": (nn.Sequential(nn.ConvTranspose2d(1, 2, 3), nn.Flatten()), (1, 5, 5), "conv_transpose2d"),
    "an image at the end": (nn.Conv2d(1, 2, 3), (1, 5, 5), "an image with channels first"),
    "samples mixed": (Mixed(), (6,), "mixes samples"),
    "four dimensions": (nn.Sequential(nn.Conv3d(1, 2, 3), nn.Flatten()), (1, 5, 5, 5), "input of the shape"),
    "a clamp": (nn.Sequential(nn.Linear(4, 3), nn.Hardtanh()), (4,), "clamps to -1.0 and 1.0"),
    "scaled": (nn.Sequential(nn.Linear(4, 3), nn.CELU(0.5)), (4,), "celu"),
    "a pool of other parts": (
        nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 1)), (2, 5, 5), "pool to 1, or",
    ),
    "padding and rounding up": (
        nn.Sequential(nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.Flatten()), (1, 6, 6),
            "counts padding and rounds up",
    ),
    "reflections": (nn.Sequential(nn.ReflectionPad2d(1), nn.Flatten()), (1, 6, 6),
        "something else than zeros"),
    "dilated pools": (nn.Sequential(nn.MaxPool2d(2, dilation=2), nn.Flatten()), (1, 6, 6), "dilation"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_by_name(name: str) -> None:
    module, shape, text = REFUSED[name]
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        to_ir(exported(module, *shape))
    assert caught.value.cure


def test_modules_that_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="does not say what shape its samples have"):
        to_ir(nn.Conv2d(1, 2, 3))
    with pytest.raises(UnsupportedModelError, match="cannot export this Sequential for samples of"):
        to_ir(nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 3)))
    module = nn.Sequential(nn.Linear(4, 3), nn.Dropout())
    with pytest.raises(UnsupportedModelError, match="exported in training mode"):
        to_ir(torch.export.export(module.train(), (torch.zeros(2, 4),)))
    two = torch.export.export(Two(), (torch.zeros(2, 4), torch.zeros(2, 4)))
    with pytest.raises(UnsupportedModelError, match="2 inputs"):
        to_ir(two)
    with pytest.raises(MilliwattError, match="refuses missing values"):
        to_ir(module, nan="follow")


def test_files_are_pickles_within(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(exported(nn.Linear(4, 3), 4), path)
    with pytest.raises(MilliwattError, match="runs any code") as caught:
        load_estimator(path, trust_pickle=False)
    assert caught.value.option == "trust_pickle"
    close_to_library(load_estimator(path, trust_pickle=True))
    path.write_bytes(b"no model")
    with pytest.raises(MilliwattError, match="cannot be loaded"):
        load_estimator(path, trust_pickle=True)
