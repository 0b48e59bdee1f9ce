"""The public functions of a model's C, and the private ones they share."""

from __future__ import annotations

from collections.abc import Iterator

from milliwatt import c_text as text
from milliwatt.emit.c_interface import Function, Interface
from milliwatt.emit.inline_plans import MOST_STORES
from milliwatt.emit.leaves import LeafTable, cut_sum, relative_exp_bound, score_bounds, value_bounds
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import EXP, IDENTITY, ISOLATION, MEAN, MEDIAN, SIGMOID, SOFTMAX

_WEIGHT_SUM = 1 << 30  # weights of a median are scaled to about this much


class Functions(Interface[TreeEnsemble]):
    """Writes the functions of one model.

    Attributes:
        sum_type: C type of a sum.
    """

    def __init__(self, model: TreeEnsemble, name: str, table: LeafTable) -> None:
        super().__init__(model, name)
        self.table = table
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
        yield from self._class_functions()

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
        body = (
            f"{{\n    int32_t sums[{n}];\n{checked}"
            "    if (status < 0) {\n        return status;\n    }\n"
            f"{self._sums('1')}    return {self._decided()};\n}}\n"
        )
        return Function(comment, self._signature("predict"), body)

    def _decided(self) -> str:
        """The class that sums, which are no votes, stand for."""
        if self.model.is_binary:
            return f"sums[0] > {text.integer(cut_sum(self.model, self.table), 32)}"
        return f"mw_argmax_int32(sums, {self.n_sums})"

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
            f" {text.bound(max(value_bounds(model, self.table)))} of the\n *                   estimator's"
            f"{self._rounded()}.\n"
            f" * @param n_out      room in out, at least {self.upper}_N_CLASSES.\n"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n */"
        )
        n = f"{self.upper}_N_CLASSES"
        signature = self._signature("predict_proba", ", float *out, int n_out")
        return Function(comment, signature, self._vector_body(n, self._fill(n)))

    def _fill(self, n: str) -> str:
        """Sums to the ``n`` answers, in ``out``."""
        model = self.model
        if not model.is_classifier:
            value = f"{self.name}_one_score(sums, i)"
            value = {EXP: f"mw_exp({value})", SIGMOID: f"mw_sigmoid({value})"}.get(model.link, value)
            return self._loop(n, value)
        if model.is_binary:
            score = f"{self.name}_one_score(sums, 0)"
            value = f"mw_sigmoid({score})" if model.link == SIGMOID else score
            return f"    out[1] = {value};\n    out[0] = 1.0f - out[1];\n"
        if model.link == SOFTMAX:
            return self._loop(n, f"{self.name}_one_score(sums, i)") + f"    mw_softmax(out, {n});\n"
        value = self._proportion()
        return self._loop(n, f"mw_sigmoid({value})" if model.link == SIGMOID else value)

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
            f" * @param out        receives {n} number{'s' if n > 1 else ''}, within"
            f" {text.bound(bound)} of the"
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
        bound = f"within {text.bound(max(value_bounds(model, self.table)), 3)} of the estimator's"
        if model.link == EXP:
            fraction = relative_exp_bound(max(score_bounds(model, self.table)))
            bound = f"a fraction of at most {text.bound(fraction)} off the estimator's"
        comment = (
            f"/**\n * The regressed values: the {how} of the trees' leaves{link}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {self.upper}_N_OUTPUTS values, each {bound}{self._rounded()}.\n"
            f" * @param n_out      room in out, at least {self.upper}_N_OUTPUTS.\n"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n */"
        )
        signature = self._signature("regress", ", float *out, int n_out")
        n = f"{self.upper}_N_OUTPUTS"
        return Function(comment, signature, self._vector_body(n, self._fill(n)))

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
