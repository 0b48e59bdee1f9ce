"""Typed, frozen nodes of the intermediate representation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Label = int | float | str | bool

CLASSIFIER = "classifier"
REGRESSOR = "regressor"


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary decision tree, splits only.

    Split ``i`` sends a sample left when ``x[feature[i]] <= threshold[i]``. A child ``>= 0`` is
    another split, a child ``< 0`` is row ``~child`` of the ensemble's ``leaves``. ``root`` is a
    child too, so a tree that never splits is ``Tree(root=~row)``.

    Attributes:
        missing_left: where a missing value (NaN) goes, one flag a split; empty when the model
            was not trained on missing values.
    """

    root: int
    feature: tuple[int, ...] = ()
    threshold: tuple[float, ...] = ()
    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    missing_left: tuple[bool, ...] = ()

    @property
    def n_splits(self) -> int:
        return len(self.feature)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a model answered as the estimator did, on data it was given.

    Attributes:
        rows: number of samples compared.
        agree: classifiers: samples with the same class. Regressors: samples within ``bound``.
        ties: samples left out because the estimator's own best two probabilities differ by less
            than 1e-9, so that its rounding noise decides.
        max_error: regressors: the largest absolute difference.
    """

    rows: int
    agree: int
    ties: int = 0
    max_error: float = 0.0

    @property
    def fraction(self) -> float:
        return (self.agree + self.ties) / self.rows if self.rows else 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learnt from calibration data: input ranges, and the agreement measured on it."""

    agreement: Agreement
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeEnsemble:
    """Decision trees whose leaf rows are averaged.

    Attributes:
        task: ``"classifier"`` (rows are class proportions) or ``"regressor"`` (rows are values).
        n_features: width of a sample.
        dtype: feature type on the device, a key of ``dtypes.FEATURE_TYPES``. Thresholds are exact
            values of that type once the model went through ``passes``.
        trees: the trees, in the estimator's order.
        leaves: distinct leaf rows, each with one number per output.
        classes: the estimator's own labels, in its order; empty for regressors.
        scale: with integer ``dtype`` and real-valued features: the device's feature is
            ``round(x * scale[i])``, saturated; empty when features are used as they are.
        feature_names: as the estimator knew them; empty when it did not.
        method: ``"auto"``, ``"inline"`` or ``"loadable"``: the default when C is made from it.
        check_nan: refuse a sample that holds NaN on the device (float models that were not
            trained on missing values).
        origin: what the model was made from, for humans: library, version, class.
        calibration: measured on calibration data, if there was any.
    """

    task: str
    n_features: int
    trees: tuple[Tree, ...]
    leaves: tuple[tuple[float, ...], ...]
    classes: tuple[Label, ...] = ()
    dtype: str = "float"
    scale: tuple[float, ...] = ()
    feature_names: tuple[str, ...] = ()
    name: str = "model"
    method: str = "auto"
    check_nan: bool = True
    origin: dict[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def is_classifier(self) -> bool:
        return self.task == CLASSIFIER

    @property
    def n_outputs(self) -> int:
        return len(self.leaves[0])

    @property
    def n_splits(self) -> int:
        return sum(tree.n_splits for tree in self.trees)

    @property
    def handles_missing(self) -> bool:
        return any(tree.missing_left for tree in self.trees)

    @property
    def is_pure(self) -> bool:
        """True when every leaf gives one class everything: then votes can be counted."""
        return self.is_classifier and all(sorted(row)[-1] == 1.0 and sum(row) == 1.0 for row in self.leaves)


def used_features(trees: Sequence[Tree]) -> list[int]:
    """The features that some split looks at, ascending."""
    return sorted({f for tree in trees for f in tree.feature})
