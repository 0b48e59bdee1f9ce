"""``*.mw.json``: the hand-over file between the PC with the ML library and the firmware build.

Numbers are written so that they come back bit for bit: Python's shortest round-trip form for
floats, and the strings ``"inf"`` and ``"-inf"`` where JSON has no word.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.files import write_text
from milliwatt.ir.committee import AnyModel, Committee
from milliwatt.ir.model import Agreement, Calibration, CategorySet, LeafTrade, Tree, TreeEnsemble
from milliwatt.ir.text_file import read_text
from milliwatt.ir.validate_committee import MAX_DEPTH, validate_model

SCHEMA_VERSION = 2
_READABLE = (1, 2)  # what version 2 added has defaults

_REEXPORT = "export the model again with `milliwatt export`"
_COLUMNS = ("feature", "threshold", "left", "right", "missing_left", "category_set")
_NOTHING_OF_ITS_OWN: dict[str, Any] = {
    "name": "model", "method": "auto", "budget": "", "feature_names": [], "scale": [], "origin": {},
    "calibration": None,
}  # fmt: skip
_T = TypeVar("_T")


def save(model: AnyModel, path: str | Path) -> None:
    """Write the model as ``*.mw.json``, whole or not at all."""
    write_text(Path(path), dumps(model))


def load(path: str | Path) -> AnyModel:
    """Read and validate a ``*.mw.json``; every fault is a :class:`ModelFileError` naming the file."""
    text = read_text(Path(path), cure=_REEXPORT)
    try:
        return loads(text)
    except MilliwattError as error:
        raise error.within(file=path) from None


def dumps(model: AnyModel) -> str:
    """The model as JSON text: one line a tree, so that a change shows as a small diff."""
    head = {
        "milliwatt": SCHEMA_VERSION,
        "kind": _kind(model),
        "name": model.name,
        "task": model.task,
        "dtype": model.dtype,
        "method": model.method,
        "budget": model.budget,
        "check_nan": model.check_nan,
        "n_features": model.n_features,
        "feature_names": list(model.feature_names),
        "scale": list(model.scale),
        "classes": list(model.classes),
        "origin": dict(model.origin),
        "calibration": _calibration_to_json(model.calibration),
    }
    return _object(head, model) + "\n"


def _kind(model: AnyModel) -> str:
    return "trees" if isinstance(model, TreeEnsemble) else "committee"


def _object(head: Mapping[str, object], model: AnyModel) -> str:
    """A model as a JSON object that begins with ``head``."""
    own = _sums_to_json(model) if isinstance(model, TreeEnsemble) else _votes_to_json(model)
    lines = [f"{json.dumps(key)}: {_line(value)}" for key, value in {**head, **own}.items()]
    if isinstance(model, Committee):
        members = ",\n".join(_object(_member_head(member), member) for member in model.members)
        return "{\n" + ",\n".join(lines) + f',\n"members": [\n{members}\n]\n}}'
    rows = ",\n  ".join(_line([_number(v) for v in row]) for row in model.leaves)
    trees = ",\n  ".join(_line(_tree_to_json(tree)) for tree in model.trees)
    return "{\n" + ",\n".join(lines) + f',\n"leaves": [\n  {rows}\n],\n"trees": [\n  {trees}\n]\n}}'


def _member_head(member: AnyModel) -> dict[str, object]:
    """What a member says itself; the rest is the committee's."""
    return {"kind": _kind(member), "classes": list(member.classes)}


def _votes_to_json(model: Committee) -> dict[str, object]:
    return {"vote": model.vote, "weights": list(model.weights), "noise": model.noise}


def _sums_to_json(model: TreeEnsemble) -> dict[str, object]:
    return {
        "aggregate": model.aggregate,
        "link": model.link,
        "base": list(model.base),
        "outputs": list(model.outputs),
        "weights": list(model.weights),
        "cut": model.cut,
        "cut_inclusive": model.cut_inclusive,
        "noise": model.noise,
        "category_sets": [{"members": s.members, "inverted": s.inverted} for s in model.category_sets],
        "leaf_error": list(model.leaf_error),
    }


def loads(text: str) -> AnyModel:
    """The model in a JSON text, validated."""
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # ValueError also for integers of absurd length
        raise ModelFileError(f"not valid JSON ({error})", cure=_REEXPORT) from None
    if not isinstance(data, dict) or "milliwatt" not in data:
        raise ModelFileError("not a Milliwatt model file", cure="give a *.mw.json made by `milliwatt export`")
    version = data["milliwatt"]
    if type(version) is not int or version not in _READABLE:
        raise ModelFileError(
            f"schema version {version!r}; this Milliwatt reads versions {_READABLE[0]} to {_READABLE[-1]}",
            option="milliwatt",
            cure="export the model again, or install the Milliwatt that wrote it",
        )
    return validate_model(_Reader(data).model())


