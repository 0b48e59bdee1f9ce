"""Checks that a model is well formed, so that everything after it can trust it."""

from __future__ import annotations

import math
import re

from milliwatt.dtypes import FEATURE_TYPES, FLOAT32_MAX, is_float32
from milliwatt.errors import MilliwattError, ModelFileError
from milliwatt.ir.committee import AnyModel, TreeModel
from milliwatt.ir.model import (
    AGGREGATES,
    CLASSIFIER,
    EXP,
    IDENTITY,
    LINKS,
    MEAN,
    MEDIAN,
    REGRESSOR,
    SIGMOID,
    SOFTMAX,
    Agreement,
    LeafTrade,
    Tree,
    TreeEnsemble,
)  # fmt: skip
from milliwatt.ir.quantization import QuantizeTrade
from milliwatt.options import parse_budget

METHODS = ("auto", "inline", "loadable", "compact")
MAX_FEATURES = 65_535
MAX_OUTPUTS = 65_535
MAX_TREES = 65_535
MAX_CATEGORY = 65_535
MAX_LEAF_BITS = 16
QUANTIZED = ("int8", "int16")

# C and C++ keywords and the few macros that a name could collide with.
KEYWORDS = """
    auto break case char class const continue default delete do double else enum extern float for
    friend goto if inline int long namespace new operator private protected public register restrict
    return short signed sizeof static struct switch template this typedef union unsigned using
    virtual void volatile while bool true false try catch throw main errno mw asm typeof
"""
# A generated <name>.h of that name would be found in place of the one that is meant.
_HEADERS = """
    assert complex ctype errno fenv inttypes iso646 limits locale math setjmp signal stdalign stdarg
    stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar
    wctype arduino milliwatt alloca features newlib picolibc
"""
_RESERVED = frozenset((KEYWORDS + _HEADERS).split())


