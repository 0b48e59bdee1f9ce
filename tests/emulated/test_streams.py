"""Models from raw samples on emulated boards: every window's label, and its features."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from mwtest.emulated import need
from mwtest.signal_models import motion, sound, trees
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

import milliwatt
from milliwatt.features import Flatten, MelSpectrogram, SlidingWindow
from milliwatt.ir import signals as nodes
from milliwatt.ir.signals import FLOAT, Branch, Signals
from milliwatt.model import Model
from milliwatt.rig import check

pytestmark = [
    pytest.mark.xdist_group("streams"),
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("work"),
    pytest.mark.filterwarnings("ignore:.*onverge"),
]

AVR = "simavr_atmega328p"
RNG = np.random.default_rng(3)
MOTION = [(RNG.normal(0, 3000, (n, 3)) + 9000 * np.sin(np.arange(n) / 5)[:, np.newaxis]).astype(np.int16)
          for n in (95, 40)]  # fmt: skip
SOUND = [(RNG.normal(0, 2000, 900) * np.abs(np.sin(np.arange(900) / 150))).astype(np.int16)[:, np.newaxis]]
CUTS = (1.5e6, 6e5, 2e6, -3e3, 9e3)


def _floats(recordings: list[Any]) -> list[Any]:
    return [(recording / np.float32(4096)).astype(np.float32) for recording in recordings]


def _all_kinds() -> Signals:
    """Every step that is not in the others."""
    tones = Branch((nodes.Choose((0,)), nodes.Centre(), nodes.Goertzel((0.05, 0.2))))
    plain = motion(FLOAT, branches=(motion().branches[0], tones))
    steps = (nodes.ScaleEach((0.5,) * 7, (2.0,) * 7), nodes.Normalize("l2"))
    return dataclasses.replace(plain, steps=steps)


CASES: dict[str, tuple[Signals, Any]] = {
    "motion": (motion(), MOTION),
    "motion of floats": (motion(FLOAT), _floats(MOTION)),
    "vectors": (_all_kinds(), _floats(MOTION)),
    "restart": (motion(restart=23, hop=20), MOTION[0][:92].reshape(4, 23, 3)),
    "sound": (sound(), SOUND),
    "sound of floats": (sound(FLOAT), _floats(SOUND)),
}
PLACES = [("qemu_cortex_m3", case) for case in CASES] + [
    (AVR, "motion"), (AVR, "sound"), ("qemu_cortex_m4f", "motion of floats"), ("qemu_cortex_m4f", "sound"),
    ("qemu_cortex_m0", "sound"), ("qemu_cortex_m0", "motion"), ("qemu_riscv32", "sound"),
    ("qemu_riscv32", "motion of floats"), ("host", "motion"), (AVR, "vectors"),
]  # fmt: skip


@pytest.mark.parametrize(("board", "case"), PLACES, ids=[f"{board}-{case}" for board, case in PLACES])
def test_every_window_is_answered_as_on_this_pc(board: str, case: str) -> None:
    need(board)
    signals, recordings = CASES[case]
    report = check(Model(trees(signals)), board, recordings)
    assert report.perfect, report.disagreements
    assert report.samples >= 3
    assert (report.cpu_share is None) == (board == "host")


def test_a_network_in_the_memory_of_the_stream() -> None:
    """int8 layers with the caller's arena, which lies where spectra were computed."""
    need("qemu_cortex_m3")
    kinds = [(RNG.normal(0, 400 * (1 + kind), 2600) * (1 + kind)).astype(np.int16) for kind in (0, 1, 2) * 2]
    front = [MelSpectrogram(8000, n_fft=64, n_mels=6, hop=32), SlidingWindow(8, 8)]
    windows = make_pipeline(*front).fit_transform(kinds)
    labels = np.repeat([0, 1, 2] * 2, len(windows) // 6)
    pipeline = make_pipeline(*front, Flatten(), MLPClassifier((8,), max_iter=40, random_state=0, tol=1.0))
    pipeline.fit(kinds, labels)
    model = milliwatt.convert(pipeline, name="net", quantize="int8", arena="caller", calibration=kinds)
    report = check(model, "qemu_cortex_m3", kinds[1:3])
    assert report.perfect, report.disagreements


def test_what_a_model_from_samples_costs_is_told() -> None:
    """RAM holds the whole state; the share of the CPU is that of the cycles between windows."""
    need(AVR)
    signals = motion()
    report = check(Model(trees(signals, cuts=CUTS)), AVR, MOTION[:1])
    state = 2 * 4 * signals.length  # the window alone
    assert report.ram_bytes > state
    assert report.cpu_share == pytest.approx(report.cost_mean * 50 / 10 / 16e6)
