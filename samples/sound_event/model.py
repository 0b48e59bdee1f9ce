"""Trains the sound classifier with PyTorch and exports what the firmware is built from.

    python model.py             train, print the figures, write models/ and src/recorded_sounds.h
    python model.py --check     no training: the figures of the model that is there
    python model.py --folds     how it does when each quarter of the files in turn is held out
    python model.py --out DIR   no training: recordings of held-out files as CSV, for milliwatt check

Training takes a minute on one core of a PC. One thread and fixed seeds: the same PyTorch gives the same
model; another version's may differ in its last bits.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # so that this file can also be loaded by its path
    sys.path.insert(0, str(HERE))

import adpcm  # noqa: E402
import sounds  # noqa: E402
from sounds import QUIET, RATE_HZ, Sound  # noqa: E402

import milliwatt  # noqa: E402
from milliwatt.features import Flatten, MelSpectrogram, SlidingWindow  # noqa: E402
from milliwatt.model import Model  # noqa: E402

NAME = "sound_event"
MODEL_FILE = HERE / "models" / f"{NAME}.mw.json"
SOUNDS_FILE = HERE / "src" / "recorded_sounds.h"

CLASSES = (QUIET, *sounds.FILES)

# 16 ms of sound make a frame of 16 bands; 32 frames, half a second, make a window.
FRAME, BANDS, FRAMES = 256, 16, 32
HOP = 16  # frames from one answer to the next; while learning half of that, for more examples
CLIPS = 20  # that are made of each file to learn from
HELD_OUT_CLIPS = 4
EPOCHS = 30
BATCH = 64
SCALE = 2048.0  # bands are divided by a power of two, which the first layer then takes over exactly

Int16Array = npt.NDArray[np.int16]
Labels = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Windows:
    """Windows of recordings, and what they are of.

    Attributes:
        recordings: raw samples.
        kept: of all windows of them those that are clearly of something.
        labels: what those are of.
        features: of those, shape (n, FRAMES * BANDS).
    """

    recordings: list[Int16Array]
    kept: npt.NDArray[np.bool_]
    labels: Labels
    features: Int16Array


def front(hop: int = HOP) -> Pipeline:
    """From recordings of 16 bits to windows of log-mel frames, in integers."""
    return Pipeline(
        [
            ("mel", MelSpectrogram(rate=RATE_HZ, n_fft=FRAME, hop=FRAME, n_mels=BANDS, fmin=50.0)),
            ("window", SlidingWindow(FRAMES, hop)),
            ("flatten", Flatten()),
        ]
    )


def windows(chosen: Sequence[Sound], clips: int, hop: int) -> Windows:
    """Windows of clips of the sounds that are clearly of something."""
    made = [(sound.label, sounds.clip(sound, turn)) for sound in chosen for turn in range(clips)]
    recordings = [clip.samples for _, clip in made]
    labels = np.array(
        [
            clip.label(at, at + FRAMES * FRAME, label) or ""
            for label, clip in made
            for at in _begins(len(clip.samples), hop)
        ]
    )
    kept = labels != ""
    return Windows(recordings, kept, labels[kept], front(hop).fit_transform(recordings)[kept])


def _begins(n_samples: int, hop: int) -> range:
    return range(0, n_samples - FRAMES * FRAME + 1, hop * FRAME)


def learn_from(fold: int) -> Windows:
    return windows([s for s in sounds.load() if s.fold != fold], CLIPS, HOP // 2)


@cache
def held_out(fold: int = sounds.HELD_OUT_FOLD) -> Windows:
    return windows(held_out_sounds(fold), HELD_OUT_CLIPS, HOP)


def held_out_sounds(fold: int = sounds.HELD_OUT_FOLD) -> list[Sound]:
    return [s for s in sounds.load() if s.fold == fold]


def network() -> Any:
    """32 frames of 16 bands; kernels and channels are multiples of four, as the device's loops are."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 4, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(),  # 15×7×8
        nn.Conv2d(8, 16, 3, stride=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(),  # 7×3×16
        nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(336, 16), nn.ReLU(),
        nn.Linear(16, len(CLASSES)),
    )  # fmt: skip


