"""Every supported ensemble of scikit-learn loads from a skops file; a file that holds code does not."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn import ensemble, tree
from sklearn.neural_network import MLPClassifier, MLPRegressor

from milliwatt.errors import MilliwattError
from milliwatt.frontends import to_ir
from milliwatt.frontends.loading import load_estimator
from milliwatt.frontends.skops_audit import _DATA, _OURS, trusted_types

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
X[:, 2] = rng.integers(0, 4, 60)
LABELS = rng.integers(0, 3, 60)
VALUES = np.abs(X[:, 0]) + 0.1

FEW = {"n_estimators": 3}
HGC, HGR = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
TREES = [("a", tree.DecisionTreeClassifier()), ("b", ensemble.RandomForestClassifier(2))]
CASES: dict[str, tuple[Any, Any]] = {
    "boosting": (ensemble.GradientBoostingClassifier(**FEW), LABELS),
    "boosting two": (ensemble.GradientBoostingClassifier(**FEW, loss="exponential"), LABELS > 0),
    "histogram": (HGC(max_iter=3), LABELS),
    "histogram two": (HGC(max_iter=3), LABELS > 0),
    "isolation": (ensemble.IsolationForest(**FEW), None),
    "adaboost": (ensemble.AdaBoostClassifier(**FEW), LABELS),
    "adaboost values": (ensemble.AdaBoostRegressor(**FEW), VALUES),
    "bagging": (ensemble.BaggingClassifier(**FEW), LABELS),
    "bagging values": (ensemble.BaggingRegressor(HGR(max_iter=2), **FEW), VALUES),
    "voting": (ensemble.VotingClassifier(TREES, voting="soft"), LABELS),
    "voting values": (ensemble.VotingRegressor([("a", ensemble.RandomForestRegressor(2))]), VALUES),
}
for _loss in ("squared_error", "absolute_error", "huber", "quantile"):
    CASES[f"boosting {_loss}"] = (ensemble.GradientBoostingRegressor(**FEW, loss=_loss), VALUES)
for _loss in ("squared_error", "absolute_error", "poisson", "gamma", "quantile"):
    CASES[f"histogram {_loss}"] = (HGR(max_iter=3, loss=_loss, quantile=0.4), VALUES)
for _solver in ("adam", "sgd", "lbfgs"):
    CASES[f"network {_solver}"] = (MLPClassifier((4,), solver=_solver, max_iter=2), LABELS)
CASES["network values"] = (MLPRegressor(hidden_layer_sizes=(3, 2), max_iter=2, early_stopping=True), VALUES)
CASES["network labels"] = (MLPClassifier((3,), max_iter=2), np.stack([LABELS > 0, LABELS > 1], axis=1))


@pytest.mark.filterwarnings("ignore:.*onverge", "ignore:lbfgs")
@pytest.mark.parametrize("name", CASES)
def test_loads_without_trusting_more(name: str, tmp_path: Path) -> None:
    estimator, y = CASES[name]
    estimator.fit(X, y)
    path = tmp_path / "model.skops"
    skops.io.dump(estimator, path)
    assert to_ir(load_estimator(path, trust_pickle=False)) == to_ir(estimator)


# -- histograms with categories, which hold a function with arguments ----------------------------


def _with_categories() -> Any:
    return HGC(max_iter=2, categorical_features=[2]).fit(X, LABELS)


def _changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The file with another description of what it holds."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    change(schema)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, "schema.json": json.dumps(schema)}.items():
            archive.writestr(name, content)
    return path


def _partials(schema: Any) -> list[dict[str, Any]]:
    """The nodes of functions with arguments, in the order of the file."""
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    found = [node for child in children for node in _partials(child)]
    return [schema, *found] if isinstance(schema, dict) and schema.get("__class__") == "partial" else found


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.skops"
    skops.io.dump(_with_categories(), path)
    return path


@pytest.mark.parametrize("nested", [False, True])
def test_histograms_with_categories(tmp_path: Path, nested: bool) -> None:
    y = VALUES + 3 * np.isin(X[:, 2], [1, 3])
    estimator: Any = HGR(max_iter=3, categorical_features=[2], min_samples_leaf=3)
    if nested:
        estimator = ensemble.BaggingRegressor(estimator, n_estimators=2)
    estimator.fit(X, y)
    skops.io.dump(estimator, tmp_path / "model.skops")
    loaded = load_estimator(tmp_path / "model.skops", trust_pickle=False)
    assert to_ir(loaded) == to_ir(estimator)
    assert to_ir(loaded).handles_categories
    assert (loaded.predict(X) == estimator.predict(X)).all()


def _rename(node: dict[str, Any], module: str, name: str) -> None:
    node["__module__"], node["__class__"] = module, name


def _first(schema: dict[str, Any]) -> dict[str, Any]:
    return _partials(schema)[0]


def _all_functions(schema: dict[str, Any], module: str, name: str) -> None:
    for partial in _partials(schema):
        _rename(partial["content"]["func"], module, name)


def _ufunc_first(schema: dict[str, Any]) -> None:
    """A node of the same id that comes earlier, and that skops would take instead."""
    function = dict(_first(schema)["content"]["func"])
    _rename(function, "numpy", "add")
    schema["content"] = {"aside": function, **schema["content"]}


def _type_of_partial(schema: dict[str, Any]) -> None:
    node = {"__class__": "partial", "__module__": "functools", "__loader__": "TypeNode", "__id__": 1}
    _first(schema)["content"]["kwds"]["content"]["dtype"]["content"].append(node)


TRICKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "the shell": lambda schema: _all_functions(schema, "os", "system"),
    "a function that skops trusts": lambda schema: _all_functions(schema, "numpy", "add"),
    "one of two": lambda schema: _rename(_partials(schema)[-1]["content"]["func"], "numpy", "add"),
    "another id": lambda schema: _first(schema)["content"]["func"].update({"__id__": schema["__id__"]}),
    "no id": lambda schema: _first(schema)["content"]["func"].pop("__id__") and None,
    "the same id": _ufunc_first,
    "a type": lambda schema: _first(schema)["content"]["func"].update({"__loader__": "TypeNode"}),
    "the class itself": _type_of_partial,
    "another loader": lambda schema: _first(schema).update({"__loader__": "ObjectNode"}),
    "no function": lambda schema: _first(schema)["content"].pop("func") and None,
    "no content": lambda schema: _first(schema).update({"content": []}),
    "an older format": lambda schema: schema.update({"protocol": 0}),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_other_functions_are_not_trusted(saved: Path, trick: str) -> None:
    assert load_estimator(saved, trust_pickle=False) is not None
    assert len(trusted_types(saved.read_bytes())) == len(_DATA + _OURS) + 2
    path = _changed(saved, TRICKS[trick])
    assert len(trusted_types(path.read_bytes())) == len(_DATA + _OURS)
    with pytest.raises(MilliwattError) as caught:
        load_estimator(path, trust_pickle=False)
    assert caught.value.file == str(path)


def test_what_is_not_trusted_is_named_with_the_ways_out(saved: Path) -> None:
    _changed(saved, TRICKS["the shell"])
    with pytest.raises(
        MilliwattError, match=r"does not trust: functools\.partial, (os|posix)\.system"
    ) as caught:
        load_estimator(saved, trust_pickle=False)
    for way in ("plain scikit-learn estimator", "save('model.mw.json')", "joblib"):
        assert way in str(caught.value.cure)


def test_files_without_functions_are_trusted_as_before(tmp_path: Path) -> None:
    skops.io.dump({"run": subprocess.Popen}, tmp_path / "odd.skops")
    assert len(trusted_types((tmp_path / "odd.skops").read_bytes())) == len(_DATA + _OURS)
    with pytest.raises(MilliwattError, match=r"does not trust: subprocess\.Popen\n"):
        load_estimator(tmp_path / "odd.skops", trust_pickle=False)
