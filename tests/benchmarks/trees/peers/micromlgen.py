"""micromlgen: Arduino C++, if/else over floats, hard votes."""

from __future__ import annotations

from collections.abc import Iterator

from candidate import Candidate
from forests import Forest

REQUIREMENTS = ("micromlgen==1.1.28",)
NOTE = (
    "1.1.28. Hard votes only. It includes `<cstdarg>`, which Debian's cross compilers lack: a header of "
    "ours stands in. No GradientBoosting."
)


def candidates(forest: Forest) -> Iterator[Candidate]:
    if not forest.is_boosted:
        yield Candidate("micromlgen", "default", "float", "hard", "predict_micromlgen.cpp")
