"""The CSV format by the rules of emlearn's C (``eml_trees.h``); nothing shared with reader or writer."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Made with emlearn 0.23.2 by make_files.py there.
FILES = Path(__file__).resolve().parent.parent / "emlearn_csv"
# Three classes, leaves are class indices, two splits; a row a line.
SMALL = "f,2\nc,3\nlb,0\nl,0\nl,2\nr,0\nn,1,7.5,1,-2\nn,0,3,-1,-2\n"


def answers(text: str, samples: NDArray[Any]) -> NDArray[np.float64]:
    """Shares of the votes, or values: float64, shape (rows, classes or outputs).

    Left when ``x < threshold``; a child above zero is a jump, one below zero leaf ``-1 - child``; trees
    are averaged; leaves of 2 to 8 bits are bytes out of 255.
    """
    rows = _rows(text)
    leaves = _leaves(rows)
    roots = [int(row[1]) for row in rows if row[0] == "r"]
    nodes = [(int(r[1]), float(r[2]), int(r[3]), int(r[4])) for r in rows if r[0] == "n"]
    sums = np.zeros((len(samples), leaves.shape[1]))
    for index, sample in enumerate(samples):
        for root in roots:
            at = root
            while at >= 0:
                feature, threshold, left, right = nodes[at]
                jump = left if float(sample[feature]) < threshold else right
                at = at + jump if jump >= 0 else jump
            sums[index] += leaves[-1 - at]
    return np.asarray(sums / len(roots))


def _rows(text: str) -> list[list[str]]:
    whole = re.sub(r"\[[^\]]*\]", lambda found: " ".join(found.group().split()), text)
    return [row for row in csv.reader(io.StringIO(whole)) if row]


def _leaves(rows: list[list[str]]) -> NDArray[np.float64]:
    (classes,) = (int(row[1]) for row in rows if row[0] == "c")
    (bits,) = (int(row[1]) for row in rows if row[0] == "lb")
    values = np.array([row[1].strip("[]").split() for row in rows if row[0] == "l"], dtype=float)
    if bits == 0:
        return np.asarray(np.eye(classes)[values[:, 0].astype(int)])
    return values / 255 if bits < 32 else values
