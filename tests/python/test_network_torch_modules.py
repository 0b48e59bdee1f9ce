"""PyTorch modules as people write them: in place, on any dimension, with outputs in tuples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mwtest.nets_close import close_to_library

from milliwatt import convert
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


class Written(nn.Module):
    """A module whose forward() is a function of it and its input."""

    def __init__(self, forward: Callable[[Any, Any], Any], **layers: Any) -> None:
        super().__init__()
        self.written = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        return self.written(self, x)


def exported(module: Any, *shape: int) -> Any:
    return torch.export.export(module.eval(), (torch.zeros(2, *shape),))


def _view_then_in_place(net: Any, x: Any) -> Any:
    made = net.conv(x)
    row = made.view(-1, 32)
    F.relu_(made)
    return net.last(row)


def _in_place_on_a_view(net: Any, x: Any) -> Any:
    made = net.conv(x)
    made.view(-1, 32).relu_()
    return net.last(made.flatten(1))


def _in_place_after_dropout(net: Any, x: Any) -> Any:
    made = net.conv(x)
    return net.last((F.relu_(F.dropout(made, training=net.training)) + made).flatten(1))


@pytest.mark.parametrize("forward", [_view_then_in_place, _in_place_on_a_view, _in_place_after_dropout])
def test_what_is_changed_under_another_name_is_refused(forward: Any) -> None:
    module = Written(forward, conv=nn.Conv2d(2, 2, 3, padding=1), last=nn.Linear(32, 3))
    with pytest.raises(
        UnsupportedModelError, match="works in place, on numbers that are read again"
    ) as found:
        to_ir(exported(module, 2, 4, 4))
    assert "inplace=True" in str(found.value.cure)


def _residual_in_place(net: Any, x: Any) -> Any:
    made = net.conv(x)
    out = net.conv(F.relu_(made))
    out += made
    return net.last(out.flatten(1))


def _copy_in_place(net: Any, x: Any) -> Any:
    made = net.conv(x)
    return net.last((made.clone().relu_() + made).flatten(1))


@pytest.mark.parametrize("forward", [_residual_in_place, _copy_in_place])
def test_what_is_changed_in_place_is_read_changed(forward: Any) -> None:
    module = Written(forward, conv=nn.Conv2d(2, 2, 3, padding=1), last=nn.Linear(32, 3))
    close_to_library(exported(module, 2, 4, 4))


def test_normalisation_in_training_mode_says_so() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).train()
    with pytest.raises(UnsupportedModelError, match=r"BatchNorm1d.* training mode") as found:
        to_ir(torch.export.export(module, (torch.zeros(2, 4),)))
    assert "eval()" in str(found.value.cure)


def test_recurrent_layers_are_refused_by_their_own_name() -> None:
    module = Written(lambda net, x: net.cell(x)[0][:, -1], cell=nn.LSTM(3, 4, batch_first=True))
    with pytest.raises(UnsupportedModelError, match="in cell: LSTM"):
        to_ir(exported(module, 6, 3))


def test_cures_of_what_is_common() -> None:
    with pytest.raises(UnsupportedModelError, match="log_softmax") as found:
        to_ir(nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1)))
    assert "task=classifier" in str(found.value.cure)
    with pytest.raises(UnsupportedModelError, match="_weight_norm") as found:
        to_ir(nn.Sequential(nn.Linear(4, 3), nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))))
    assert "remove_parametrizations" in str(found.value.cure)


def test_largest_of_an_image() -> None:
    """PyTorch's pool has a second result, which nobody takes."""
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    close_to_library(exported(module, 2, 6, 6))


def test_mean_over_time_with_channels_last() -> None:
    for forward in (
        lambda net, x: net.layer(x).mean(1),
        lambda net, x: net.layer(x).amax(1, keepdim=True).flatten(1),
    ):
        close_to_library(exported(Written(forward, layer=nn.Linear(3, 4)), 6, 3))
    close_to_library(
        exported(Written(lambda net, x: net.layer(x).mean((1, 2)), layer=nn.Linear(3, 4)), 5, 6, 3)
    )


def test_softmax_of_an_image_of_one_pixel() -> None:
    module = Written(
        lambda net, x: F.softmax(F.adaptive_avg_pool2d(net.conv(x), 1), 1).flatten(1), conv=nn.Conv2d(2, 3, 1)
    )
    assert close_to_library(exported(module, 2, 5, 5)).link == "softmax"
    with pytest.raises(UnsupportedModelError, match="softmax along"):
        to_ir(exported(Written(lambda net, x: F.softmax(net.conv(x), 1), conv=nn.Conv2d(2, 3, 1)), 2, 5, 5))


def test_the_refusal_is_that_of_the_order_that_was_meant() -> None:
    module = Written(lambda net, x: net.layer(x).sum(1), layer=nn.Linear(3, 4))
    with pytest.raises(UnsupportedModelError, match=r"aten\.sum"):
        to_ir(exported(module, 6, 3))


class Named(nn.Module):
    """Takes its input by name only."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, *, x: Any) -> Any:
        return self.layer(x)


def test_outputs_and_inputs_in_containers() -> None:
    samples = np.random.default_rng(0).normal(size=(5, 3))
    layer = nn.Linear(3, 2)
    for module in (
        Written(lambda net, x: (net.layer(x),), layer=layer),
        Written(lambda net, x: {"scores": net.layer(x)}, layer=layer),
        torch.export.export(Named().eval(), (), {"x": torch.zeros(2, 3)}),
    ):
        made = convert(module, name="m", calibration=samples)
        assert made.ir.calibration is not None
        assert made.ir.calibration.agreement.agree == len(samples)


@pytest.mark.parametrize("name", ["net.pt", "net.pth"])
def test_files_without_a_graph(name: str, tmp_path: Path) -> None:
    torch.save(nn.Linear(3, 2), tmp_path / name)
    with pytest.raises(MilliwattError, match="unknown kind of model file") as found:
        load_estimator(tmp_path / name, trust_pickle=True)
    assert "torch.export.save" in str(found.value.cure)
