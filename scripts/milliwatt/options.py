"""The options of a model: the same names and defaults in Python, CLI, PlatformIO and CMake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from milliwatt.errors import MilliwattError

CHOICES: dict[str, tuple[str, ...]] = {
    "method": ("auto", "inline", "loadable"),
    "dtype": ("auto", "float", "int8", "uint8", "int16", "int32"),
    "nan": ("auto", "refuse", "follow", "ignore"),
}


@dataclass(frozen=True)
class ModelOptions:
    """How a model is converted.

    Attributes:
        method: ``inline`` (generated if/else: fast), ``loadable`` (packed tables: small), or
            ``auto``, which takes the smaller one unless the model is tiny.
        dtype: feature type on the device. ``auto``: ``float``, unless calibration data, or without
            them the thresholds, show that all features are integers (then ``int16``, or ``int32``
            where calibration data need it).
        nan: what a NaN feature does. ``refuse``: an error; ``follow``: goes where scikit-learn
            sends it; ``ignore``: not checked; ``auto``: ``follow`` when the model was trained on
            missing values, else ``refuse``.
        calibration: a CSV file of samples like those the device will see, or empty.
    """

    method: str = "auto"
    dtype: str = "auto"
    nan: str = "auto"
    calibration: str = ""

    def __post_init__(self) -> None:
        for option, choices in CHOICES.items():
            value = getattr(self, option)
            if value not in choices:
                raise MilliwattError(
                    f"{value!r} is not possible", option=option, cure=f"choose one of {', '.join(choices)}"
                )

    @property
    def needs_estimator(self) -> bool:
        """True when an option can only be honoured while the estimator is at hand."""
        return self.dtype != "auto" or self.nan != "auto" or bool(self.calibration)


def parse_options(pairs: Mapping[str, str]) -> ModelOptions:
    """Options from text; an unknown name is an error that lists the known ones."""
    known = [field.name for field in fields(ModelOptions)]
    for name in pairs:
        if name not in known:
            raise MilliwattError(
                f"unknown option {name!r}", option=name, cure=f"the options are {', '.join(known)}"
            )
    return ModelOptions(**pairs)