def _refuse_constant(word: str) -> float:
    raise ModelFileError(f"the number {word} is not JSON", cure=_REEXPORT)


def _line(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 has no bytes for
        return json.dumps(value, allow_nan=False)
    return text


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _tree_to_json(tree: Tree) -> dict[str, object]:
    data: dict[str, object] = {
        "root": tree.root,
        "feature": list(tree.feature),
        "threshold": [_number(t) for t in tree.threshold],
        "left": list(tree.left),
        "right": list(tree.right),
    }
    if tree.missing_left:
        data["missing_left"] = [int(flag) for flag in tree.missing_left]
    if tree.category_set:
        data["category_set"] = list(tree.category_set)
    return data


def _calibration_to_json(calibration: Calibration | None) -> dict[str, object] | None:
    if calibration is None:
        return None
    a = calibration.agreement
    return {
        "rows": a.rows,
        "agree": a.agree,
        "ties": a.ties,
        "max_error": a.max_error,
        "low": [_number(v) for v in calibration.low],
        "high": [_number(v) for v in calibration.high],
        "leaves": None if calibration.leaves is None else dataclasses.asdict(calibration.leaves),
        "trees_evaluated": calibration.trees_evaluated,
    }


class _Reader:
    """Takes fields out of parsed JSON with their types checked."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def model(self, depth: int = 1) -> AnyModel:
        kind = self._data.get("kind")
        if kind == "committee" and self._data["milliwatt"] > 1:
            return self._committee(depth)
        if kind != "trees":
            raise ModelFileError(f"unknown kind of model {kind!r}", option="kind", cure=_REEXPORT)
        return TreeEnsemble(
            **self._common(),
            **(self._scores() if self._data["milliwatt"] > 1 else {}),
            leaf_error=self._tuple("leaf_error", _real) if "leaf_error" in self._data else (),
            leaves=tuple(
                _all(row, _real, f"leaves[{i}]") for i, row in enumerate(self._field("leaves", list))
            ),
            trees=tuple(_tree(tree, i) for i, tree in enumerate(self._field("trees", list))),
        )

    def _common(self) -> dict[str, Any]:
        return {
            "name": self._field("name", str),
            "task": self._field("task", str),
            "dtype": self._field("dtype", str),
            "method": self._field("method", str),
            "check_nan": self._field("check_nan", bool),
            "n_features": self._field("n_features", int),
            "feature_names": self._tuple("feature_names", _string),
            "scale": self._tuple("scale", _real),
            "classes": self._tuple("classes", _label),
            "origin": self._origin(),
            "calibration": self._calibration(),
        }

    def _committee(self, depth: int) -> Committee:
        if depth > MAX_DEPTH:
            raise ModelFileError("too deep", option="members", cure=_REEXPORT)
        given = self._field("members", list)
        return Committee(
            **self._common(),
            budget=self._field("budget", str),
            vote=self._field("vote", str),
            weights=self._tuple("weights", _real),
            noise=self._number("noise"),
            members=tuple(self._member(member, i, depth) for i, member in enumerate(given)),
        )

    def _member(self, data: object, index: int, depth: int) -> AnyModel:
        where = f"members[{index}]"
        if not isinstance(data, dict):
            raise ModelFileError("not an object", option=where, cure=_REEXPORT)
        try:
            return _Reader({**data, **self._inherited()}).model(depth + 1)
        except ModelFileError as error:
            raise error.inside(where) from None

    def _inherited(self) -> dict[str, Any]:
        """What a member has from its committee, or does not have for itself."""
        of_the_whole = {
            key: self._data[key] for key in ("milliwatt", "task", "dtype", "check_nan", "n_features")
        }
        return {**of_the_whole, **_NOTHING_OF_ITS_OWN}

    def _field(self, key: str, kind: type[_T]) -> _T:
        value = self._data.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ModelFileError(f"missing, or not a {kind.__name__}", option=key, cure=_REEXPORT)
        return value

    def _tuple(self, key: str, convert: Callable[[Any], _T]) -> tuple[_T, ...]:
        return _all(self._field(key, list), convert, key)

    def _scores(self) -> dict[str, Any]:
        return {
            "budget": self._field("budget", str),
            "aggregate": self._field("aggregate", str),
            "link": self._field("link", str),
            "base": self._tuple("base", _real),
            "outputs": self._tuple("outputs", _integer),
            "weights": self._tuple("weights", _real),
            "cut": self._number("cut"),
            "cut_inclusive": self._field("cut_inclusive", bool),
            "noise": self._number("noise"),
            "category_sets": tuple(map(_category_set, self._field("category_sets", list))),
        }

    def _number(self, key: str) -> float:
        return _all([self._data.get(key)], _real, key)[0]

    def _origin(self) -> dict[str, str]:
        data = self._field("origin", dict)
        return dict(zip(data, _all(data.values(), _string, "origin"), strict=True))

    def _calibration(self) -> Calibration | None:
        data = self._data.get("calibration")
        if data is None:
            return None
        if not isinstance(data, dict):
            raise ModelFileError("not an object", option="calibration", cure=_REEXPORT)
        reader = _Reader(data)
        agreement = Agreement(
            rows=reader._field("rows", int),
            agree=reader._field("agree", int),
            ties=reader._field("ties", int),
            max_error=reader._number("max_error"),
        )
        low, high = reader._tuple("low", _real), reader._tuple("high", _real)
        given = data.get("trees_evaluated")
        evaluated = None if given is None else reader._number("trees_evaluated")
        return Calibration(agreement, low, high, reader._leaf_trade(), evaluated)

    def _leaf_trade(self) -> LeafTrade | None:
        data = self._data.get("leaves")
        if data is None:
            return None
        if not isinstance(data, dict):
            raise ModelFileError("not an object", option="leaves", cure=_REEXPORT)
        reader = _Reader(data)
        return LeafTrade(
            leaf_bits=None if data.get("leaf_bits") is None else reader._field("leaf_bits", int),
            leaf_clusters=reader._field("leaf_clusters", int),
            reason=reader._field("reason", str),
            classes_changed=reader._field("classes_changed", int),
            auc_before=None if data.get("auc_before") is None else reader._number("auc_before"),
            auc_after=None if data.get("auc_after") is None else reader._number("auc_after"),
            labelled=reader._field("labelled", bool),
        )


def _tree(data: object, index: int) -> Tree:
    where = f"trees[{index}]"
    if not isinstance(data, dict):
        raise ModelFileError("not an object", option=where, cure=_REEXPORT)
    columns = {key: data.get(key, []) for key in _COLUMNS}
    if not all(isinstance(column, list) for column in columns.values()):
        raise ModelFileError("a column is not a list", option=where, cure=_REEXPORT)
    return Tree(
        root=_all([data.get("root")], _integer, where)[0],
        feature=_all(columns["feature"], _integer, where),
        threshold=_all(columns["threshold"], _real, where),
        left=_all(columns["left"], _integer, where),
        right=_all(columns["right"], _integer, where),
        missing_left=_all(columns["missing_left"], _flag, where),
        category_set=_all(columns["category_set"], _integer, where),
    )


def _category_set(data: object) -> CategorySet:
    where = "category_sets"
    if not isinstance(data, dict) or not isinstance(data.get("members"), list):
        raise ModelFileError("not a set with members", option=where, cure=_REEXPORT)
    inverted = data.get("inverted")
    if not isinstance(inverted, bool):
        raise ModelFileError("inverted is not true or false", option=where, cure=_REEXPORT)
    return CategorySet(_all(data["members"], _integer, where), inverted)


def _all(values: Iterable[Any], convert: Callable[[Any], _T], where: str) -> tuple[_T, ...]:
    try:
        # Nearly all of a large model is lists of one type, of which nothing more is asked.
        if isinstance(values, list) and set(map(type, values)) == {_EXACT_TYPE.get(convert)}:
            return tuple(values)
        return tuple([convert(value) for value in values])
    except (TypeError, ValueError, OverflowError):
        raise ModelFileError("a value has the wrong type", option=where, cure=_REEXPORT) from None


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if type(value) is not int or value not in (0, 1):
        raise TypeError
    return bool(value)


def _real(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        float(value)  # raises for what no float can hold
        return value  # an int threshold stays an int: integer features compare as integers
    if value == "inf" or value == "-inf":
        return float(value)
    raise TypeError


_EXACT_TYPE: dict[Callable[[Any], Any], type] = {_integer: int, _real: float}


def _string(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _label(value: Any) -> int | float | str | bool:
    if isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError
