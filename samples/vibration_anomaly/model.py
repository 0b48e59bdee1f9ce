"""Trains the anomaly detector on simulated healthy machines and exports what the firmware is built from.

python model.py             train, print the figures, write models/ and src/recorded_vibration.h
python model.py --check     train, but compare with the files there instead of writing them
python model.py --out DIR   recordings of machines that it does not know as CSV too, for milliwatt check
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import FeatureUnion, Pipeline

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # so that this file can also be loaded by its path
    sys.path.insert(0, str(HERE))

from bearing import COUNTS_PER_G, RATE_HZ, Int16Array, recording  # noqa: E402

import milliwatt  # noqa: E402
from milliwatt.features import IIRFilter, SlidingWindow, Spectrum, TimeFeatures, ToFloat  # noqa: E402
from milliwatt.model import Model  # noqa: E402

NAME = "vibration_anomaly"
MODEL_FILE = HERE / "models" / f"{NAME}.mw.json"
VIBRATION_FILE = HERE / "src" / "recorded_vibration.h"

WINDOW = 1024  # samples: 0.32 s, some eight revolutions
N_FFT = 256
# Bands of the spectrum by their first bins, which are 12.5 Hz wide: octaves, and finer where housings ring.
EDGES = (2, 4, 8, 16, 32, 64, 96, 129)
RINGING_HZ = 700.0  # above it strikes stand out from what the shaft does

KNOWN = range(64)  # machines that it learns from
UNKNOWN = range(64, 80)  # held out, fixed before anything was trained
SECONDS = 10.0
DEFECTS_G = (0.1, 0.2, 0.4, 0.8)  # of the ringing at each strike

N_TREES = 60
FALSE_ALARMS = 0.01  # the share of healthy windows that it may take for anomalies


def pipeline() -> Pipeline:
    """From counts to 1 or, of an anomaly, -1."""
    bands = Pipeline(
        [
            ("spectrum", Spectrum(n_fft=N_FFT, hop=N_FFT // 2, bands=EDGES, logarithm="ln")),
            ("mean", TimeFeatures(["mean"])),
        ]
    )
    ringing = Pipeline(
        [
            ("high", IIRFilter.butter(2, RINGING_HZ, rate=RATE_HZ, kind="highpass")),
            ("shape", TimeFeatures(["std", "kurtosis", "peak_to_peak"])),
        ]
    )
    forest = IsolationForest(
        n_estimators=N_TREES, max_samples=256, contamination=FALSE_ALARMS, random_state=0
    )
    return Pipeline(
        [
            ("g", ToFloat(1 / COUNTS_PER_G)),
            ("window", SlidingWindow(WINDOW, WINDOW)),
            ("features", FeatureUnion([("bands", bands), ("ringing", ringing)])),
            ("forest", forest),
        ]
    )


def recordings(machines: Sequence[int], defect_g: float = 0.0) -> list[Int16Array]:
    """Ten seconds of each; ``defect_g`` 0: healthy."""
    return [recording(number, SECONDS, defect_g) for number in machines]


def train() -> Pipeline:
    """Of healthy machines alone: what a defect looks like, it has never seen."""
    return pipeline().fit(recordings(KNOWN))


def convert(fitted: Pipeline) -> Model:
    return milliwatt.convert(fitted, name=NAME)


def print_figures(fitted: Pipeline, model: Model) -> None:
    normal = recordings(UNKNOWN)
    print(f"learnt from {len(KNOWN)} simulated machines, all healthy; tried on {len(UNKNOWN)} others")
    print(f"healthy               {_alarms(model, normal):6.1%} of windows are alarms")
    quiet = -fitted.score_samples(normal)
    for strength in DEFECTS_G:
        broken = recordings(UNKNOWN, strength)
        scores = -fitted.score_samples(broken)
        truth = np.repeat([0, 1], [len(quiet), len(scores)])
        area = roc_auc_score(truth, np.concatenate([quiet, scores]))
        print(f"strikes of {strength:.1f} g       {_alarms(model, broken):6.1%}, AUC {area:.3f}")


def _alarms(model: Model, given: list[Int16Array]) -> float:
    return float((model.predict(given) == -1).mean())


def recorded() -> Int16Array:
    """What the firmware feels: an unknown machine for two seconds, and then with a defect."""
    seconds = 6 * WINDOW / RATE_HZ
    return np.concatenate([recording(UNKNOWN[0], seconds), recording(UNKNOWN[0], seconds, 0.4)])


def vibration_text(model: Model) -> str:
    """``src/recorded_vibration.h``."""
    samples = recorded()
    features = model.features([samples])
    answers = [model.classes_.tolist().index(answer) for answer in model.predict([samples])]
    return _VIBRATION_H.format(
        machine=UNKNOWN[0],
        rate=RATE_HZ,
        samples=len(samples),
        healthy=len(samples) // 2,
        windows=len(answers),
        predicted=", ".join(map(str, answers)),
        n_features=features.shape[1],
        largest=", ".join(_float(value) for value in np.abs(features).max(axis=0)),
        features=",\n".join("    {" + ", ".join(map(_float, row)) + "}" for row in features),
        table=",\n".join(
            "    " + ", ".join(map(str, samples[at : at + 20])) for at in range(0, len(samples), 20)
        ),
    )


def _float(value: float) -> str:
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def write_csv(directory: Path) -> None:
    """``vibration.csv``: some windows of each unknown machine, healthy and with a defect in turn."""
    directory.mkdir(parents=True, exist_ok=True)
    parts = [recording(number, 4 * WINDOW / RATE_HZ, defect) for number in UNKNOWN for defect in (0.0, 0.4)]
    lines = "\n".join(map(str, np.concatenate(parts)))
    (directory / "vibration.csv").write_text(f"counts\n{lines}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trains and exports the anomaly detector.")
    parser.add_argument("--check", action="store_true", help="compare with the files there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write vibration.csv there")
    options = parser.parse_args(arguments)
    fitted = train()
    model = convert(fitted)
    print_figures(fitted, model)
    if options.out is not None:
        write_csv(options.out)
    MODEL_FILE.parent.mkdir(exist_ok=True)
    if options.check:
        return check(model)
    model.save(MODEL_FILE)
    VIBRATION_FILE.write_text(vibration_text(model), encoding="utf-8", newline="\n")
    return 0


def check(model: Model) -> int:
    """0 if the forest on disk is the one that was trained."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / MODEL_FILE.name
        model.save(path)
        new, old = (json.loads(file.read_text(encoding="utf-8")) for file in (path, MODEL_FILE))
    # The file also names the scikit-learn version it came from, which may be another one.
    if {**new, "origin": None} == {**old, "origin": None}:
        return 0
    print(f"{MODEL_FILE}: not what training gives. Type: python model.py", file=sys.stderr)
    return 1


_VIBRATION_H = """\
/* SPDX-License-Identifier: MIT */
/* Written by model.py. SIMULATED vibration, see bearing.py: machine {machine}, not learnt from, first
 * healthy, then with a defect in the outer race of its bearing. */
#ifndef RECORDED_VIBRATION_H
#define RECORDED_VIBRATION_H

#include <stdint.h>

/* clang-format off */

#define RECORDED_RATE_HZ {rate}
#define RECORDED_SAMPLES {samples}
#define RECORDED_HEALTHY {healthy} /* samples before the defect */
#define RECORDED_WINDOWS {windows}

/* What the model says on the PC: 0 anomaly, 1 normal. */
static const uint8_t recorded_predicted[RECORDED_WINDOWS] = {{{predicted}}};

/* The features on the PC, and the largest of each. */
static const float recorded_features[RECORDED_WINDOWS][{n_features}] = {{
{features},
}};
static const float recorded_largest[{n_features}] = {{{largest}}};

/* Counts, 256 to a g. */
static const int16_t recorded_samples[RECORDED_SAMPLES] = {{
{table},
}};

#endif
"""


if __name__ == "__main__":
    sys.exit(main())
