"""Makes the files in this directory: CSV as emlearn saves it, and what emlearn's own C answers.

    python make_files.py        in a Python with emlearn 0.23.2 and scikit-learn, and with a C compiler

``NAME.csv`` is what ``save(format='csv')`` wrote, byte for byte. ``NAME.json`` holds samples, half of their
values on a threshold, and the answers of emlearn's inline C with float features. That compares
``x < threshold`` with the numbers that the CSV holds, rounded to float32: where they are no float32
values (``decimals``), no sample lies on a threshold.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import emlearn
import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).resolve().parent
ROWS = 60

np.seterr(all="warn")  # importing emlearn makes numpy raise


def main() -> None:
    rng = np.random.default_rng(0)
    whole = rng.integers(-300, 300, (200, 4))
    three = (whole[:, 0] + whole[:, 1] // 2 > 50).astype(int) + (whole[:, 2] > 100)
    real = rng.normal(size=(200, 3))
    parts = np.round(real * 16) / 16  # thresholds have 5 decimals then, and the file's 6 suffice
    forest = RandomForestClassifier(3, max_depth=4, random_state=0).fit(whole, three)
    for bits in (0, 2, 4, 8):
        save(f"classes_{bits}", forest, whole, rng, leaf_bits=bits)
    values = RandomForestRegressor(2, max_depth=3, random_state=0).fit(whole, whole[:, 0] * 1.5 + whole[:, 1])
    save("values", values, whole, rng)
    for name, data in (("fractions", parts), ("decimals", real)):
        tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(data, real[:, 0] > real[:, 1])
        save(name, tree, data, rng, hits=0.0 if name == "decimals" else 0.5)
    many = RandomForestClassifier(2, max_depth=3, random_state=0).fit(whole, rng.integers(0, 40, 200))
    save("40_classes", many, whole, rng, leaf_bits=8)  # numpy breaks these rows over lines


def save(
    name: str, estimator: Any, data: np.ndarray, rng: np.random.Generator, hits: float = 0.5, **options: Any
) -> None:
    model = emlearn.convert(estimator, dtype="float", **options)
    model.save(file=str(HERE / f"{name}.csv"), name=name, format="csv")
    samples = probes(model.forest_[0], data, rng, hits)
    classifier = hasattr(estimator, "classes_")
    # emlearn compiles in a fixed place below the working directory.
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        answers = model.predict_proba(samples) if classifier else model.predict(samples)
        os.chdir(HERE)
    record = {"samples": samples.tolist(), "answers": np.round(np.asarray(answers, dtype=float), 7).tolist()}
    (HERE / f"{name}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def probes(nodes: list[Any], data: np.ndarray, rng: np.random.Generator, hits: float) -> np.ndarray:
    """Rows of the data, with a fraction of their values moved onto a threshold of its feature."""
    samples = data[rng.integers(len(data), size=ROWS)].astype(np.float32)
    for row in samples:
        for feature in range(samples.shape[1]):
            own = [float(node[1]) for node in nodes if node[0] == feature]
            if own and rng.random() < hits:
                row[feature] = np.float32(round(own[rng.integers(len(own))], 6))
    # emlearn passes samples to its program with 8 decimals: take what arrives there.
    return np.round(samples.astype(np.float64), 8).astype(np.float32)


if __name__ == "__main__":
    main()
