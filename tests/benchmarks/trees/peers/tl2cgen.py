"""tl2cgen with treelite: if/else over doubles with tests for missing values; boosting too."""

from __future__ import annotations

from collections.abc import Iterator

from candidate import Candidate
from forests import Forest

REQUIREMENTS = ("treelite==4.8.1", "tl2cgen==1.0.0")
NOTE = (
    "1.0.0 with treelite 4.8.1. Takes a union of double and int, so rows arrive as doubles and no "
    "conversion is measured; `pred_margin` is 1, so that softmax is not run. `quantize` is its option "
    "that compares integers after a binary search of every feature, measured where leaves are mixed or "
    "boosted: elsewhere others are several times as fast. Left out of forests beyond 5,000 splits, as m2cgen."
)


def candidates(forest: Forest) -> Iterator[Candidate]:
    if forest.is_huge:
        return
    # Each leaf adds a double to every class: a call, or an instruction, and its operand.
    least = forest.n_leaves * 8 * (1 if forest.is_boosted else forest.n_classes)
    for method in ("default",) if forest.is_pure else ("default", "quantize"):
        yield Candidate("tl2cgen", method, "double", "soft", "predict_tl2cgen.c", least_flash=least)
