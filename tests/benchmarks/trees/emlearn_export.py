"""Runs in emlearn's own Python: an estimator in a joblib file to emlearn's C.

    python emlearn_export.py ESTIMATOR.joblib OUT.h --method inline --dtype int16_t [--leaf-bits 8]

Prints emlearn's version and the directory of its headers as JSON. In a process of its own because
importing emlearn changes numpy's error handling for everybody else in the process.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
from pathlib import Path

import emlearn
import joblib


def main() -> None:
    parser = argparse.ArgumentParser(description="joblib to emlearn's C")
    parser.add_argument("estimator", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--method", required=True)
    parser.add_argument("--dtype", required=True)
    parser.add_argument("--leaf-bits", type=int)
    given = parser.parse_args()
    model = emlearn.convert(
        joblib.load(given.estimator), method=given.method, dtype=given.dtype, leaf_bits=given.leaf_bits
    )
    # Without predict_proba the compiler inlines the trees: emlearn's best.
    model.save(file=str(given.out), name="model", include_proba=False)
    about = {"version": importlib.metadata.version("emlearn"), "include": emlearn.includedir}
    print(json.dumps(about))


if __name__ == "__main__":
    main()