def train(data: Windows, epochs: int = EPOCHS) -> Any:
    """A fitted network that takes bands in 1/256 of a doubling."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = network()
    images = torch.as_tensor(data.features, dtype=torch.float32).reshape(-1, 1, FRAMES, BANDS) / SCALE
    labels = torch.as_tensor([CLASSES.index(label) for label in data.labels])
    weights = len(labels) / (len(CLASSES) * torch.bincount(labels, minlength=len(CLASSES)).clamp(min=1))
    steps = max(1, epochs * (len(images) // BATCH))
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    loss = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.05)
    module.train()
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(images))[: len(images) // BATCH * BATCH], BATCH):
            # Louder or softer as a whole, and every band a little: no microphone is like another.
            louder = 0.15 * torch.randn(len(chosen), 1, 1, 1) + 0.05 * torch.randn(len(chosen), 1, 1, BANDS)
            optimizer.zero_grad()
            loss(module(images[chosen] + louder), labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        next(module.parameters()).div_(SCALE)
    return module.eval()


def convert(module: Any, recordings: Sequence[Int16Array] | None) -> Model:
    """From raw samples to label; in bytes, calibrated with recordings, without them in floats."""
    pipeline = Pipeline([*front().fit(recordings or [_silence()]).steps, ("network", module)])
    # The network's buffers lie in the stream's state, where spectra are computed before.
    options: dict[str, Any] = {"arena": "caller"}
    if recordings is not None:
        options |= {"quantize": "int8", "calibration": recordings}
    return milliwatt.convert(
        pipeline, name=NAME, task="classifier", classes=CLASSES, input_shape=(1, FRAMES, BANDS), **options
    )


def _silence() -> Int16Array:
    return np.zeros(FRAMES * FRAME, dtype=np.int16)


def calibration(fold: int = sounds.HELD_OUT_FOLD) -> list[Int16Array]:
    """A clip of each file that is learnt from."""
    return [sounds.clip(s, 0).samples for s in sounds.load() if s.fold != fold]


def right(model: Model, data: Windows) -> npt.NDArray[np.bool_]:
    """Which of the windows the C that boards run, compiled for this PC, answers right from raw samples."""
    answers: npt.NDArray[np.bool_] = model.predict(data.recordings)[data.kept] == data.labels
    return answers


def print_figures(model: Model) -> int:
    """0 if the model is right about three quarters of the windows of files that it never heard."""
    data = held_out()
    found = right(model, data)
    print(
        f"int8       {found.mean():6.1%} of {len(found)} windows of {len(held_out_sounds())} held-out files"
    )
    for name in CLASSES:
        mine = data.labels == name
        print(f"  {name:<8} {found[mine].mean():6.1%} of {mine.sum()}")
    print(f"arena      {model.arena_size} bytes")
    return 0 if found.mean() >= 0.75 else 1


def print_folds() -> int:
    for fold in range(sounds.FOLDS):
        module = train(learn_from(fold))
        data = held_out(fold)
        found = right(convert(module, calibration(fold)), data)
        shares = ", ".join(f"{name} {found[data.labels == name].mean():.0%}" for name in CLASSES)
        print(f"fold {fold}: {found.mean():6.1%} of {len(found)} windows ({shares})", flush=True)
    return 0


def recorded() -> tuple[list[int], Int16Array]:
    """What the firmware hears: a second of each class, of the first file of it that is held out; by place."""
    firsts = [next(s for s in held_out_sounds() if s.label == label) for label in sounds.FILES]
    cut = slice(round(0.2 * RATE_HZ), round(1.2 * RATE_HZ))
    return adpcm.encode(np.concatenate([sounds.clip(sound, 0).samples[cut] for sound in firsts]))


def sounds_text(model: Model) -> str:
    """``src/recorded_sounds.h``."""
    codes, samples = recorded()
    labels, features = model.predict([samples]), model.features([samples])
    names = [next(s for s in held_out_sounds() if s.label == label).name for label in sounds.FILES]
    return _SOUNDS_H.format(
        names=", ".join(names),
        samples=len(samples),
        windows=len(labels),
        classes=", ".join(f"{i} {name}" for i, name in enumerate(CLASSES)),
        labels=", ".join(str(CLASSES.index(label)) for label in labels),
        hashes=", ".join(f"0x{fnv1a(row):08x}" for row in features),
        table=adpcm.table(codes, "recorded_words"),
    )


def fnv1a(features: Int16Array) -> int:
    """The hash by Fowler, Noll and Vo of features, 16 bits at a time: the firmware computes it too."""
    value = 0x811C9DC5
    for feature in features.tolist():
        value = (value ^ (int(feature) & 0xFFFF)) * 0x01000193 & 0xFFFFFFFF
    return value


def write_csv(directory: Path) -> int:
    """``held_out.csv``: the first clip of each held-out file one after the other, a sample a line."""
    directory.mkdir(parents=True, exist_ok=True)
    samples = np.concatenate([sounds.clip(s, 0).samples for s in held_out_sounds()])
    (directory / "held_out.csv").write_text(
        "sample\n" + "\n".join(map(str, samples)) + "\n", encoding="utf-8"
    )
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trains and exports the sound classifier.")
    parser.add_argument("--check", action="store_true", help="figures of the model that is there")
    parser.add_argument("--folds", action="store_true", help="hold out each quarter of the files in turn")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"how often it hears the clips ({EPOCHS})")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write held_out.csv there and stop")
    options = parser.parse_args(arguments)
    if options.out is not None:
        return write_csv(options.out)
    if options.folds:
        return print_folds()
    if options.check:
        return print_figures(milliwatt.load(MODEL_FILE))
    data = learn_from(sounds.HELD_OUT_FOLD)
    print(
        f"learnt     from {len(data.labels)} windows of {len(sounds.load()) - len(held_out_sounds())} files"
    )
    module = train(data, options.epochs)
    model = convert(module, calibration())
    MODEL_FILE.parent.mkdir(parents=True, exist_ok=True)
    model.save(MODEL_FILE)
    SOUNDS_FILE.write_text(sounds_text(model), encoding="utf-8", newline="\n")
    print(f"float      {right(convert(module, None), held_out()).mean():6.1%}")
    return print_figures(model)


_SOUNDS_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by model.py. Files of Debian's sonic-pi-samples, all of them CC0, in noise:
 * {names}. None of them was heard in training. */
#ifndef RECORDED_SOUNDS_H
#define RECORDED_SOUNDS_H

#include <stdint.h>

#include <milliwatt/config.h>

/* clang-format off */

#define RECORDED_SAMPLES {samples}
#define RECORDED_WINDOWS {windows}

/* What the model says on the PC. Classes: {classes}. */
static const uint8_t recorded_predicted[RECORDED_WINDOWS] = {{{labels}}};

/* Hashes of the windows' features on the PC. */
static const uint32_t recorded_features[RECORDED_WINDOWS] = {{{hashes}}};

{table}
#endif
"""


if __name__ == "__main__":
    sys.exit(main())
