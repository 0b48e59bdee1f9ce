"""Trains the smallest model there is a use for, and exports what the firmware is built from.

python model.py            train and write models/hello_xor.mw.json
python model.py --check    the same, but compare with the file there instead of writing it
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.tree import DecisionTreeClassifier

import milliwatt

MODEL_FILE = Path(__file__).resolve().parent / "models" / "hello_xor.mw.json"

# Two switches, and whether their positions differ: no single straight line parts the two classes.
SWITCHES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
ANSWERS = np.array(["same", "different", "different", "same"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the model that is there")
    check = parser.parse_args(arguments).check
    tree = DecisionTreeClassifier(random_state=0).fit(SWITCHES, ANSWERS)
    model = milliwatt.convert(tree, name="hello_xor", dtype="int8")
    if check and milliwatt.load(MODEL_FILE).ir.trees != model.ir.trees:
        print(f"{MODEL_FILE} is not what this script makes", file=sys.stderr)
        return 1
    if not check:
        MODEL_FILE.parent.mkdir(exist_ok=True)
        model.save(MODEL_FILE)
    print(f"{len(tree.tree_.threshold)} nodes, right on {tree.score(SWITCHES, ANSWERS):.0%} of 4 examples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
