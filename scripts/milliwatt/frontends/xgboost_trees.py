"""XGBoost's tree boosters: its scikit-learn interface, ``Booster``, and saved models.

Everything goes through XGBoost's own file format, so that an estimator in memory and its file give
the same model. A ``Booster`` (and its file) answers with all rounds; what came from the scikit-learn
interface with rounds up to ``best_iteration``, where early stopping found one. Boosters know no class
labels: classes are 0, 1, … as XGBClassifier's own are.

**Missing values.** Every split of XGBoost has a direction for them, and nothing tells whether
training saw any: ``nan=auto`` follows those directions.

**How exact.** Splits are: XGBoost compares float32 values too. Scores are sums of the same float32
leaves; XGBoost adds them in float32 and so may be off by what ``saved_trees.sum_rounding`` says, for
dart by a few roundings a tree more. ``noise`` is that bound (twice that, where two scores are
compared), plus the rounding of the base's logarithm, plus 2**-22 for probabilities that XGBoost
computes, and compares, in float32.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, ToolMissingError, UnsupportedModelError
from milliwatt.frontends import xgboost_file
from milliwatt.frontends.nodes import Nodes, assemble
from milliwatt.frontends.saved_trees import check_leaves, sum_rounding
from milliwatt.frontends.xgboost_objectives import Objective, base_margin, objective_of
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import CLASSIFIER, MARGIN, REGRESSOR, SUM

SUPPORTED = (
    "XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "Booster",
)  # fmt: skip
SUPPORTED_FILES = ("XgboostFile",)
_FLOAT_PROBABILITIES = 2.0**-22
_HALF_ULP = 2.0**-24


@dataclass(frozen=True)
class XgboostFile:
    """A saved model: *.json or *.ubj. Reading it takes no XGBoost and runs no code of the file's."""

    raw: bytes
    booster: xgboost_file.Booster


@dataclass(frozen=True)
class _Source:
    """What is converted.

    Attributes:
        kind: ``classifier`` or ``regressor``; a ranker is a regressor.
        n_rounds: how many rounds of trees answer.
        from_sklearn: it answers as XGBoost's scikit-learn interface does.
    """

    booster: xgboost_file.Booster
    objective: Objective
    kind: str
    n_rounds: int
    from_sklearn: bool

    @property
    def link(self) -> str:
        return self.objective.link if self.kind == CLASSIFIER else self.objective.as_value

    @property
    def cut(self) -> float:
        """XGBClassifier compares what predict() gives with 1/2, even where that is a score."""
        return 0.5 if self.from_sklearn and self.booster.objective == "binary:logitraw" else 0.0


def read_file(raw: bytes) -> XgboostFile:
    """A saved model's bytes; damaged ones are a :class:`ModelFileError`."""
    return XgboostFile(raw, xgboost_file.read_booster(xgboost_file.parse(raw)))


