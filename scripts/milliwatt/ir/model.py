"""Typed, frozen nodes of the intermediate representation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from milliwatt.ir.signals import Signals

if TYPE_CHECKING:
    from milliwatt.ir.quantization import QuantizeTrade

Label = int | float | str | bool

CLASSIFIER = "classifier"
REGRESSOR = "regressor"

MEAN, SUM, MEDIAN = AGGREGATES = ("mean", "sum", "median")
IDENTITY, SIGMOID, SOFTMAX, EXP, MARGIN, ISOLATION = LINKS = (
    "identity", "sigmoid", "softmax", "exp", "margin", "isolation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary decision tree, splits only.

    Split ``i`` sends a sample left when ``x[feature[i]] <= threshold[i]``. A child ``>= 0`` is
    another split, a child ``< 0`` is row ``~child`` of the ensemble's ``leaves``. ``root`` is a
    child too, so a tree that never splits is ``Tree(root=~row)``.

    Attributes:
        missing_left: where a missing value (NaN) goes, one flag a split; empty when the model
            was not trained on missing values.
        category_set: empty, or for each split -1, or the index of one of the ensemble's
            ``category_sets``: then a sample goes left when the set takes ``x[feature[i]]``, and
            ``threshold[i]`` is 0 and means nothing.
    """

    root: int
    feature: tuple[int, ...] = ()
    threshold: tuple[float, ...] = ()
    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    missing_left: tuple[bool, ...] = ()
    category_set: tuple[int, ...] = ()

    @property
    def n_splits(self) -> int:
        return len(self.feature)


