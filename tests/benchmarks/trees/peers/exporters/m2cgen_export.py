"""In the peers' Python: an estimator in a joblib file to m2cgen's C; called as emlearn_export.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import m2cgen


def main() -> None:
    sys.setrecursionlimit(100_000)  # its assembler recurses down a tree and along the sum of trees
    estimator, directory = joblib.load(sys.argv[1]), Path(sys.argv[2])
    (directory / "model.c").write_text(m2cgen.export_to_c(estimator))
    print(json.dumps({"sources": ["model.c"], "includes": []}))


if __name__ == "__main__":
    main()
