"""m2cgen: if/else over doubles, adding up vectors of class proportions."""

from __future__ import annotations

from collections.abc import Iterator

from candidate import Candidate
from forests import Forest

REQUIREMENTS = ("m2cgen==0.10.0",)
NOTE = (
    "0.10.0. Takes `double *`, so rows arrive as doubles and no conversion is measured. Left out of "
    "forests beyond 5,000 splits, which take minutes to compile: at 79 bytes a split (`digits-10` on the "
    "M0) they would not fit the M0, and it is the smallest nowhere. No GradientBoosting."
)


def candidates(forest: Forest) -> Iterator[Candidate]:
    if forest.is_boosted or forest.is_huge:
        return
    # Each leaf copies its own numbers, 4 bytes or more, with a call and its three arguments. Equal
    # leaves, as pure ones are, can share them.
    least = 0 if forest.is_pure else forest.n_leaves * (4 * forest.n_classes + 12)
    yield Candidate("m2cgen", "default", "double", "soft", "predict_m2cgen.c", least_flash=least)
