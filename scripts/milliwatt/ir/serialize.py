"""``*.mw.json``: the hand-over file between the PC with the ML library and the firmware build.

``json_fields`` says how numbers are written so that they come back bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.files import write_text
from milliwatt.ir.calibration_json import calibration_from_json, calibration_to_json
from milliwatt.ir.committee import AnyModel, Committee, TreeModel
from milliwatt.ir.json_fields import (
    REEXPORT,
    Fields,
    all_of,
    flag,
    integer,
    label,
    number_to_json,
    real,
    string,
)  # fmt: skip
from milliwatt.ir.model import CategorySet, Tree, TreeEnsemble
from milliwatt.ir.network import Network
from milliwatt.ir.network_json import input_map_from_json, layer_to_json, layers_from_json, network_to_json
from milliwatt.ir.signal_json import signals_from_json, signals_to_json
from milliwatt.ir.text_file import read_text
from milliwatt.ir.validate_committee import MAX_DEPTH, validate_model

SCHEMA_VERSION = 3
_READABLE = (1, 2, 3)  # what later versions added has defaults
_WITHOUT_SIGNALS = 2  # readers of version 2 know no signals, and would leave them out without a word

_COLUMNS = ("feature", "threshold", "left", "right", "missing_left", "category_set")
_NOTHING_OF_ITS_OWN: dict[str, Any] = {
    "name": "model", "method": "auto", "budget": "", "feature_names": [], "scale": [], "origin": {},
    "calibration": None, "signals": None,
}  # fmt: skip


def save(model: AnyModel, path: str | Path) -> None:
    """Write the model as ``*.mw.json``, whole or not at all."""
    write_text(Path(path), dumps(model))


def load(path: str | Path) -> AnyModel:
    """Read and validate a ``*.mw.json``; every fault is a :class:`ModelFileError` naming the file."""
    text = read_text(Path(path), cure=REEXPORT)
    try:
        return loads(text)
    except MilliwattError as error:
        raise error.within(file=path) from None


def dumps(model: AnyModel) -> str:
    """The model as JSON text: one line a tree or layer, so that a change shows as a small diff."""
    head = {
        "milliwatt": SCHEMA_VERSION if model.signals else _WITHOUT_SIGNALS,
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
        "calibration": calibration_to_json(model.calibration),
        **({"signals": signals_to_json(model.signals)} if model.signals else {}),
    }
    return _object(head, model) + "\n"


def _kind(model: AnyModel) -> str:
    if isinstance(model, Network):
        return "network"
    return "trees" if isinstance(model, TreeEnsemble) else "committee"


def _object(head: Mapping[str, object], model: AnyModel) -> str:
    """A model as a JSON object that begins with ``head``."""
    lines = [f"{json.dumps(key)}: {_line(value)}" for key, value in {**head, **_own(model)}.items()]
    if isinstance(model, Network):
        layers = ",\n  ".join(_line(layer_to_json(layer, i)) for i, layer in enumerate(model.layers))
        return "{\n" + ",\n".join(lines) + f',\n"layers": [\n  {layers}\n]\n}}'
    if isinstance(model, Committee):
        members = ",\n".join(_object(_member_head(member), member) for member in model.members)
        return "{\n" + ",\n".join(lines) + f',\n"members": [\n{members}\n]\n}}'
    rows = ",\n  ".join(_line([number_to_json(v) for v in row]) for row in model.leaves)
    trees = ",\n  ".join(_line(_tree_to_json(tree)) for tree in model.trees)
    return "{\n" + ",\n".join(lines) + f',\n"leaves": [\n  {rows}\n],\n"trees": [\n  {trees}\n]\n}}'


def _own(model: AnyModel) -> dict[str, object]:
    """What only its kind of model has."""
    if isinstance(model, Network):
        return network_to_json(model)
    return _sums_to_json(model) if isinstance(model, TreeEnsemble) else _votes_to_json(model)


def _member_head(member: TreeModel) -> dict[str, object]:
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
        raise ModelFileError(f"not valid JSON ({error})", cure=REEXPORT) from None
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
    raise ModelFileError(f"the number {word} is not JSON", cure=REEXPORT)


def _line(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 has no bytes for
        return json.dumps(value, allow_nan=False)
    return text


def _tree_to_json(tree: Tree) -> dict[str, object]:
    data: dict[str, object] = {
        "root": tree.root,
        "feature": list(tree.feature),
        "threshold": [number_to_json(t) for t in tree.threshold],
        "left": list(tree.left),
        "right": list(tree.right),
    }
    if tree.missing_left:
        data["missing_left"] = [int(flag) for flag in tree.missing_left]
    if tree.category_set:
        data["category_set"] = list(tree.category_set)
    return data


class _Reader(Fields):
    """Reads models of every kind."""

    def model(self) -> AnyModel:
        kind = self.data.get("kind")
        if kind == "committee" and self.data["milliwatt"] > 1:
            return self._committee(1)
        if kind == "network" and self.data["milliwatt"] > 1:
            return self._network()
        return self._of_trees(kind)

    def _of_trees(self, kind: object) -> TreeEnsemble:
        if kind != "trees":
            raise ModelFileError(f"unknown kind of model {kind!r}", option="kind", cure=REEXPORT)
        return TreeEnsemble(
            **self._common(),
            **(self._scores() if self.data["milliwatt"] > 1 else {}),
            leaf_error=self.tuple_of("leaf_error", real) if "leaf_error" in self.data else (),
            leaves=tuple(
                all_of(row, real, f"leaves[{i}]") for i, row in enumerate(self.field("leaves", list))
            ),
            trees=tuple(_tree(tree, i) for i, tree in enumerate(self.field("trees", list))),
        )

    def _common(self) -> dict[str, Any]:
        return {
            "name": self.field("name", str),
            "task": self.field("task", str),
            "dtype": self.field("dtype", str),
            "method": self.field("method", str),
            "check_nan": self.field("check_nan", bool),
            "n_features": self.field("n_features", int),
            "feature_names": self.tuple_of("feature_names", string),
            "scale": self.tuple_of("scale", real),
            "classes": self.tuple_of("classes", label),
            "origin": self._origin(),
            "calibration": calibration_from_json(self.data.get("calibration")),
            "signals": signals_from_json(self.data.get("signals"), REEXPORT),
        }

    def _network(self) -> Network:
        return Network(
            **self._common(),
            budget=self.field("budget", str),
            link=self.field("link", str),
            input_shape=self.tuple_of("input_shape", integer),
            noise=self.number("noise"),
            quantize=self.field("quantize", str),
            arena=self.field("arena", str),
            input_map=input_map_from_json(self.data.get("input_map"), REEXPORT),
            layers=layers_from_json(self.field("layers", list), REEXPORT),
        )

    def _committee(self, depth: int) -> Committee:
        if depth > MAX_DEPTH:
            raise ModelFileError("too deep", option="members", cure=REEXPORT)
        given = self.field("members", list)
        return Committee(
            **self._common(),
            budget=self.field("budget", str),
            vote=self.field("vote", str),
            weights=self.tuple_of("weights", real),
            noise=self.number("noise"),
            members=tuple(self._member(member, i, depth) for i, member in enumerate(given)),
        )

    def _member(self, data: object, index: int, depth: int) -> TreeModel:
        where = f"members[{index}]"
        if not isinstance(data, dict):
            raise ModelFileError("not an object", option=where, cure=REEXPORT)
        try:
            reader = _Reader({**data, **self._inherited()})
            if data.get("kind") == "committee":
                return reader._committee(depth + 1)
            return reader._of_trees(data.get("kind"))
        except ModelFileError as error:
            raise error.inside(where) from None

    def _inherited(self) -> dict[str, Any]:
        """What a member has from its committee, or does not have for itself."""
        of_the_whole = {
            key: self.data[key] for key in ("milliwatt", "task", "dtype", "check_nan", "n_features")
        }
        return {**of_the_whole, **_NOTHING_OF_ITS_OWN}

    def _scores(self) -> dict[str, Any]:
        return {
            "budget": self.field("budget", str),
            "aggregate": self.field("aggregate", str),
            "link": self.field("link", str),
            "base": self.tuple_of("base", real),
            "outputs": self.tuple_of("outputs", integer),
            "weights": self.tuple_of("weights", real),
            "cut": self.number("cut"),
            "cut_inclusive": self.field("cut_inclusive", bool),
            "noise": self.number("noise"),
            "category_sets": tuple(map(_category_set, self.field("category_sets", list))),
        }

    def _origin(self) -> dict[str, str]:
        data = self.field("origin", dict)
        return dict(zip(data, all_of(data.values(), string, "origin"), strict=True))


def _tree(data: object, index: int) -> Tree:
    where = f"trees[{index}]"
    if not isinstance(data, dict):
        raise ModelFileError("not an object", option=where, cure=REEXPORT)
    columns = {key: data.get(key, []) for key in _COLUMNS}
    if not all(isinstance(column, list) for column in columns.values()):
        raise ModelFileError("a column is not a list", option=where, cure=REEXPORT)
    return Tree(
        root=all_of([data.get("root")], integer, where)[0],
        feature=all_of(columns["feature"], integer, where),
        threshold=all_of(columns["threshold"], real, where),
        left=all_of(columns["left"], integer, where),
        right=all_of(columns["right"], integer, where),
        missing_left=all_of(columns["missing_left"], flag, where),
        category_set=all_of(columns["category_set"], integer, where),
    )


def _category_set(data: object) -> CategorySet:
    where = "category_sets"
    if not isinstance(data, dict) or not isinstance(data.get("members"), list):
        raise ModelFileError("not a set with members", option=where, cure=REEXPORT)
    inverted = data.get("inverted")
    if not isinstance(inverted, bool):
        raise ModelFileError("inverted is not true or false", option=where, cure=REEXPORT)
    return CategorySet(all_of(data["members"], integer, where), inverted)
