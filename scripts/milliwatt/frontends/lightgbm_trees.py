"""LightGBM: its scikit-learn interface, ``Booster``, and saved models.

Everything goes through LightGBM's own text format, so that an estimator in memory and its file give
the same model: with the trees up to ``best_iteration``, where early stopping found one, as predict()
takes them and save_model() writes them.

**Missing values.** A split knows missing values where training saw NaN in its feature, and sends NaN
where it learnt to; other splits take NaN for 0. ``nan=auto`` follows that if a split knows missing
values, and refuses NaN otherwise; ``nan=follow`` takes NaN for 0 then.

**How exact.** LightGBM compares and adds doubles: scores differ from exact sums by what
``saved_trees.sum_rounding`` says, far below ``noise``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, ModelFileError, ToolMissingError, UnsupportedModelError
from milliwatt.frontends import lightgbm_file
from milliwatt.frontends.nodes import Nodes, assemble
from milliwatt.frontends.saved_trees import RESAVE, check_leaves, sum_rounding
from milliwatt.frontends.sklearn_common import class_labels, quietly
from milliwatt.ir import Label, TreeEnsemble
from milliwatt.ir.model import CLASSIFIER, EXP, IDENTITY, REGRESSOR, SIGMOID, SOFTMAX, SUM

SUPPORTED = ("LGBMClassifier", "LGBMRegressor", "LGBMRanker", "Booster")
SUPPORTED_FILES = ("LightgbmFile",)

# Objectives, and how scores become answers.
_CLASSIFYING = {"binary": SIGMOID, "multiclass": SOFTMAX, "multiclassova": SIGMOID}
_REGRESSING = {
    "regression": IDENTITY,
    "regression_l1": IDENTITY,
    "huber": IDENTITY,
    "fair": IDENTITY,
    "quantile": IDENTITY,
    "mape": IDENTITY,
    "poisson": EXP,
    "gamma": EXP,
    "tweedie": EXP,
    "cross_entropy": SIGMOID,
    "lambdarank": IDENTITY,
    "rank_xendcg": IDENTITY,
}
_LINKS = {**_CLASSIFYING, **_REGRESSING}
_TIE = 1e-9


@dataclass(frozen=True)
class LightgbmFile:
    """A saved model. Reading it takes no LightGBM."""

    text: str
    booster: lightgbm_file.Booster


def read_file(raw: bytes) -> LightgbmFile:
    """A saved model's bytes; damaged ones are a :class:`ModelFileError`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ModelFileError("not a text file", cure=RESAVE) from None
    return LightgbmFile(text, lightgbm_file.read_booster(text))


def convert_trees(estimator: Any, kind: str, *, nan: str) -> TreeEnsemble:
    """A model of LightGBM as an IR model; ``kind`` is the supported class's name."""
    booster = _booster(estimator, kind)
    link, factor = _link(booster.objective)
    task = _task(estimator, kind, booster)
    n = booster.n_outputs
    if booster.averages and booster.trees:
        factor /= len(booster.trees) // n
    trees = [dataclasses.replace(nodes, value=nodes.value * factor) for nodes in booster.trees]
    trees = trees or [_zero()]
    check_leaves(trees)
    follow = nan == "follow" or (nan == "auto" and booster.knows_missing)
    leaves, made = assemble(trees, follow=follow)
    return TreeEnsemble(
        task=task,
        n_features=booster.n_features,
        trees=made,
        leaves=leaves,
        classes=_classes(estimator, kind, n) if task == CLASSIFIER else (),
        feature_names=booster.feature_names,
        check_nan=nan != "ignore" and not follow,
        origin={
            "class": "Booster" if isinstance(estimator, LightgbmFile) else type(estimator).__name__,
            "library": f"LightGBM, format {booster.version}",
        },
        aggregate=SUM,
        base=(0.0,) * n,
        outputs=() if n == 1 else tuple(index % n for index in range(len(made))),
        link=link,
        category_sets=booster.category_sets,
        noise=max(_TIE, 2.0 * sum_rounding(trees, np.zeros(n), np.float64)),
    )