def convert_trees(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A booster as an IR model; ``kind`` is the supported class's name."""
    source = _source(estimator, kind)
    booster = source.booster
    trees, sets = booster.trees(int(booster.rounds[source.n_rounds]))
    trees, outputs = trees or [_zero(booster)], booster.tree_output[: len(trees)].tolist() or [0]
    check_leaves(trees)
    base = base_margin(source.objective, booster.base_score, bounded=booster.version >= (3, 2))
    weighted = [_weighted(nodes, float(w)) for nodes, w in zip(trees, booster.tree_weight, strict=False)]
    follow = nan in ("follow", "auto")
    leaves, made = assemble(weighted or trees, follow=follow)
    one_column = booster.n_outputs == 1 or booster.vector_leaves
    return TreeEnsemble(
        task=source.kind,
        n_features=booster.n_features,
        trees=made,
        leaves=leaves,
        classes=tuple(range(max(booster.n_outputs, 2))) if source.kind == CLASSIFIER else (),
        feature_names=booster.feature_names,
        check_nan=nan == "refuse",
        origin={
            "class": _class_name(estimator),
            "library": f"XGBoost {'.'.join(map(str, booster.version)) or 'of an unknown version'}",
        },
        aggregate=SUM,
        base=tuple(base.tolist()),
        outputs=() if one_column else tuple(outputs),
        link=source.link,
        cut=source.cut,
        category_sets=sets,
        noise=_noise(source, trees, base),
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, scores where there are none, or values: what XGBoost itself says.

    A file's booster is asked too, so XGBoost has to be installed here.
    """
    source = _source(estimator, _kind(estimator))
    library = _library()
    booster = _live_booster(estimator, library)
    matrix = library.DMatrix(
        samples.astype(np.float32),
        missing=np.nan,
        feature_types=booster.feature_types,
        enable_categorical=True,
    )
    softmax = source.booster.objective == "multi:softmax"  # predict() answers the class alone
    given = booster.predict(
        matrix,
        output_margin=softmax or source.link == MARGIN,
        iteration_range=(0, source.n_rounds),
        validate_features=False,
    )
    result = np.asarray(given, dtype=np.float64).reshape(len(samples), -1)
    if softmax:
        raised = np.exp(result - result.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))
    if source.kind == CLASSIFIER and result.shape[1] == 1 and source.link != MARGIN:
        return np.column_stack([1.0 - result[:, 0], result[:, 0]])
    return result


def _kind(estimator: Any) -> str:
    names = [cls.__name__ for cls in type(estimator).__mro__]
    return next(name for name in names if name in SUPPORTED + SUPPORTED_FILES)


def _class_name(estimator: Any) -> str:
    return "Booster" if isinstance(estimator, XgboostFile) else type(estimator).__name__


def _source(estimator: Any, kind: str) -> _Source:
    if isinstance(estimator, XgboostFile):
        booster, role = estimator.booster, estimator.booster.saved_as
    else:
        booster = xgboost_file.read_booster(xgboost_file.parse(_saved(estimator, kind)))
        role = "" if kind == "Booster" else _checked_role(estimator, kind)
    objective = objective_of(booster.objective)
    if not role:
        task = CLASSIFIER if objective.classifies else REGRESSOR
    else:
        task = CLASSIFIER if role == "classifier" else REGRESSOR
    n_rounds = len(booster.rounds) - 1
    if role and booster.best_iteration is not None:
        n_rounds = min(booster.best_iteration + 1, n_rounds)
    source = _Source(booster, objective, task, n_rounds, from_sklearn=bool(role))
    _check(source)
    return source


def _check(source: _Source) -> None:
    booster, name = source.booster, source.booster.objective
    if source.kind == CLASSIFIER and booster.several_targets:
        raise UnsupportedModelError(
            f"a classifier with {booster.n_outputs} labels a sample is not supported",
            cure="train one classifier per label",
        )
    classifies = source.objective.classifies or name == "reg:logistic"
    if source.kind == CLASSIFIER and not classifies:
        raise UnsupportedModelError(
            f"a classifier with objective {name!r} is not supported",
            cure="train with binary:logistic or multi:softprob, or use XGBRegressor",
        )
    if source.kind == REGRESSOR and not source.objective.as_value:
        raise UnsupportedModelError(
            f"a regressor with objective {name!r} is not supported: it answers classes",
            cure="use XGBClassifier",
        )


def _checked_role(estimator: Any, kind: str) -> str:
    """``classifier``, ``regressor`` or ``ranker``, of an estimator without surprises."""
    missing = getattr(estimator, "missing", None)
    if missing is not None and not np.isnan(missing):
        raise UnsupportedModelError(
            f"missing={missing} is not supported: on the device a missing value is NaN",
            cure="train with missing=nan, with NaN in the place of missing values",
        )
    role = kind.removeprefix("XGB").removeprefix("RF").lower()
    if role == "classifier" and callable(getattr(estimator, "objective", None)):
        raise UnsupportedModelError(
            "a classifier with an objective of your own is not supported: its probabilities are not known",
            cure="convert its scores: milliwatt.convert(estimator.get_booster())",
        )
    return role


def _saved(estimator: Any, kind: str) -> bytes:
    """The booster in XGBoost's file format."""
    unfitted = MilliwattError(f"this {kind} is not fitted", cure="call fit() before converting")
    if kind != "Booster" and not estimator.__sklearn_is_fitted__():
        raise unfitted
    try:
        booster = estimator if kind == "Booster" else estimator.get_booster()
        return bytes(booster.save_raw(raw_format="ubj"))
    except _library().core.XGBoostError:
        raise unfitted from None


def _library() -> Any:
    try:
        import xgboost
    except ImportError:
        raise ToolMissingError(
            "the Python package xgboost is needed to compare with XGBoost's own answers",
            option="calibration",
            cure="pip install xgboost (or the smaller xgboost-cpu), or convert without calibration data",
        ) from None
    return xgboost


def _live_booster(estimator: Any, library: Any) -> Any:
    if isinstance(estimator, XgboostFile):
        try:
            return library.Booster(model_file=bytearray(estimator.raw))
        except library.core.XGBoostError as error:
            raise MilliwattError(
                f"XGBoost {library.__version__} cannot load it ({str(error).splitlines()[-1]})",
                cure="install the version that saved it, or convert without calibration data",
            ) from None
    return estimator if _kind(estimator) == "Booster" else estimator.get_booster()


def _zero(booster: xgboost_file.Booster) -> Nodes:
    """The tree of a booster that has none: it adds nothing to the base."""
    width = booster.n_outputs if booster.vector_leaves else 1
    none, node = np.full(1, -1), np.zeros(1, dtype=np.int64)
    value = np.zeros((1, width))
    return Nodes(none, none, node, np.zeros(1), value, np.zeros(1, dtype=bool), np.zeros(1))


def _weighted(nodes: Nodes, weight: float) -> Nodes:
    """A tree with dart's factor in its leaves: exact, as both have 24 bits."""
    return nodes if weight == 1.0 else dataclasses.replace(nodes, value=nodes.value * weight)


def _noise(source: _Source, trees: Sequence[Nodes], base: NDArray[np.float64]) -> float:
    """See the top of this file."""
    weights = [abs(float(w)) for w in source.booster.tree_weight[: len(trees)]] or [1.0]
    weighted = [_weighted(nodes, w) for nodes, w in zip(trees, weights, strict=True)]
    bound = sum_rounding(weighted, base, np.float32)
    if any(w != 1.0 for w in weights):
        # dart: weight * (fl(base + leaf) - base), added up; each of the three steps rounds.
        start = float(np.abs(base).max())
        largest = [float(np.abs(nodes.value).max()) for nodes in trees]
        bound += 4 * _HALF_ULP * sum(w * (v + start) for w, v in zip(weights, largest, strict=True))
    if source.objective.base != "identity":
        bound += 8 * _HALF_ULP * (1.0 + float(np.abs(base).max()))
    if source.kind == CLASSIFIER and len(base) > 1:
        bound *= 2.0
    return bound + _FLOAT_PROBABILITIES
