"""emlearn: if/else over any type, or tables over int16; hard votes, or proportions of 8 bits."""

from __future__ import annotations

from collections.abc import Iterator

from candidate import Candidate
from forests import Forest

REQUIREMENTS = ("emlearn==0.23.2", "setuptools<81")  # distutils, which it imports, left Python with 3.12
NOTE = (
    "0.23.2, exported without `predict_proba`, which makes its `inline` code smaller and faster. Its "
    "`loadable` takes int16 only. Hard votes are its default; soft ones (`leaf_bits=8`) are measured "
    "where leaves are mixed."
)


def candidates(forest: Forest) -> Iterator[Candidate]:
    """Where leaves are pure, soft votes would decide what hard ones do, and cost more."""
    if forest.is_boosted:
        return
    for method, dtype in (("inline", "int16"), ("loadable", "int16"), ("inline", "float")):
        for leaf_bits in ("",) if forest.is_pure else ("", "8"):
            votes = f"soft {leaf_bits} bit" if leaf_bits else "hard"
            yield Candidate("emlearn", method, dtype, votes, "predict_emlearn.c", leaf_bits)
