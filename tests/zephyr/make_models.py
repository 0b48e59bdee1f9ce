"""The models of the Zephyr tests: run this after a change of the file format.

python -m tests.zephyr.make_models
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from tests.benchmarks.trees.datasets import load

import milliwatt

HERE = Path(__file__).resolve().parent
SWITCHES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def main() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(np.float32)
    forest = RandomForestRegressor(n_estimators=5, max_leaf_nodes=12, random_state=0)
    _save(forest.fit(X, X[:, 0] * X[:, 1] + X[:, 2]), "parity", "regressor", "float")

    # Features of motion by one who computes them in firmware of his own: samples/activity before raw samples.
    motion = load("activity")
    votes = RandomForestClassifier(n_estimators=31, max_samples=200, random_state=0)
    _save(votes.fit(motion.integer.learn, motion.classes), "parity", "activity", "int16")

    # Stand-ins for samples/hello_xor: one that answers the other way round, and some that do not fit.
    inverted = np.array(["different", "same", "same", "different"])
    tree = DecisionTreeClassifier(random_state=0)
    _save(tree.fit(SWITCHES, inverted), "updatable", "inverted", "int8")
    _save(tree.fit(SWITCHES, inverted), "updatable", "of_floats", "float")
    _save(
        tree.fit(np.column_stack([SWITCHES, SWITCHES[:, 0]]), inverted), "updatable", "three_features", "int8"
    )
    many = np.arange(40)
    _save(tree.fit(np.column_stack([many, many]), many), "updatable", "many_classes", "int8")
    values = DecisionTreeRegressor(random_state=0)
    _save(values.fit(SWITCHES, [0.0, 1.0, 1.0, 0.0]), "updatable", "regressor", "int8")
    _save(values.fit(SWITCHES, [5.0, 7.0, 7.0, 5.0]), "updatable", "other_values", "int8")


def _save(estimator: object, test: str, name: str, dtype: str) -> None:
    target = HERE / test / "models" / f"{name}.mw.json"
    target.parent.mkdir(exist_ok=True)
    milliwatt.convert(estimator, name=name, dtype=dtype).save(target)


if __name__ == "__main__":
    main()
