"""scikit-learn's trees and forests in all their settings: the IR answers as the estimator does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import ensemble, tree

import milliwatt
from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import SUPPORTED, sklearn_trees, to_ir
from milliwatt.host import compare_classes

SINGLE = ("DecisionTree", "ExtraTree")
FORESTS = ("RandomForest", "ExtraTrees")

rng = np.random.default_rng(42)
X = rng.normal(size=(150, 5)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] + rng.normal(size=150) > 0.5)
VALUES = X[:, 0] * 3 + rng.normal(size=150)
PROBE = np.concatenate([X, rng.normal(size=(150, 5)).astype(np.float32)])


def _kind(name: str, task: str) -> Any:
    return getattr(tree if name in SINGLE else ensemble, name + task)


def agrees(estimator: Any, x: NDArray[Any] = PROBE, **options: Any) -> milliwatt.Model:
    """Convert, and compare the independent evaluator with the estimator on samples."""
    model = milliwatt.convert(estimator, **options)
    answers = model.evaluate(x)
    if model.ir.is_classifier:
        probabilities = estimator.predict_proba(x)
        agreement = compare_classes(answers.argmax(axis=1), probabilities)
        assert agreement.agree + agreement.ties == len(x)
        assert np.abs(answers - probabilities).max() < 1e-12
    else:
        expected = estimator.predict(x).reshape(len(x), -1)
        assert np.allclose(answers, expected, rtol=1e-12, atol=1e-300)
    return model


COMMON: list[dict[str, Any]] = [
    {},
    {"max_depth": 1},
    {"max_depth": 4},
    {"min_samples_leaf": 5},
    {"min_samples_split": 20},
    {"max_leaf_nodes": 7},
    {"ccp_alpha": 0.02},
    {"ccp_alpha": 1e9},
    {"max_features": 0.4},
    {"min_impurity_decrease": 0.01},
    {"min_weight_fraction_leaf": 0.1},
]
CLASSIFIER: list[dict[str, Any]] = [
    {"criterion": "entropy"},
    {"criterion": "log_loss", "max_depth": 3},
    {"class_weight": "balanced"},
    {"class_weight": {0: 1, 1: 7.3, 2: 0.1}, "min_samples_leaf": 3},
]
REGRESSOR: list[dict[str, Any]] = [
    {"criterion": "absolute_error", "max_depth": 5},
    {"criterion": "poisson", "min_samples_leaf": 2},
]
FOREST: list[dict[str, Any]] = [
    {"max_samples": 0.5},
    {"bootstrap": True, "oob_score": True},
    {"bootstrap": False},
    {"n_jobs": 2, "random_state": np.random.RandomState(1)},
]


def _id(settings: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "default"


def _fit(name: str, task: str, settings: dict[str, Any]) -> Any:
    given: dict[str, Any] = {"random_state": 0, **settings}
    if name in FORESTS:
        given["n_estimators"] = given.get("n_estimators", 20 if given.get("oob_score") else 6)
        if "max_samples" in given:
            given["bootstrap"] = True
    y = CLASSES if task == "Classifier" else VALUES - VALUES.min() + 0.1
    with np.errstate(all="ignore"):
        return _kind(name, task)(**given).fit(X, y)


@pytest.mark.parametrize("settings", [*COMMON, *CLASSIFIER], ids=_id)
@pytest.mark.parametrize("name", [*SINGLE, *FORESTS])
def test_classifiers(name: str, settings: dict[str, Any]) -> None:
    model = agrees(_fit(name, "Classifier", settings))
    assert model.ir.classes == (0, 1, 2)
    assert model.ir.n_features == 5
    assert model.ir.origin["class"] == f"{name}Classifier"


@pytest.mark.parametrize("settings", [*COMMON, *REGRESSOR], ids=_id)
@pytest.mark.parametrize("name", [*SINGLE, *FORESTS])
def test_regressors(name: str, settings: dict[str, Any]) -> None:
    agrees(_fit(name, "Regressor", settings))


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB")
@pytest.mark.parametrize("settings", FOREST, ids=_id)
@pytest.mark.parametrize("task", ["Classifier", "Regressor"])
@pytest.mark.parametrize("name", FORESTS)
def test_forests(name: str, task: str, settings: dict[str, Any]) -> None:
    agrees(_fit(name, task, settings))


@pytest.mark.parametrize("weight", ["balanced", "balanced_subsample"])
def test_class_weights_of_bootstrapped_forests(weight: str) -> None:
    agrees(_fit("RandomForest", "Classifier", {"class_weight": weight, "max_depth": 3}))


@pytest.mark.parametrize("name", [*SINGLE, *FORESTS])
def test_several_outputs(name: str) -> None:
    y = np.stack([VALUES, VALUES**2, np.zeros(150)], axis=1)
    settings = {"n_estimators": 4} if name in FORESTS else {}
    model = agrees(_kind(name, "Regressor")(random_state=0, **settings).fit(X, y))
    assert model.ir.n_outputs == 3


@pytest.mark.parametrize("name", [*SINGLE, *FORESTS])
def test_sample_weights_some_of_them_zero(name: str) -> None:
    weight = rng.random(150) * (rng.random(150) < 0.7)
    settings = {"n_estimators": 4} if name in FORESTS else {}
    for task, y in (("Classifier", CLASSES), ("Regressor", VALUES)):
        agrees(_kind(name, task)(random_state=0, **settings).fit(X, y, sample_weight=weight))


def test_negative_sample_weights_are_refused_or_right() -> None:
    weight = np.where(np.arange(150) % 7 == 0, -0.3, 1.0)
    estimator = tree.DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, CLASSES, sample_weight=weight)
    leaves = estimator.tree_.value[estimator.tree_.children_left < 0]
    assert (leaves < 0).any()
    with pytest.raises(UnsupportedModelError, match="sample weights were negative"):
        milliwatt.convert(estimator)


def test_monotonic_constraints() -> None:
    binary = (CLASSES > 0).astype(int)
    for name in (*SINGLE, *FORESTS):
        settings = {"n_estimators": 4} if name in FORESTS else {}
        constraint = [1, -1, 0, 0, 1]
        agrees(_kind(name, "Classifier")(monotonic_cst=constraint, random_state=0, **settings).fit(X, binary))
        agrees(_kind(name, "Regressor")(monotonic_cst=constraint, random_state=0, **settings).fit(X, VALUES))


def test_warm_start_adds_trees() -> None:
    forest = ensemble.RandomForestClassifier(3, warm_start=True, random_state=0).fit(X, CLASSES)
    agrees(forest)
    forest.set_params(n_estimators=8).fit(X, CLASSES)
    assert len(agrees(forest).ir.trees) == 8


def test_one_class_only() -> None:
    for name in (*SINGLE, *FORESTS):
        model = agrees(_kind(name, "Classifier")().fit(X, np.full(150, 7)))
        assert model.ir.classes == (7,)
        assert model.ir.n_splits == 0
        assert model.predict(X[:3]).tolist() == [7, 7, 7]


def test_one_sample_only() -> None:
    assert agrees(tree.DecisionTreeRegressor().fit([[1.0]], [5.0]), np.ones((2, 1))).ir.leaves == ((5.0,),)


def test_column_vector_of_labels_is_one_output() -> None:
    agrees(tree.DecisionTreeClassifier(random_state=0).fit(X, CLASSES[:, None]))


def test_sparse_training_data() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    agrees(ensemble.RandomForestClassifier(4, random_state=0).fit(sparse.csr_matrix(X), CLASSES))


def test_subclasses_convert_as_what_they_are() -> None:
    class MyForest(ensemble.RandomForestClassifier):
        pass

    model = agrees(MyForest(n_estimators=3, random_state=0).fit(X, CLASSES))
    assert model.ir.origin["class"] == "MyForest"


def test_feature_names_are_kept() -> None:
    estimator = tree.DecisionTreeClassifier().fit(X, CLASSES)
    assert to_ir(estimator).feature_names == ()
    # What fitting on a pandas.DataFrame leaves behind.
    estimator.feature_names_in_ = np.array(["ax", "ay", "größe", "a b", "*/"], dtype=object)
    assert to_ir(estimator).feature_names == ("ax", "ay", "größe", "a b", "*/")


LABELS: dict[str, tuple[Any, type]] = {
    "tens": ([10, 20, 30], int),
    "negative": ([-5, 0, 3], int),
    "floats": ([1.0, 2.0, 4.0], float),
    "bools": ([False, True, True], bool),
    "words": (["sit", "stand", "walk"], str),
    "odd words": (['q"\\', "Grüße ☃", "a\nb */"], str),
    "wide": ([-(2**62), 0, 2**62], int),
    "objects": (np.array(["b", "a", "c"], dtype=object), str),
    "small integers": (np.array([1, 200, 3], dtype=np.uint8), int),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_the_estimators_own(name: str) -> None:
    values, kind = LABELS[name]
    y = np.asarray(values)[CLASSES]
    estimator = ensemble.RandomForestClassifier(4, random_state=0).fit(X, y)
    model = agrees(estimator)
    assert model.ir.classes == tuple(estimator.classes_.tolist())
    assert all(type(label) is kind for label in model.ir.classes)
    answers = model.predict(X)
    assert answers.shape == (150,)
    assert (answers == estimator.predict(X)).all()


@pytest.mark.parametrize("labels", [[(1,), (2,)], [None, None], [b"a", b"b"]])
def test_labels_of_other_types_are_refused(labels: list[Any]) -> None:
    estimator = tree.DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1])
    estimator.classes_ = np.empty(2, dtype=object)
    estimator.classes_[:] = labels
    with pytest.raises(UnsupportedModelError, match=f"class label of type {type(labels[0]).__name__}"):
        milliwatt.convert(estimator)


def _several_outputs() -> Any:
    return ensemble.RandomForestClassifier(2).fit(X, np.stack([CLASSES, CLASSES], axis=1))


def test_classifiers_with_several_outputs_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="RandomForestClassifier with 2 outputs") as caught:
        milliwatt.convert(_several_outputs())
    assert "one classifier per output" in str(caught.value)


@pytest.mark.parametrize("name", sklearn_trees.SUPPORTED)
def test_what_is_not_fitted_is_said(name: str) -> None:
    estimator = getattr(tree, name, None) or getattr(ensemble, name)
    with pytest.raises(MilliwattError, match=f"this {name} is not fitted") as caught:
        milliwatt.convert(estimator())
    assert "call fit()" in str(caught.value)


def _others() -> list[Callable[[], Any]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    return [
        ensemble.RandomTreesEmbedding,
        lambda: ensemble.StackingClassifier([("tree", tree.DecisionTreeClassifier())]),
        lambda: ensemble.StackingRegressor([("tree", tree.DecisionTreeRegressor())]),
        LogisticRegression,
        KNeighborsClassifier,
        dict,
        lambda: None,
        lambda: tree.DecisionTreeClassifier,
    ]


@pytest.mark.parametrize("make", _others(), ids=lambda make: getattr(make, "__name__", "other"))
def test_what_is_not_supported_is_refused_by_name(make: Callable[[], Any]) -> None:
    other = make()
    with pytest.raises(UnsupportedModelError) as caught:
        milliwatt.convert(other)
    assert type(other).__name__ in caught.value.problem
    assert "is not supported" in caught.value.problem
    assert all(name in str(caught.value.cure) for name in SUPPORTED)


def test_a_class_that_only_has_the_name_is_refused() -> None:
    fake = type("RandomForestClassifier", (), {"estimators_": []})()
    with pytest.raises(UnsupportedModelError):
        milliwatt.convert(fake)


def test_targets_beyond_a_float_are_refused() -> None:
    estimator = tree.DecisionTreeRegressor().fit([[0.0], [1.0]], [1e300, -1e300])
    with pytest.raises(UnsupportedModelError, match="beyond what a float can hold") as caught:
        milliwatt.convert(estimator)
    assert "scale the targets" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("children_left", 99),
        ("children_right", -7),
        ("children_left", 3),
        ("children_left", 0),
        ("feature", 5),
        ("feature", -1),
    ],
)
def test_a_damaged_tree_is_refused(field: str, value: float) -> None:
    """Files from elsewhere may hold anything; what is no tree must not be walked."""

    class Damaged:
        def __init__(self, source: Any) -> None:
            for name in ("children_left", "children_right", "feature", "threshold", "value"):
                setattr(self, name, np.array(getattr(source, name)))
            self.missing_go_to_left = source.missing_go_to_left
            self.n_node_samples = source.n_node_samples

    estimator = tree.DecisionTreeClassifier(max_depth=2).fit(X, CLASSES)
    damaged = Damaged(estimator.tree_)
    getattr(damaged, field)[0] = value
    estimator.tree_ = damaged
    with pytest.raises(UnsupportedModelError, match="a tree of it is damaged"):
        milliwatt.convert(estimator)
