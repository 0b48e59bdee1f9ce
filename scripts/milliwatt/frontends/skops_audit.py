"""What a skops file may hold beyond skops' own list of trusted types, and why that is harmless."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

# No more than arrays, numbers and dictionaries; the frontend checks what is in them that matters.
_DATA = (
    "numpy.dtype",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils._bunch.Bunch",
    # What features were selected by: named, never called again.
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
)
# Transformers and what they learn: numbers, texts and tuples of these, checked as a model file's are.
_OURS = tuple(
    f"milliwatt.{module}.{name}"
    for module, names in {
        "features.channels": "Magnitude SelectChannels ToFloat",
        "features.filters": "Centre FIRFilter IIRFilter PreEmphasis RemoveDC",
        "features.spectra": "Goertzel MFCC MelSpectrogram Spectrum",
        "features.times": "Flatten TimeFeatures",
        "features.windows": "SlidingWindow",
        "ir.signals": "Branch Centre Choose Emphasis Fir Goertzel Iir Length RemoveDc Spectrum TimeFeature "
        "ToFloat",
    }.items()
    for name in names.split()
)
# HistGradientBoosting with categorical features keeps partial(check_array, dtype=…, ensure_all_finite=…).
_PARTIAL = "functools.partial"
_CHECK = "sklearn.utils.validation.check_array"
# The only format whose nodes are named as below; older ones take a function's name from elsewhere.
_PROTOCOL = 2


def trusted_types(data: bytes) -> tuple[str, ...]:
    """Types to trust in this file: data, and functions that do no more than check an array.

    ``functools.partial`` cannot be trusted by name, as it binds arguments to whatever it is given.

    Args:
        data: the skops file.
    """
    known = (*_DATA, *_OURS)
    return (*known, _PARTIAL, _CHECK) if _checks_only(data) else known


def _checks_only(data: bytes) -> bool:
    """Whether a skops file has ``functools.partial``, each of them one of :data:`_CHECK`."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))  # as skops itself reads it
    if not isinstance(schema, dict) or schema.get("protocol") != _PROTOCOL:
        return False
    nodes = list(_nodes(schema))
    # skops takes a node that it has met already for any later one of the same id, whatever that one holds.
    names: dict[Any, set[tuple[str, str]]] = {}
    for node in nodes:
        names.setdefault(node.get("__id__"), set()).add((_name(node), str(node.get("__loader__"))))
    partials = [node for node in nodes if _name(node) == _PARTIAL]
    return bool(partials) and all(_is_check(node, names) for node in partials)


def _is_check(node: dict[str, Any], names: dict[Any, set[tuple[str, str]]]) -> bool:
    content = node.get("content")
    func = content.get("func") if isinstance(content, dict) else None
    if node.get("__loader__") != "PartialNode" or not isinstance(func, dict) or func.get("__id__") is None:
        return False
    return names[func["__id__"]] == {(_CHECK, "FunctionNode")}


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object in the file's description, at any depth."""
    stack: list[Any] = [schema]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            yield found
            stack += found.values()
        elif isinstance(found, list):
            stack += found


def _name(node: dict[str, Any]) -> str:
    return f"{node.get('__module__')}.{node.get('__class__')}"
