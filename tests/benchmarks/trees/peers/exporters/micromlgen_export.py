"""In the peers' Python: an estimator in a joblib file to micromlgen's C++; called as emlearn_export.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import micromlgen


def main() -> None:
    estimator, directory = joblib.load(sys.argv[1]), Path(sys.argv[2])
    (directory / "model.h").write_text(micromlgen.port(estimator))
    print(json.dumps({"sources": [], "includes": []}))


if __name__ == "__main__":
    main()
