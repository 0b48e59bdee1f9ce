"""In the peers' Python: an estimator in a joblib file to emlearn's header.

python emlearn_export.py ESTIMATOR.joblib DIRECTORY '{"method": …, "c_type": …, "leaf_bits": …}'

Like all exporters it prints as JSON which files to compile and where headers are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import emlearn
import joblib


def main() -> None:
    estimator, directory = joblib.load(sys.argv[1]), Path(sys.argv[2])
    options = json.loads(sys.argv[3])
    leaf_bits = int(options["leaf_bits"] or 0) or None
    model = emlearn.convert(estimator, method=options["method"], dtype=options["c_type"], leaf_bits=leaf_bits)
    # Without predict_proba the compiler inlines the trees: emlearn's best.
    model.save(file=str(directory / "model.h"), name="model", include_proba=False)
    print(json.dumps({"sources": [], "includes": [emlearn.includedir]}))


if __name__ == "__main__":
    main()
