"""What scikit-learn's transformers do to features: functions of one column each, or sums of columns.

Functions are in float64, operation by operation as the transformers compute them, so that thresholds can be
moved in front of them without changing an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A function of one column that never falls.

    Attributes:
        label: the step of the pipeline, for messages: ``'scaler' (StandardScaler)``.
        apply: the transformer's own operations, on an array of any shape.
        affine: ``(scale, offset)`` where it is ``x * scale + offset``; else None.
        fill: what it puts in the place of NaN; None: NaN stays NaN.
        partial: it gives NaN below some end.
    """

    label: str
    apply: Callable[[Values], Values]
    affine: tuple[float, float] | None = None
    fill: float | None = None
    partial: bool = False


@dataclass(frozen=True)
class Column:
    """A feature of the model: what becomes of the feature ``source`` of the pipeline."""

    source: int
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Column:
        return Column(self.source, (*self.steps, step))

    def __call__(self, values: Values) -> Values:
        """What the model is given where the pipeline is given ``values``."""
        with np.errstate(all="ignore"):
            for step in self.steps:
                values = step.apply(values)
        return values

    @property
    def fills(self) -> bool:
        """A missing value gets a number here."""
        return any(step.fill is not None for step in self.steps)


@dataclass(frozen=True)
class Mix:
    """Sums of columns: ``x @ weights + offset``, where ``x`` is what the columns give."""

    label: str
    weights: Values
    offset: Values


@dataclass(frozen=True)
class Preparation:
    """All of it: columns first, then sums of them.

    Attributes:
        n_features: what the pipeline takes.
        columns: what is made of them, one by one.
        mixes: what is made of these, one after the other.
    """

    n_features: int
    columns: tuple[Column, ...]
    mixes: tuple[Mix, ...] = field(default=())

    @property
    def width(self) -> int:
        return len(self.mixes[-1].offset) if self.mixes else len(self.columns)

    def each(self, steps: Sequence[Step]) -> Preparation:
        """With a step more for every column."""
        if len(steps) != self.width:
            raise UnsupportedModelError(
                f"{steps[0].label if steps else 'a step'} does not fit what comes before it: it takes "
                f"{len(steps)} features, and gets {self.width}",
                cure="fit the pipeline as a whole",
            )
        if not self.mixes:
            columns = tuple(column.then(step) for column, step in zip(self.columns, steps, strict=True))
            return Preparation(self.n_features, columns)
        bent = next((step for step in steps if step.affine is None), None)
        if bent is not None:
            raise UnsupportedModelError(
                f"{bent.label} after {self.mixes[-1].label} is not supported: no matrix can stand for both",
                cure="leave it out, or put it before",
            )
        factors = np.array([step.affine for step in steps], dtype=np.float64).reshape(-1, 2)
        return self.mixed(Mix(steps[0].label, np.diag(factors[:, 0]), factors[:, 1]))

    def mixed(self, mix: Mix) -> Preparation:
        """With sums of what there is."""
        return Preparation(self.n_features, self.columns, (*self.mixes, mix))

    def chosen(self, indices: Sequence[int], label: str) -> Preparation:
        """With these columns only, in this order."""
        if not self.mixes:
            return Preparation(self.n_features, tuple(self.columns[index] for index in indices))
        weights = np.zeros((self.width, len(indices)))
        weights[list(indices), np.arange(len(indices))] = 1.0
        return self.mixed(Mix(label, weights, np.zeros(len(indices))))

    def as_matrix(self) -> tuple[Values, Values]:
        """``a`` and ``b`` so that the features are ``x @ a + b``; each step of a column is affine."""
        matrix = np.zeros((self.n_features, len(self.columns)))
        offset = np.zeros(len(self.columns))
        for index, column in enumerate(self.columns):
            scale = 1.0
            for step in column.steps:
                assert step.affine is not None  # looked at before
                scale, offset[index] = scale * step.affine[0], offset[index] * step.affine[0] + step.affine[1]
            matrix[column.source, index] = scale
        for mix in self.mixes:
            matrix, offset = matrix @ mix.weights, offset @ mix.weights + mix.offset
        return matrix, offset


def nothing(n_features: int) -> Preparation:
    """Features as they come."""
    return Preparation(n_features, tuple(map(Column, range(n_features))))


def side_by_side(parts: Sequence[Preparation], n_features: int, label: str) -> Preparation:
    """The columns of all parts, as FeatureUnion and ColumnTransformer put them.

    Raises:
        UnsupportedModelError: a part sums up columns, and another part stands beside it.
    """
    filled = [part for part in parts if part.width]
    if len(filled) == 1:
        return filled[0]
    for part in filled:
        if part.mixes:
            raise UnsupportedModelError(
                f"{part.mixes[0].label} beside other columns of {label} is not supported",
                cure="let it take all features, as a step of the pipeline itself",
            )
    return Preparation(n_features, tuple(column for part in filled for column in part.columns))