def answers(estimator: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, or values: what LightGBM itself says.

    A file's model is asked too, so LightGBM has to be installed here.
    """
    kind = _kind(estimator)
    binary = _task(estimator, kind, _booster(estimator, kind)) == CLASSIFIER
    predict = _predict(estimator, kind)
    given = quietly(predict, samples)
    if binary and given.shape[1] == 1:
        return np.column_stack([1.0 - given[:, 0], given[:, 0]])
    return given


def _kind(estimator: Any) -> str:
    names = [cls.__name__ for cls in type(estimator).__mro__]
    return next(name for name in names if name in SUPPORTED + SUPPORTED_FILES)


def _predict(estimator: Any, kind: str) -> Callable[[NDArray[np.float64]], Any]:
    live = _loaded(estimator) if isinstance(estimator, LightgbmFile) else estimator
    predict: Callable[[NDArray[np.float64]], Any]
    predict = live.predict_proba if kind == "LGBMClassifier" else live.predict
    return predict


def _loaded(file: LightgbmFile) -> Any:
    """The file's model as LightGBM loads it.

    Without the line of tree sizes, which LightGBM trusts: it crashes where a file's line ends were
    changed. Without it, it looks for the trees.
    """
    try:
        import lightgbm
    except ImportError:
        raise ToolMissingError(
            "the Python package lightgbm is needed to compare with LightGBM's own answers",
            option="calibration",
            cure="pip install lightgbm, or convert without calibration data",
        ) from None
    try:
        lines = (line for line in file.text.splitlines() if not line.startswith("tree_sizes="))
        return lightgbm.Booster(model_str="\n".join(lines) + "\n")
    except lightgbm.basic.LightGBMError as error:
        raise MilliwattError(
            f"LightGBM {lightgbm.__version__} cannot load it ({error})",
            cure="install the version that saved it, or convert without calibration data",
        ) from None


def _booster(estimator: Any, kind: str) -> lightgbm_file.Booster:
    if isinstance(estimator, LightgbmFile):
        return estimator.booster
    if kind != "Booster" and not estimator.__sklearn_is_fitted__():
        raise MilliwattError(f"this {kind} is not fitted", cure="call fit() before converting")
    booster = estimator if kind == "Booster" else estimator.booster_
    return lightgbm_file.read_booster(booster.model_to_string())


def _link(objective: tuple[str, ...]) -> tuple[str, float]:
    """How scores become answers, and a factor that scores are to be multiplied with before."""
    if not objective:
        return IDENTITY, 1.0  # none, or one of the user's own: LightGBM answers scores
    name, settings = objective[0], dict(word.partition(":")[::2] for word in objective[1:])
    if "sqrt" in settings:
        raise UnsupportedModelError(
            "reg_sqrt is not supported: it squares what the trees add up to",
            cure="train with reg_sqrt=false, on the square root of the targets if you like",
        )
    if name not in _LINKS:
        raise UnsupportedModelError(
            f"objective {name!r} is not supported", cure="train with one of " + ", ".join(_LINKS)
        )
    if name not in ("binary", "multiclassova"):
        return _LINKS[name], 1.0
    try:
        factor = float(settings.get("sigmoid", "1"))
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < np.inf:
        raise ModelFileError("sigmoid is not a number > 0", option="objective", cure=RESAVE)
    return SIGMOID, factor


def _task(estimator: Any, kind: str, booster: lightgbm_file.Booster) -> str:
    name = booster.objective[0] if booster.objective else ""
    if kind in ("Booster", *SUPPORTED_FILES):
        return CLASSIFIER if name in _CLASSIFYING else REGRESSOR
    if kind != "LGBMClassifier":
        if name in ("multiclass", "multiclassova"):
            raise UnsupportedModelError(
                f"a regressor with objective {name!r} is not supported", cure="use LGBMClassifier"
            )
        return REGRESSOR
    if not name:
        raise UnsupportedModelError(
            "a classifier with an objective of your own is not supported: its probabilities are not known",
            cure="convert its scores: milliwatt.convert(estimator.booster_)",
        )
    if name not in (*_CLASSIFYING, "cross_entropy"):
        raise UnsupportedModelError(
            f"a classifier with objective {name!r} is not supported",
            cure="train with binary or multiclass, or use LGBMRegressor",
        )
    return CLASSIFIER


def _classes(estimator: Any, kind: str, n_outputs: int) -> tuple[Label, ...]:
    """The estimator's own labels; a Booster and a file know none, so 0, 1, …"""
    wanted = max(n_outputs, 2)
    if kind != "LGBMClassifier":
        return tuple(range(wanted))
    labels = class_labels(estimator)
    if len(labels) != wanted:
        raise UnsupportedModelError(
            f"a classifier with {len(labels)} classes and {n_outputs} outputs is not supported",
            cure="train with two classes at least, and multiclass only with more than two",
        )
    return labels


def _zero() -> Nodes:
    """The tree of a model that has none: it adds nothing."""
    none, node = np.full(1, -1), np.zeros(1, dtype=np.int64)
    return Nodes(none, none, node, np.zeros(1), np.zeros((1, 1)), np.zeros(1, dtype=bool), np.zeros(1))
