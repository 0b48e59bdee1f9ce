"""In the peers' Python: an estimator in a joblib file to everywhereml's C++; called as emlearn_export.py.

Its classes are scikit-learn's with an export, and fit themselves. The forest that scikit-learn fitted
is made one of them, so that all libraries export the same trees.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import joblib
from everywhereml.sklearn.ensemble import RandomForestClassifier


def main() -> None:
    estimator, directory = joblib.load(sys.argv[1]), Path(sys.argv[2])
    estimator.__class__ = RandomForestClassifier
    estimator.dataset = SimpleNamespace(num_outputs=len(estimator.classes_))
    text = estimator.to_arduino(class_name="Model", instance_name="model")
    (directory / "model.h").write_text(text)
    print(json.dumps({"sources": [], "includes": []}))


if __name__ == "__main__":
    main()