def check_name(name: str) -> str:
    """The model's name if it can be a C identifier and a file name, else an error."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name) or name.lower() in _RESERVED:
        raise ModelFileError(
            f"{name!r} cannot be a model's name",
            option="name",
            cure="use letters, digits and _, starting with a letter, at most 63; no C keyword, no C header",
        )
    if name.lower().startswith("mw_"):
        raise ModelFileError(
            f"{name!r} cannot be a model's name: mw_ is the library's own prefix",
            option="name",
            cure="choose a name that does not begin with mw_",
        )
    return name


def validate(model: TreeEnsemble) -> TreeEnsemble:
    """The model itself if it is well formed, else :class:`ModelFileError`.

    Checks counts, label and row shapes, children in range, that every tree is a tree (each
    split reached exactly once, hence no cycle), and that thresholds are values of the feature type.
    """
    check_name(model.name)
    check_counts(model)
    check_classes(model)
    _check_leaves(model)
    _check_scores(model)
    _check_categories(model)
    check_calibration(model)
    _check_leaf_error(model)
    for index, tree in enumerate(model.trees):
        try:
            _check_tree(tree, model)
        except ModelFileError as error:
            raise error.within(option=f"trees[{index}]") from None
    return model


def fail(problem: str, option: str | None = None) -> ModelFileError:
    """The error for a model that no export can have written."""
    return ModelFileError(problem, option=option, cure="export the model again with `milliwatt export`")


def check_counts(model: TreeModel) -> None:
    """What is asked of every model of trees: settings, and how many trees there are."""
    check_settings(model)
    if not 1 <= len(model.trees) <= MAX_TREES:
        raise fail(f"{len(model.trees)} trees; 1 to {MAX_TREES} are possible", "trees")
    if model.handles_missing and FEATURE_TYPES[model.dtype].is_integer:
        raise fail(f"missing values need float features, not {model.dtype}", "dtype")


def check_settings(model: AnyModel) -> None:
    """What is asked of every model: task, types, features."""
    if model.task not in (CLASSIFIER, REGRESSOR):
        raise fail(f"unknown task {model.task!r}", "task")
    if model.dtype not in FEATURE_TYPES:
        raise fail(f"unknown feature type {model.dtype!r}", "dtype")
    if model.method not in METHODS:
        raise fail(f"unknown method {model.method!r}", "method")
    try:
        parse_budget(model.budget)
    except MilliwattError as error:
        raise fail(f"unknown budget {model.budget!r}", "budget") from error
    if not 1 <= model.n_features <= MAX_FEATURES:
        raise fail(f"{model.n_features} features; 1 to {MAX_FEATURES} are possible", "n_features")
    if model.feature_names and len(model.feature_names) != model.n_features:
        raise fail(f"{len(model.feature_names)} names for {model.n_features} features", "feature_names")
    if model.scale:
        _check_scale(model)


def _check_scale(model: AnyModel) -> None:
    if len(model.scale) != model.n_features or not FEATURE_TYPES[model.dtype].is_integer:
        raise fail("a scale needs an integer feature type and one factor a feature", "scale")
    if not all(math.isfinite(s) and s > 0 and is_float32(s) for s in model.scale):
        raise fail("scale factors must be positive float32 values", "scale")


def check_classes(model: AnyModel) -> None:
    """Labels, as far as a device and JSON can hold them."""
    if not model.is_classifier:
        if model.classes:
            raise fail("a regressor has no classes", "classes")
        return
    if not model.classes:
        raise fail("a classifier needs at least one class", "classes")
    if not all(math.isfinite(label) for label in model.classes if isinstance(label, float)):
        raise fail("a class label is not finite", "classes")
    if len({(type(label), label) for label in model.classes}) != len(model.classes):
        raise fail("a class label appears twice", "classes")


def _check_leaves(model: TreeEnsemble) -> None:
    if not model.leaves or not model.leaves[0]:
        raise fail("no leaf values", "leaves")
    width = 1 if model.outputs else model.n_outputs
    if not 1 <= width <= MAX_OUTPUTS:
        raise fail(f"{width} outputs; 1 to {MAX_OUTPUTS} are possible", "leaves")
    for index, row in enumerate(model.leaves):
        if len(row) != width:
            raise fail(f"row {index} has {len(row)} values instead of {width}", "leaves")
        if not all(math.isfinite(value) for value in row):
            raise fail(f"row {index} holds a value that is not finite", "leaves")
        if max(abs(value) for value in row) > FLOAT32_MAX:
            raise fail(f"row {index} holds a value that float32 cannot hold", "leaves")
        if _has_proportions(model) and not (min(row) >= 0.0 and max(row) <= 1.0):
            raise fail(f"row {index} is not a row of proportions", "leaves")


def _has_proportions(model: TreeEnsemble) -> bool:
    return model.is_classifier and model.link == IDENTITY and model.aggregate == MEAN


def _check_scores(model: TreeEnsemble) -> None:
    n = model.n_outputs
    if model.aggregate not in AGGREGATES:
        raise fail(f"unknown aggregate {model.aggregate!r}", "aggregate")
    if model.link not in LINKS:
        raise fail(f"unknown link {model.link!r}", "link")
    if model.is_classifier and n != len(model.classes) and not (n == 1 and len(model.classes) == 2):
        raise fail(f"{n} scores for {len(model.classes)} classes", "classes")
    if (model.link == EXP) if model.is_classifier else (model.link not in (IDENTITY, SIGMOID, EXP)):
        raise fail(f"a {model.task} cannot have the link {model.link}", "link")
    if not all(math.isfinite(v) and abs(v) <= FLOAT32_MAX for v in (*model.base, model.cut)):
        raise fail("a number that float32 cannot hold", "base")
    if model.cut and model.link in (SIGMOID, SOFTMAX):
        raise fail(f"with the link {model.link} classes are decided at 0", "cut")
    if model.outputs and (len(model.outputs) != len(model.trees) or not model.base):
        raise fail("one output a tree, and a base for each output, are needed", "outputs")
    if model.outputs and not 0 <= min(model.outputs) <= max(model.outputs) < n:
        raise fail(f"a tree adds to an output outside 0..{n - 1}", "outputs")
    _check_median(model)
    if not 0.0 <= model.noise < math.inf:
        raise fail("not a number >= 0", "noise")


def _check_median(model: TreeEnsemble) -> None:
    if model.aggregate != MEDIAN:
        if model.weights:
            raise fail("only medians have weights", "weights")
        return
    if len(model.weights) != len(model.trees) or not all(0.0 < w < math.inf for w in model.weights):
        raise fail("one weight > 0 a tree is needed", "weights")
    if model.is_classifier or model.n_outputs != 1 or any(model.base) or model.link != IDENTITY:
        raise fail("medians are for regressors of one output", "aggregate")


def _check_categories(model: TreeEnsemble) -> None:
    for index, found in enumerate(model.category_sets):
        members = found.members
        if not all(0 <= m <= MAX_CATEGORY for m in members) or list(members) != sorted(set(members)):
            raise fail(f"set {index} is not ascending within 0..{MAX_CATEGORY}", "category_sets")


def check_calibration(model: AnyModel) -> None:
    """What was measured is possible."""
    if model.calibration is None:
        return
    a = model.calibration.agreement
    _check_agreement(a)
    for side in (model.calibration.low, model.calibration.high):
        if len(side) not in (0, model.n_features):
            raise fail(f"{len(side)} ranges for {model.n_features} features", "calibration")
    if model.calibration.leaves is not None:
        _check_leaf_trade(model.calibration.leaves, a.rows)
    if model.calibration.quantize is not None:
        _check_quantize_trade(model.calibration.quantize, a.rows)


def _check_agreement(a: Agreement) -> None:
    if min(a.rows, a.agree, a.ties) < 0 or a.agree + a.ties > a.rows or not 0 <= a.max_error < math.inf:
        raise fail("the measured agreement is impossible", "calibration")


def _check_quantize_trade(trade: QuantizeTrade, rows: int) -> None:
    _check_agreement(trade.before)
    figures = (trade.accuracy_before, trade.accuracy_after)
    possible = (
        trade.quantize in QUANTIZED
        and trade.before.rows == rows
        and 0 <= trade.classes_changed <= rows
        and 0.0 <= trade.largest_difference < math.inf
        and (figures[0] is None) == (figures[1] is None)
        and all(figure is None or 0.0 <= figure < math.inf for figure in figures)
        and all(0.0 <= layer.clipped <= 1.0 and layer.tensor > 0 for layer in trade.layers)
    )
    if not possible:
        raise fail("what quantisation is said to have changed is impossible", "calibration")


def _check_leaf_trade(trade: LeafTrade, rows: int) -> None:
    areas = (trade.auc_before, trade.auc_after)
    possible = (
        (trade.leaf_bits is None or 0 <= trade.leaf_bits <= MAX_LEAF_BITS)
        and trade.leaf_clusters >= 0
        and 0 <= trade.classes_changed <= rows
        and (areas[0] is None) == (areas[1] is None)
        and all(area is None or 0.0 <= area <= 1.0 for area in areas)
    )
    if not possible:
        raise fail("what was traded in the leaves is impossible", "calibration")


def _check_leaf_error(model: TreeEnsemble) -> None:
    error = model.leaf_error
    if error and len(error) != model.n_columns:
        raise fail(f"{len(error)} numbers for {model.n_columns} answers", "leaf_error")
    if not all(0.0 <= value < math.inf for value in error):
        raise fail("not a number >= 0", "leaf_error")


def _check_tree(tree: Tree, model: TreeEnsemble) -> None:
    n = tree.n_splits
    if not len(tree.threshold) == len(tree.left) == len(tree.right) == n:
        raise fail("feature, threshold, left and right differ in length")
    if len(tree.missing_left) != (n if model.handles_missing else 0):
        raise fail(f"missing_left has {len(tree.missing_left)} flags for {n} splits")
    if n and not 0 <= min(tree.feature) <= max(tree.feature) < model.n_features:
        raise fail(f"a split looks at a feature outside 0..{model.n_features - 1}")
    if len(tree.category_set) not in (0, n) or not all(
        -1 <= index < len(model.category_sets) for index in tree.category_set
    ):
        raise fail("category_set does not fit the splits, or the category sets")
    _check_thresholds(tree, model.dtype)
    check_shape(tree, len(model.leaves))


def _check_thresholds(tree: Tree, dtype: str) -> None:
    kind = FEATURE_TYPES[dtype]
    if kind.is_integer:
        if not all(isinstance(t, int) and kind.low <= t <= kind.high for t in tree.threshold):
            raise fail(f"a threshold is not an {dtype} value")
    elif not all(t == t and is_float32(t) for t in tree.threshold):
        raise fail("a threshold is NaN or not a float32 value")


def check_shape(tree: Tree, n_rows: int) -> None:
    """Every split must be the child of exactly one other, and all must hang under the root."""
    n = tree.n_splits
    children = (tree.root, *tree.left, *tree.right)
    if min(children) < -n_rows or max(children) >= n:
        raise fail(f"a child lies outside the {n} splits and {n_rows} leaf rows")
    parents = bytearray(n)
    for child in children:
        if child >= 0:
            if parents[child]:
                raise fail(f"split {child} has two parents")
            parents[child] = 1
    if sum(parents) != n:
        raise fail("a split is not the child of any other")
    # One parent each and none left out still allows a cycle beside the tree: walk and count.
    seen = 0
    stack = [tree.root]
    while stack:
        node = stack.pop()
        if node >= 0:
            seen += 1
            stack += (tree.left[node], tree.right[node])
    if seen != n:
        raise fail("splits form a cycle")