@dataclass(frozen=True, slots=True)
class CategorySet:
    """Which categories go left.

    A feature that counts categories is a whole number >= 0 (a fraction is cut off). NaN goes by
    ``missing_left``.

    Attributes:
        members: ascending, 0 to 65535.
        inverted: every value that is *not* a member goes left.
    """

    members: tuple[int, ...]
    inverted: bool = False


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
class LeafTrade:
    """What was done to the leaves, and what it changed on calibration data.

    Attributes:
        leaf_bits: 0: hard votes; 1 to 16: width of a leaf's values; None: they are exact.
        leaf_clusters: leaf rows that a class was allowed; 0: as many as there are.
        reason: why, for humans.
        classes_changed: classifiers: samples whose class is not that of the exact leaves.
        auc_before: macro average of the areas under the ROC curves, each class against the rest,
            with exact leaves; None for regressors, and where less than two classes occur.
        auc_after: the same with these leaves.
        labelled: the areas are against the labels that came with the calibration data; else against
            the classes that the exact leaves give.
    """

    leaf_bits: int | None
    leaf_clusters: int = 0
    reason: str = ""
    classes_changed: int = 0
    auc_before: float | None = None
    auc_after: float | None = None
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learnt from calibration data: input ranges, and the agreement measured on it.

    Attributes:
        agreement: with the estimator.
        low: each feature's lowest value, inf where it is always missing; empty: not known.
        high: likewise, -inf.
        leaves: what narrower leaves changed; None where nothing was traded or tried.
        trees_evaluated: trees that a prediction takes on average, thanks to the early exit; None where
            it always takes all.
        quantize: what integers instead of floats changed; None for models of floats.
    """

    agreement: Agreement
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    leaves: LeafTrade | None = None
    trees_evaluated: float | None = None
    quantize: QuantizeTrade | None = None


@dataclass(frozen=True, slots=True)
class TreeEnsemble:
    """Decision trees whose leaf rows are added up to scores, and what follows from the scores.

    The *score* of output ``o`` is ``base[o]`` plus the sum, or the mean, of the leaf rows that a
    sample reaches. What scores mean is said by ``link``:

    ============== ==================================================================================
    ``identity``   classifier: scores are probabilities; regressor: scores are the values
    ``sigmoid``    ``1 / (1 + exp(-score))``: a probability, or a regressed value
    ``softmax``    classifier: probabilities are ``exp(score)`` over their sum
    ``exp``        regressor: ``exp(score)``
    ``margin``     classifier that knows no probabilities, only scores
    ``isolation``  outlier detector: its ``score_samples`` is ``-2**-score``; no probabilities
    ============== ==================================================================================

    A classifier has one output a class and answers the class of the highest score, the lowest index
    among equals; or it has two classes and a single output, and answers class 1 when the score
    lies above ``cut`` (at ``cut`` too, if ``cut_inclusive``).

    Attributes:
        task: ``"classifier"`` or ``"regressor"``.
        n_features: width of a sample.
        dtype: feature type on the device, a key of ``dtypes.FEATURE_TYPES``. Thresholds are exact
            values of that type once the model went through ``passes``.
        trees: the trees, in the estimator's order.
        leaves: distinct leaf rows, each with one number per output; with ``outputs`` one number.
        classes: the estimator's own labels, in its order; empty for regressors.
        scale: with integer ``dtype`` and real-valued features: the device's feature is
            ``round(x * scale[i])``, saturated; empty when features are used as they are.
        feature_names: as the estimator knew them; empty when it did not.
        method: ``"auto"``, ``"inline"``, ``"loadable"`` or ``"compact"``: the default when C is made from it.
        budget: what ``method="auto"`` has to keep to: ``""``, ``"speed"``, ``"flash"`` or ``"flash=8k"``; see
            ``ModelOptions``.
        check_nan: refuse a sample that holds NaN on the device (float models that were not
            trained on missing values).
        origin: what the model was made from, for humans: library, version, class.
        calibration: measured on calibration data, if there was any.
        aggregate: ``"mean"``, ``"sum"``, or ``"median"``: the weighted median of a single output, the
            smallest leaf value at which the weights of trees with values up to it reach half of all.
        base: what each output's score starts from; empty: zeros, one an output of the leaf rows.
        outputs: for trees whose leaves are one number: the output that each tree adds to.
        weights: with ``median`` each tree's weight, > 0.
        link: see above.
        cut: see above.
        cut_inclusive: see above.
        category_sets: what trees' ``category_set`` refers to.
        noise: two best scores closer to each other than this are decided by the estimator's own
            rounding (float32 sums, say), so that either class counts as its answer.
        leaf_error: models with narrower leaves than the estimator's: how far that moves each answer
            (probability, value, or score where a classifier has nothing else) at most; else empty.
        signals: what makes the features of raw samples, where the model has that from its pipeline.
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
    budget: str = ""
    check_nan: bool = True
    origin: dict[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    aggregate: str = MEAN
    base: tuple[float, ...] = ()
    outputs: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    link: str = IDENTITY
    cut: float = 0.0
    cut_inclusive: bool = False
    category_sets: tuple[CategorySet, ...] = ()
    noise: float = 1e-9
    leaf_error: tuple[float, ...] = ()
    signals: Signals | None = None

    @property
    def is_classifier(self) -> bool:
        return self.task == CLASSIFIER

    @property
    def n_outputs(self) -> int:
        """Scores: one a class or a regressed value, or a single one for two classes."""
        return len(self.base) or len(self.leaves[0])

    @property
    def is_binary(self) -> bool:
        """A classifier whose single score lies above the cut or not."""
        return self.is_classifier and self.n_outputs == 1 and len(self.classes) == 2

    @property
    def n_answers(self) -> int:
        """Numbers in the answer: probabilities of a classifier, values of a regressor."""
        return len(self.classes) if self.is_classifier else self.n_outputs

    @property
    def n_columns(self) -> int:
        """Numbers in the oracle's answer: as ``n_answers``, but scores where there are no probabilities."""
        return self.n_answers if self.has_probabilities else self.n_outputs

    @property
    def has_probabilities(self) -> bool:
        return self.is_classifier and self.link in (IDENTITY, SIGMOID, SOFTMAX)

    @property
    def has_scores(self) -> bool:
        """A classifier whose scores are not its probabilities: then its C has a function for them."""
        return self.is_classifier and (self.link != IDENTITY or self.is_binary)

    @property
    def n_splits(self) -> int:
        return sum(tree.n_splits for tree in self.trees)

    @property
    def handles_missing(self) -> bool:
        return any(tree.missing_left for tree in self.trees)

    @property
    def handles_categories(self) -> bool:
        return any(tree.category_set for tree in self.trees)

    @property
    def averages_proportions(self) -> bool:
        """A classifier whose probabilities are means of leaf rows, one number a class."""
        plain = self.link == IDENTITY and self.aggregate == MEAN and not self.outputs and not any(self.base)
        return self.is_classifier and not self.is_binary and plain

    @property
    def is_pure(self) -> bool:
        """True when every leaf gives one class everything: then votes can be counted."""
        if (
            not self.is_classifier
            or self.is_binary
            or self.outputs
            or self.aggregate != MEAN
            or any(self.base)
        ):
            return False
        return all(sorted(row)[-1] == 1.0 and sum(row) == 1.0 for row in self.leaves)


def used_features(trees: Sequence[Tree]) -> list[int]:
    """The features that some split looks at, ascending."""
    return sorted({f for tree in trees for f in tree.feature})
