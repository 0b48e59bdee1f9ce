"""In the peers' Python: an estimator in a joblib file to tl2cgen's C; called as emlearn_export.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import tl2cgen
import treelite


def main() -> None:
    estimator, directory = joblib.load(sys.argv[1]), Path(sys.argv[2])
    quantize = int(json.loads(sys.argv[3])["method"] == "quantize")
    model = treelite.sklearn.import_model(estimator)
    tl2cgen.generate_c_code(model, directory, params={"quantize": quantize})
    sources = sorted(path.name for path in directory.glob("*.c"))
    print(json.dumps({"sources": sources, "includes": []}))


if __name__ == "__main__":
    main()
