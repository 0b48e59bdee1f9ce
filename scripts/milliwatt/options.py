"""The options of a model: the same names and defaults in Python, CLI, PlatformIO and CMake."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    "quantize": ("none", "int8", "int16"),
    "arena": ("auto", "static", "caller"),
    "task": ("auto", "classifier", "multilabel", "regressor"),
}
MAX_LEAF_CLUSTERS = 1024
_UNITS = {"": 1, "k": 1024}
# Options that are settled once there is a model file.
CONVERSION = ("dtype", "nan", "leaf_bits", "leaf_clusters", "quantize", "task", "classes", "input_shape")
# Options that only one kind of model has a use for.
TREES_ONLY = ("method", "budget", "leaf_bits", "leaf_clusters")
NETWORKS_ONLY = ("quantize", "arena", "task", "classes", "input_shape")
Label = int | float | str | bool


@dataclass(frozen=True)
class ModelOptions:
    """How a model is converted.

    Those in :data:`TREES_ONLY` are for trees and what is made of them, those in :data:`NETWORKS_ONLY` for
    neural networks: :func:`check_kind` refuses them elsewhere. The others are for all models.

    Attributes:
        method: ``inline`` (generated if/else: fastest), ``loadable`` (packed tables: small), ``compact``
            (tables without a spare bit: smallest, and slower), or ``auto``: ``inline`` while the model
            is small, else ``loadable``; or what ``budget`` asks for.
        dtype: feature type on the device. ``auto``: ``float``, unless calibration data, or without
            them the thresholds, show that all features are integers (then ``int16``, or ``int32``
            where calibration data need it). Networks of floats keep ``float``; with ``quantize`` and
            calibration data that are all integers it is ``uint8`` (images), ``int8`` or ``int16``,
            the first that holds them.
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
        quantize: networks: what layers compute with. ``none``: floats, as they were trained; ``int8``:
            bytes; ``int16``: integers of 16 bits between layers, for networks that bytes hurt. The
            last two need calibration data, or an ONNX graph that is quantised already (in QDQ form) to
            as many bits, whose scales, zero points and weights are kept.
        arena: networks: who owns the buffers between layers. ``static``: the generated code has an
            array; ``caller``: whoever calls gives one; ``auto``: as the model file says, else ``static``.
        task: networks out of libraries that do not say what outputs mean. ``classifier``: they are
            scores of classes; ``multilabel``: each is that of a label, which holds or not; ``regressor``:
            they are values; ``auto``: what ends in softmax or sigmoid, and what is given ``classes``, is a
            classifier.
        classes: networks that do not know their classes: the labels, in the order of outputs (of a
            single output: two). As text, separated by commas. Nothing: 0, 1, 2, …
        input_shape: PyTorch modules that do not begin with a Linear layer: the shape of one sample as
            the module takes it, ``1x28x28``; in Python a tuple does too.
    """

    method: str = "auto"
    dtype: str = "auto"
    nan: str = "auto"
    calibration: str = ""
    leaf_bits: str | int = "auto"
    leaf_clusters: int | str = 0
    budget: str = ""
    quantize: str = "none"
    arena: str = "auto"
    task: str = "auto"
    classes: Sequence[Label] | str = ()
    input_shape: Sequence[int] | str = ()

    def __post_init__(self) -> None:
        if isinstance(self.leaf_bits, Integral) and not isinstance(self.leaf_bits, bool):
            object.__setattr__(self, "leaf_bits", str(int(self.leaf_bits)))
        object.__setattr__(self, "leaf_clusters", _clusters(self.leaf_clusters))
        object.__setattr__(self, "classes", parse_classes(self.classes))
        object.__setattr__(self, "input_shape", parse_shape(self.input_shape))
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
        if self.classes and self.task == "regressor":
            raise MilliwattError(
                "a regressor has no classes", option="classes", cure="leave out classes, or task=regressor"
            )

    def is_given(self, option: str) -> bool:
        """Whether an option is not what it is where nobody gives it."""
        return bool(getattr(self, option) != getattr(type(self), option))

    @property
    def needs_estimator(self) -> bool:
        """True when an option can only be honoured while the estimator is at hand."""
        return bool(self.calibration) or any(map(self.is_given, CONVERSION))

    @property
    def conversion(self) -> dict[str, str]:
        """What decides how an estimator is converted, the contents of calibration data apart, as text."""
        texts = {option: str(getattr(self, option)) for option in CONVERSION}
        classes, shape = map(str, self.classes), map(str, self.input_shape)
        return {**texts, "classes": ",".join(classes), "input_shape": "x".join(shape)}


def parse_options(pairs: Mapping[str, str]) -> ModelOptions:
    """Options from text; an unknown name is an error that lists the known ones."""
    known = [field.name for field in fields(ModelOptions)]
    for name in pairs:
        if name not in known:
            raise MilliwattError(
                f"unknown option {name!r}", option=name, cure=f"the options are {', '.join(known)}"
            )
    return ModelOptions(**pairs)


def check_kind(options: ModelOptions, *, network: bool, what: str) -> None:
    """Refuse options that a model of this kind cannot honour.

    Args:
        network: it is a neural network; else it is made of trees.
        what: the model in words, a class's name say.

    Raises:
        MilliwattError: names the option and what there is instead.
    """
    for option in TREES_ONLY if network else NETWORKS_ONLY:
        if options.is_given(option):
            kinds = ("trees", "a neural network") if network else ("neural networks", "made of trees")
            raise MilliwattError(
                f"{option}={getattr(options, option)} is for {kinds[0]}, and {what} is {kinds[1]}",
                option=option,
                cure=_INSTEAD[option],
            )


_INSTEAD = {
    "method": "leave it out: networks are tables that the library's layers read",
    "budget": "leave it out; quantize=int8 makes a network small and fast",
    "leaf_bits": "leave it out; quantize=int8 or int16 is what narrows a network's numbers",
    "leaf_clusters": "leave it out; quantize=int8 or int16 is what narrows a network's numbers",
    "quantize": "leave it out; dtype, leaf_bits and method=compact make trees small",
    "arena": "leave it out: trees need no buffers",
    "task": "leave it out: such a model knows its task",
    "classes": "leave it out: such a model knows its classes",
    "input_shape": "leave it out: such a model knows how many features it takes",
}


def parse_classes(given: Any) -> tuple[Label, ...]:
    """Labels out of a text that separates them by commas, or out of a sequence.

    In a text, labels that are all whole numbers are taken for numbers.

    Raises:
        MilliwattError: labels that are empty, equal, or neither numbers nor texts.
    """
    cure = "give labels in the order of outputs, such as classes=idle,walk,run"
    if isinstance(given, str):
        texts = [text.strip() for text in given.split(",")] if given else []
        whole = all(re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text) for text in texts)
        labels: tuple[Any, ...] = tuple(map(int, texts)) if whole else tuple(texts)
    else:
        try:
            labels = tuple(map(_plain, given))
        except TypeError:
            raise MilliwattError(f"{given!r} is not possible", option="classes", cure=cure) from None
    if not all(isinstance(label, (int, float, str)) for label in labels):
        raise MilliwattError("a label is neither a number nor a text", option="classes", cure=cure)
    if "" in labels:
        raise MilliwattError("a label is empty", option="classes", cure=cure)
    if len(set(map(str, labels))) < len(labels):
        raise MilliwattError("two labels are equal", option="classes", cure=cure)
    return labels


def _plain(label: Any) -> Any:
    """A label without the type that numpy gives it."""
    return label.item() if hasattr(label, "item") else label


def parse_shape(given: Any) -> tuple[int, ...]:
    """A shape out of a text such as ``1x28x28``, or out of a sequence of whole numbers > 0.

    Raises:
        MilliwattError: it is none, or of more than three dimensions.
    """
    sides: list[Any] = []
    if isinstance(given, str):
        sides = [int(side) if re.fullmatch("[1-9][0-9]{0,4}", side) else 0 for side in given.split("x")]
        sides = sides if given else []
    else:
        try:
            sides = list(given)
        except TypeError:
            sides = [0]
    whole = all(isinstance(side, Integral) and not isinstance(side, bool) and int(side) > 0 for side in sides)
    if not whole or len(sides) > 3:
        raise MilliwattError(
            f"{given!r} is not possible",
            option="input_shape",
            cure="give the shape of one sample, without the batch: 1x28x28 (channels, height, width), or 64",
        )
    return tuple(int(side) for side in sides)


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
