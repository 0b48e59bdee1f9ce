"""Trains the convolutional networks and writes models/*.mw.json, so that nobody else needs PyTorch.

    python tests/benchmarks/nets/train.py [NAME …]

One thread and fixed seeds: the same PyTorch gives the same files; another version's may differ in the last
bits, and the figures with them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "scripts")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from net_cases import CASES, Case  # noqa: E402
from net_problems import Problem  # noqa: E402
from torch import nn  # noqa: E402

import milliwatt  # noqa: E402


def _convolution(inputs: int, outputs: int, kernel: int, **options: Any) -> list[nn.Module]:
    """With batch normalisation, which conversion folds into it, and ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, bias=False, **options), nn.BatchNorm2d(outputs), nn.ReLU()]


def _separable(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    depthwise = _convolution(inputs, inputs, 3, stride=stride, padding=1, groups=inputs)
    return [*depthwise, *_convolution(inputs, outputs, 1)]


def _signal(inputs: int, outputs: int) -> list[nn.Module]:
    convolution = nn.Conv1d(inputs, outputs, 5, stride=2, bias=False)
    return [convolution, nn.BatchNorm1d(outputs), nn.ReLU()]


def cnn() -> nn.Module:
    """7,840 multiplications: the shape that other libraries were measured with."""
    return nn.Sequential(
        *_convolution(1, 8, 3), *_convolution(8, 16, 3, stride=2), nn.Flatten(), nn.Linear(64, 10)
    )


def cnn_separable() -> nn.Module:
    body = [*_convolution(1, 8, 3), *_separable(8, 16, 1), *_separable(16, 32, 2)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def cnn_signal() -> nn.Module:
    body = [*_signal(6, 8), *_signal(8, 16), *_signal(16, 24)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(24, 7))


# The module, how often it sees the data, and what features are divided by.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, float]] = {
    "cnn": (cnn, 120, 16.0),
    "cnn-separable": (cnn_separable, 120, 16.0),
    "cnn-signal": (cnn_signal, 60, 8192.0),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trains the benchmark's convolutional networks.")
    parser.add_argument("names", nargs="*", choices=[*NETWORKS, []], metavar="NAME", help="only these")
    for name in parser.parse_args(arguments).names or NETWORKS:
        _make(CASES[name], *NETWORKS[name])
    return 0


def _make(case: Case, build: Callable[[], nn.Module], epochs: int, largest: float) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    problem, module = case.problem, build()
    learn, rows = (_images(part, problem, largest) for part in (problem.learn, problem.rows))
    _fit(module, learn, torch.as_tensor(problem.learn_labels), epochs)
    with torch.no_grad():
        right = (module(rows).argmax(1).numpy() == problem.labels).mean()
    _take_features_as_they_are(module, largest)
    shape = tuple(learn.shape[1:])
    model = milliwatt.convert(
        module.eval(), name="model", task="classifier", classes=problem.classes, input_shape=shape
    )
    ours = (
        model.predict(problem.rows.astype(np.float32)) == np.asarray(problem.classes)[problem.labels]
    ).mean()
    assert case.file is not None
    model.save(case.file)
    print(f"{case.name}: {right:.1%} of {len(rows)} held-out rows, converted {ours:.1%}: {case.file}")


def _images(rows: Any, problem: Problem, largest: float) -> torch.Tensor:
    """Channels first, as PyTorch has them; signals without a height."""
    images = torch.as_tensor(rows, dtype=torch.float32).reshape(-1, *problem.shape) / largest
    first = images.permute(0, 3, 1, 2)
    return first[:, :, 0] if problem.shape[0] == 1 else first


def _fit(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, batch: int = 64) -> None:
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=1e-2)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    module.train()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for chosen in torch.split(order[: len(images) // batch * batch], batch):
            optimizer.zero_grad()
            loss(module(images[chosen]), labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    module.eval()


def _take_features_as_they_are(module: nn.Module, largest: float) -> None:
    """A power of two, divided by in the first layer: exact."""
    with torch.no_grad():
        next(module.parameters()).div_(largest)


if __name__ == "__main__":
    sys.exit(main())
