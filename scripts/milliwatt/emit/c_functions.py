"""The public functions of a model's C, and the private ones they share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit import text
from milliwatt.emit.inline_plans import MOST_STORES
from milliwatt.emit.leaves import LeafTable, cut_sum, relative_exp_bound, score_bounds, value_bounds
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import EXP, IDENTITY, ISOLATION, MEAN, MEDIAN, SIGMOID, SOFTMAX

_WEIGHT_SUM = 1 << 30  # weights of a median are scaled to about this much


@dataclass(frozen=True)
class Function:
    """A public function: its comment, its signature, and its body."""

    comment: str
    signature: str
    body: str


class Functions:
    """Writes the functions of one model.

    Attributes:
        sum_type: C type of a sum.
    """

    def __init__(self, model: TreeEnsemble, name: str, table: LeafTable) -> None:
        self.model = model
        self.name = name
        self.upper = name.upper()
        self.table = table
        self.type = FEATURE_TYPES[model.dtype]
        self.sum_type = "int32_t"
        if table.kind == "votes":
            self.sum_type = "uint8_t" if len(model.trees) <= 0xFF else "uint16_t"
        elif model.aggregate == MEDIAN:
            self.sum_type = "uint32_t"

    def public(self) -> Iterator[Function]:
        """All public functions, in the order of the header."""
        model = self.model
        if model.scale:
            yield self._quantize()
        if not model.is_classifier:
            yield self._regress()
            return
        yield self._predict()
        if model.has_probabilities:
            yield self._predict_proba()
        if model.has_scores:
            yield self._score()
        yield self._class_name()
        if all(type(label) is int and abs(label) < 1 << 31 for label in model.classes):
            yield self._class_label()

    # -- private functions ---------------------------------------------------------------------

    def private(self) -> str:
        """What the public functions share; stands after the trees."""
        parts = [self._check_function()]
        if self.model.aggregate == MEDIAN:
            parts += self._median_tables()
        elif self.table.kind == "rows" and not self.table.one:
            parts.append(self._one_score())
        return "\n".join(parts)

    @property
    def n_sums(self) -> int:
        """Sums that a prediction needs: one an output, or with medians one a tree."""
        return len(self.model.trees) if self.model.aggregate == MEDIAN else self.model.n_outputs

    def _check_function(self) -> str:
        """What every function asks first."""
        lines = [
            f"static int {self.name}_check(const {self.type.c_type} *features, int n_features)",
            "{",
            "    if (features == NULL) {",
            "        return MW_ERROR_ARGUMENT;",
            "    }",
            f"    if (n_features != {self.upper}_N_FEATURES) {{",
            "        return MW_ERROR_LENGTH;",
            "    }",
        ]
        if not self.type.is_integer and self.model.check_nan and not self.model.handles_missing:
            lines += [
                f"    if (mw_has_nan(features, {self.upper}_N_FEATURES)) {{",
                "        return MW_ERROR_NAN;",
                "    }",
            ]
        return "\n".join([*lines, "    return MW_OK;", "}", ""])

    def _sums(self, early: str) -> str:
        """Sums of a sample that was checked, from their start."""
        argument = "" if self.table.kind == "votes" or self.model.aggregate == MEDIAN else f", {early}"
        return "".join([*self._begin(), f"    {self.name}_add_trees(features, sums{argument});\n"])

    def _begin(self) -> list[str]:
        """What sums start from."""
        if self.model.aggregate == MEDIAN or self.table.kind == "votes":
            return []  # nothing is added up; counters are cleared where they are kept
        start = self.table.start
        if not any(start) and self.n_sums > MOST_STORES:
            return [f"    memset(sums, 0, {self.n_sums} * sizeof *sums);\n"]
        values = start or (0,) * self.n_sums
        return [f"    sums[{o}] = {text.integer(value, 32)};\n" for o, value in enumerate(values)]

    def _one_score(self) -> str:
        """The score that a sum stands for."""
        table, model = self.table, self.model
        n_trees = f"{len(model.trees)}U" if model.aggregate == MEAN else "1U"
        tables, zero = self._constant("zero", [text.integer(z, 32) for z in table.zero], "int32_t")
        more, shift = self._constant("shift", [str(s) for s in table.shift], "int8_t")
        base_table, base = self._constant("base", [text.float_literal(b) for b in table.base], "float")
        added = f" + {base}" if any(table.base) else ""
        used = "" if "[" in f"{zero}{shift}{base}" or " + i" in f"{zero}{shift}{base}" else "    (void) i;\n"
        return (
            f"{tables}{more}{base_table if any(table.base) else ''}"
            f"static float {self.name}_one_score(const int32_t *sums, int i)\n{{\n"
            f"{used}    return mw_mean(sums[i] - {zero}, {shift}, {n_trees}){added};\n}}\n"
        )

    def _constant(self, what: str, values: list[str], c_type: str) -> tuple[str, str]:
        """A table and how it is read at `i`; where all values are equal, none and the value."""
        if len(set(values)) == 1:
            return "", f"({values[0]})" if values[0].startswith("-") else values[0]
        name = f"{self.name}_{what}"
        read = {
            "int32_t": f"(int32_t) MW_READ_32({name} + i)",
            "int8_t": f"(int8_t) MW_READ_8({name} + i)",
            "float": f"mw_read_float({name} + i)",
        }[c_type]
        return text.array(c_type, name, values), read

    def _median_tables(self) -> Iterator[str]:
        total = sum(self.model.weights)
        scaled = [max(1, round(weight / total * _WEIGHT_SUM)) for weight in self.model.weights]
        distinct = sorted({row[0] for row in self.model.leaves})
        yield text.array("uint32_t", f"{self.name}_weights", (f"{weight}U" for weight in scaled))
        yield text.array("float", f"{self.name}_values", map(text.float_literal, distinct))
        yield (
            f"static float {self.name}_one_score(const uint32_t *ranks, int i)\n{{\n    (void) i;\n"
            f"    return mw_read_float({self.name}_values +\n"
            f"                         mw_weighted_median(ranks, {self.name}_weights, {self.n_sums}U,"
            f" UINT32_C({sum(scaled)})));\n}}\n"
        )

    # -- public functions ----------------------------------------------------------------------

    def _features_doc(self) -> str:
        integer = f", {self.type.low} to {self.type.high}" if self.type.is_integer else ""
        if self.model.handles_missing:
            integer = "; NaN is a missing value, handled as in training"
        return (
            f" * @param features   {self.upper}_N_FEATURES values{integer}.\n"
            f" * @param n_features {self.upper}_N_FEATURES, else the answer is MW_ERROR_LENGTH.\n"
        )

    def _errors_doc(self) -> str:
        nan = ""
        if not self.type.is_integer and not self.model.handles_missing:
            nan = ", MW_ERROR_NAN"
            if not self.model.check_nan:
                nan = ". Features must not be NaN: this is not checked"
        return f"MW_ERROR_ARGUMENT, MW_ERROR_LENGTH{nan}."

    def _rounded(self, steepest: float = 1.0) -> str:
        """What other leaves than the estimator's own do to a bound; nothing where they are its own.

        Args:
            steepest: how many times as far as the answers the numbers in question can move.
        """
        moved = steepest * max(self.model.leaf_error, default=0.0)
        return (
            f",\n *                   and up to {moved:.2g} more since its leaves were rounded"
            if moved
            else ""
        )

    def _signature(self, suffix: str, tail: str = "") -> str:
        return f"int {self.name}_{suffix}(const {self.type.c_type} *features, int n_features{tail})"

    def _predict(self) -> Function:
        comment = (
            "/**\n * The class of a sample.\n *\n"
            f"{self._features_doc()} * @return class index 0 to {len(self.model.classes) - 1}, or a negative"
            f" mw_status: {self._errors_doc()}\n */"
        )
        n = self.n_sums
        checked = f"    const int status = {self.name}_check(features, n_features);\n"
        if self.table.kind == "votes":
            body = f"{{\n{checked}    return status < 0 ? status : {self.name}_vote(features);\n}}\n"
            return Function(comment, self._signature("predict"), body)
        answer = f"mw_argmax_int32(sums, {n})"
        if self.model.is_binary:
            answer = f"sums[0] > {text.integer(cut_sum(self.model, self.table), 32)}"
        body = (
            f"{{\n    int32_t sums[{n}];\n{checked}"
            "    if (status < 0) {\n        return status;\n    }\n"
            f"{self._sums('1')}    return {answer};\n}}\n"
        )
        return Function(comment, self._signature("predict"), body)

    def _predict_proba(self) -> Function:
        model = self.model
        what = {
            IDENTITY: "the mean of the trees' leaf proportions",
            SIGMOID: "from the sum of the trees' leaves by 1 / (1 + e^-x)",
            SOFTMAX: "from the sums of the trees' leaves by softmax",
        }[model.link]
        if model.is_binary or self.table.one or self.table.kind == "votes":
            what = what.removeprefix("the mean of ") if model.aggregate != MEAN else what
        comment = (
            f"/**\n * The probability of every class: {what}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {self.upper}_N_CLASSES probabilities, 0 to 1, each within"
            f" {max(value_bounds(model, self.table)):.2g} of the\n *                   estimator's"
            f"{self._rounded()}.\n"
            f" * @param n_out      room in out, at least {self.upper}_N_CLASSES.\n"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n */"
        )
        signature = self._signature("predict_proba", ", float *out, int n_out")
        if model.is_binary:
            score = f"{self.name}_one_score(sums, 0)"
            value = f"mw_sigmoid({score})" if model.link == SIGMOID else score
            fill = f"    out[1] = {value};\n    out[0] = 1.0f - out[1];\n"
        elif model.link == SOFTMAX:
            n = f"{self.upper}_N_CLASSES"
            fill = self._loop(n, f"{self.name}_one_score(sums, i)") + f"    mw_softmax(out, {n});\n"
        else:
            value = self._proportion()
            fill = self._loop(
                f"{self.upper}_N_CLASSES", f"mw_sigmoid({value})" if model.link == SIGMOID else value
            )
        return Function(comment, signature, self._vector_body(f"{self.upper}_N_CLASSES", fill))

    def _proportion(self) -> str:
        """A probability from the sum of proportions, or a score."""
        if self.table.kind != "votes" and not self.table.one:
            return f"{self.name}_one_score(sums, i)"
        total = text.float_literal(float(len(self.model.trees) * max(self.table.one, 1)))
        return f"(float) sums[i] / {total}"

    def _score(self) -> Function:
        model = self.model
        n = model.n_outputs
        value = self._proportion()
        what = "The sum of the trees' leaves that decides: class 1 above"
        if model.link == ISOLATION:
            value = f"-mw_exp2(-{value})"
            what = "How normal a sample is, from -1 (an outlier) to 0, as score_samples has it; class 1 above"
            bound = score_bounds(model, self.table)[0] + 2.0**-21
            cut = -(2.0**-model.cut)
        else:
            bound, cut = max(score_bounds(model, self.table)), model.cut
        if not model.is_binary:
            what = "The sums of the trees' leaves, one a class; the largest one decides"
        else:
            what += f" {cut:.6g}"
        comment = (
            f"/**\n * {what}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {n} number{'s' if n > 1 else ''}, within {bound:.2g} of the"
            f" estimator's{self._rounded({SIGMOID: 4.0, SOFTMAX: 2.0}.get(model.link, 1.0))}.\n"
            f" * @param n_out      room in out, at least {n}.\n"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n */"
        )
        signature = self._signature("score", ", float *out, int n_out")
        return Function(comment, signature, self._vector_body(str(n), self._loop(str(n), value)))

    def _regress(self) -> Function:
        model = self.model
        how = {"mean": "mean", "sum": "sum", "median": "weighted median"}[model.aggregate]
        link = {EXP: ", as powers of e", SIGMOID: ", by 1 / (1 + e^-x)"}.get(model.link, "")
        bound = f"within {max(value_bounds(model, self.table)):.3g} of the estimator's"
        if model.link == EXP:
            fraction = relative_exp_bound(max(score_bounds(model, self.table)))
            bound = f"a fraction of at most {fraction:.2g} off the estimator's"
        comment = (
            f"/**\n * The regressed values: the {how} of the trees' leaves{link}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {self.upper}_N_OUTPUTS values, each {bound}{self._rounded()}.\n"
            f" * @param n_out      room in out, at least {self.upper}_N_OUTPUTS.\n"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n */"
        )
        value = f"{self.name}_one_score(sums, i)"
        value = {EXP: f"mw_exp({value})", SIGMOID: f"mw_sigmoid({value})"}.get(model.link, value)
        signature = self._signature("regress", ", float *out, int n_out")
        n = f"{self.upper}_N_OUTPUTS"
        return Function(comment, signature, self._vector_body(n, self._loop(n, value)))

    def _loop(self, n: str, element: str) -> str:
        return f"    for (int i = 0; i < {n}; ++i) {{\n        out[i] = {element};\n    }}\n"

    def _vector_body(self, n_out: str, fill: str) -> str:
        return (
            "{\n"
            f"    {self.sum_type} sums[{self.n_sums}];\n"
            "    int status;\n"
            "    if (out == NULL) {\n        return MW_ERROR_ARGUMENT;\n    }\n"
            f"    if (n_out < {n_out}) {{\n        return MW_ERROR_LENGTH;\n    }}\n"
            f"    status = {self.name}_check(features, n_features);\n"
            "    if (status < 0) {\n        return status;\n    }\n"
            f"{self._sums('0')}{fill}    return MW_OK;\n"
            "}\n"
        )

    def _quantize(self) -> Function:
        kind = self.type
        comment = (
            "/**\n * Real-valued features as the integers this model takes:"
            " round(x * scale), saturated.\n *\n"
            f" * @param values   {self.upper}_N_FEATURES numbers in the units the model was trained on.\n"
            f" * @param n_values {self.upper}_N_FEATURES, else the answer is MW_ERROR_LENGTH.\n"
            f" * @param features receives {self.upper}_N_FEATURES values for the functions below.\n"
            " * @return MW_OK, MW_ERROR_ARGUMENT, MW_ERROR_LENGTH, or MW_ERROR_NAN.\n */"
        )
        low, high = text.integer(kind.low, 8 * kind.size), text.integer(kind.high, 8 * kind.size)
        body = (
            "{\n"
            "    if (values == NULL || features == NULL) {\n        return MW_ERROR_ARGUMENT;\n    }\n"
            f"    if (n_values != {self.upper}_N_FEATURES) {{\n        return MW_ERROR_LENGTH;\n    }}\n"
            f"    if (mw_has_nan(values, {self.upper}_N_FEATURES)) {{\n        return MW_ERROR_NAN;\n    }}\n"
            f"    for (int i = 0; i < {self.upper}_N_FEATURES; ++i) {{\n"
            f"        const float scale = mw_read_float({self.name}_scale + i);\n"
            f"        features[i] = ({kind.c_type}) mw_quantize(values[i], scale, {low}, {high});\n"
            "    }\n    return MW_OK;\n}\n"
        )
        signature = f"int {self.name}_quantize(const float *values, int n_values, {kind.c_type} *features)"
        return Function(comment, signature, body)

    def _class_name(self) -> Function:
        classes = self.model.classes
        comment = (
            "/**\n * The estimator's label of a class, as text.\n *\n"
            f" * @param index 0 to {len(classes) - 1}.\n"
            ' * @return a string constant; for any other index (an error, say) "?".\n */'
        )
        names = "".join(
            f"    case {i}:\n        return {text.string_literal(str(label))};\n"
            for i, label in enumerate(classes)
        )
        body = f'{{\n    switch (index) {{\n{names}    default:\n        return "?";\n    }}\n}}\n'
        return Function(comment, f"const char *{self.name}_class_name(int index)", body)

    def _class_label(self) -> Function:
        labels = [int(label) for label in self.model.classes]
        comment = (
            "/**\n * The estimator's label of a class, as the number it is.\n *\n"
            f" * @param index 0 to {len(labels) - 1}; anything else gives 0.\n */"
        )
        cases = "".join(
            f"    case {i}:\n        return {text.integer(label, 32)};\n" for i, label in enumerate(labels)
        )
        body = f"{{\n    switch (index) {{\n{cases}    default:\n        return 0;\n    }}\n}}\n"
        return Function(comment, f"int32_t {self.name}_class_label(int index)", body)
