"""The options of a model: the same names and defaults in Python, CLI, PlatformIO and CMake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any

from milliwatt.errors import MilliwattError

# How trees become C: the fastest and largest form first.
METHODS = ("inline", "loadable", "compact")
CHOICES: dict[str, tuple[str, ...]] = {
    "method": ("auto", *METHODS),
    "dtype": ("auto", "float", "int8", "uint8", "int16", "int32"),
    "nan": ("auto", "refuse", "follow", "ignore"),
    "leaf_bits": ("auto", "exact", *map(str, range(17))),
}
MAX_LEAF_CLUSTERS = 1024
_UNITS = {"": 1, "k": 1024}
# Options that are settled once there is a model file.
CONVERSION = ("dtype", "nan", "leaf_bits", "leaf_clusters")


@dataclass(frozen=True)
class ModelOptions:
    """How a model is converted.

    Attributes:
        method: ``inline`` (generated if/else: fastest), ``loadable`` (packed tables: small), ``compact``
            (tables without a spare bit: smallest, and slower), or ``auto``: ``inline`` while the model
            is small, else ``loadable``; or what ``budget`` asks for.
        dtype: feature type on the device. ``auto``: ``float``, unless calibration data, or without
            them the thresholds, show that all features are integers (then ``int16``, or ``int32``
            where calibration data need it).
        nan: what a NaN feature does. ``refuse``: an error; ``follow``: goes where scikit-learn
            sends it; ``ignore``: not checked; ``auto``: ``follow`` when the model was trained on
            missing values, else ``refuse``.
        budget: with ``method=auto``: ``speed`` takes the fastest, ``flash`` the smallest form, ``flash=8k``
            the fastest that takes about 8 KiB of flash or less.
        calibration: a CSV file of samples like those the device will see, or empty.
        leaf_bits: width of leaf values. ``exact``: as wide as it takes; ``1`` to ``16``: rounded; ``0``:
            hard votes, each tree votes for one class (classifiers that average proportions). ``auto``:
            exact; but where such a classifier has calibration data, the narrower of 8 and 16 bits that
            changes no class on them, if there is one.
        leaf_clusters: leaf rows a class (regressors: in all) that k-means leaves over, of 8 bits or of
            ``leaf_bits``; 0: leaves are not clustered.
    """

    method: str = "auto"
    dtype: str = "auto"
    nan: str = "auto"
    calibration: str = ""
    leaf_bits: str | int = "auto"
    leaf_clusters: int | str = 0
    budget: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.leaf_bits, Integral) and not isinstance(self.leaf_bits, bool):
            object.__setattr__(self, "leaf_bits", str(int(self.leaf_bits)))
        object.__setattr__(self, "leaf_clusters", _clusters(self.leaf_clusters))
        parse_budget(self.budget)
        for option, choices in CHOICES.items():
            value = getattr(self, option)
            if value not in choices:
                raise MilliwattError(
                    f"{value!r} is not possible", option=option, cure=f"choose one of {', '.join(choices)}"
                )
        if self.leaf_clusters and self.leaf_bits in ("exact", "0"):
            raise MilliwattError(
                f"leaf_bits={self.leaf_bits} and leaf_clusters={self.leaf_clusters} contradict each other",
                option="leaf_bits",
                cure="leave leaf_bits out: shared leaf rows have 8 bits, or up to 16 with leaf_bits=16",
            )

    @property
    def needs_estimator(self) -> bool:
        """True when an option can only be honoured while the estimator is at hand."""
        return bool(self.calibration) or any(
            getattr(self, option) != getattr(type(self), option) for option in CONVERSION
        )

    @property
    def conversion(self) -> dict[str, str]:
        """What decides how an estimator is converted, the contents of calibration data apart, as text."""
        return {option: str(getattr(self, option)) for option in CONVERSION}


def parse_options(pairs: Mapping[str, str]) -> ModelOptions:
    """Options from text; an unknown name is an error that lists the known ones."""
    known = [field.name for field in fields(ModelOptions)]
    for name in pairs:
        if name not in known:
            raise MilliwattError(
                f"unknown option {name!r}", option=name, cure=f"the options are {', '.join(known)}"
            )
    return ModelOptions(**pairs)


def _clusters(given: Any) -> int:
    """``leaf_clusters`` as a number, out of a number or a text."""
    whole = isinstance(given, Integral) and not isinstance(given, bool)
    digits = isinstance(given, str) and given.isascii() and given.isdigit()
    if (whole or digits) and 0 <= int(given) <= MAX_LEAF_CLUSTERS:
        return int(given)
    raise MilliwattError(
        f"{given!r} is not possible",
        option="leaf_clusters",
        cure=f"give leaf rows a class: 1 to {MAX_LEAF_CLUSTERS}; or 0, leaves are not clustered",
    )


@dataclass(frozen=True)
class Budget:
    """What to aim for, and how many bytes of flash there are at most (None: no limit)."""

    aim: str
    flash: int | None = None


def parse_budget(text: str) -> Budget | None:
    """``speed``, ``flash``, or ``flash=<bytes>`` with a ``k`` for 1024; nothing for no budget.

    Raises:
        MilliwattError: anything else.
    """
    if not text:
        return None
    found = re.fullmatch(r"(speed|flash)(?:=([1-9][0-9]{0,8})(k?))?", text)
    if found is None or (found[1] == "speed" and found[2]):
        raise MilliwattError(
            f"{text!r} is not possible",
            option="budget",
            cure="give speed (the fastest), flash (the smallest), or a limit: flash=8k, flash=6000",
        )
    return Budget(found[1], int(found[2]) * _UNITS[found[3]] if found[2] else None)
