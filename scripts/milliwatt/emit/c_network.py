"""The C of a neural network: its public functions, and what runs its layers."""

from __future__ import annotations

from collections.abc import Iterator

from milliwatt import c_text as text
from milliwatt.emit.c_ensemble import scale_table
from milliwatt.emit.c_interface import Function, Interface
from milliwatt.emit.c_network_run import Runner
from milliwatt.emit.c_writer import Code
from milliwatt.emit.net_bounds import answer_bound, score_bound
from milliwatt.emit.net_plan import ALIGNMENT, Plan, plan_network
from milliwatt.ir.model import EXP, IDENTITY, SIGMOID, SOFTMAX
from milliwatt.ir.network import Network
from milliwatt.ir.network_grids import score_units

CALLER = "caller"  # who owns the arena


def network_code(model: Network, name: str, *, single: bool = False) -> Code:
    """The public functions of a network, its tables, and the function that runs it.

    Args:
        single: for one header, of which each file that includes it has a copy.

    Raises:
        UnsupportedModelError: what kernels cannot count or take.
    """
    plan = plan_network(model)
    functions = _Functions(model, name, plan)
    runner = functions.runner
    private = [*runner.tables(), runner.run(), functions.check()]
    if not functions.is_callers:
        private.insert(0, functions.arena())
    private += functions.units_table()
    if model.scale:
        private.insert(0, scale_table(model.scale, name))
    links = () if model.link == IDENTITY else ("links.h",)
    common = "committee.h" if model.is_classifier and not model.is_integer else "trees.h"
    return Code(
        list(functions.public()),
        "\n".join(private),
        (*links, "nets.h", common),
        tuple(functions.macros(single=single)),
    )


class _Functions(Interface[Network]):
    """Writes the functions of one network.

    Attributes:
        is_callers: the arena comes with every call.
    """

    def __init__(self, model: Network, name: str, plan: Plan) -> None:
        super().__init__(model, name)
        self.plan = plan
        self.runner = Runner(plan, name)
        self.is_callers = model.arena == CALLER
        self.units = score_units(model) if model.is_integer else (1.0,)

    # -- the arena -----------------------------------------------------------------------------

    def macros(self, *, single: bool) -> Iterator[str]:
        """``<NAME>_ARENA_SIZE``."""
        if self.is_callers:
            yield f"/* Bytes that layers compute in, at a multiple of {ALIGNMENT}: the caller's. */"
        else:
            yield "/* Bytes that layers compute in: one static array, so one call at a time. */"
            if single:
                yield "/* Each file that includes this header has such an array: include it in one. */"
        yield f"#define {self.upper}_ARENA_SIZE {self.plan.size}"
        if self.model.scale:
            yield self._scale_comment()

    def _scale_comment(self) -> str:
        """The factors that make features, for those who have them in other units than ``_quantize`` takes."""
        known = list(map(text.float_literal, self.model.scale))
        if len(set(known)) == 1:
            return f"/* Features are integers, round(x * {known[0]}): see {self.name}_quantize(). */"
        return (
            f"/* Features are integers, round(x * scale): see {self.name}_quantize(). The scales, in order:\n"
            f"{text.wrap(known).removesuffix(',')} */"
        )

    def arena(self) -> str:
        """The static array."""
        return f"static uint32_t {self.name}_arena[{self.upper}_ARENA_SIZE / 4];\n"

    def check(self) -> str:
        """What every function asks first."""
        if not self.is_callers:
            return self._check_function()
        tests = (
            "    if (arena == NULL) {\n        return MW_ERROR_ARGUMENT;\n    }",
            "    if ((uintptr_t) arena % MW_ARENA_ALIGNMENT != 0) {\n"
            "        return MW_ERROR_ALIGNMENT;\n    }",
            f"    if (arena_size < {self.upper}_ARENA_SIZE) {{\n        return MW_ERROR_LENGTH;\n    }}",
        )
        return self._check_function(", const void *arena, size_t arena_size", tests)

    def _predicting(self, suffix: str, tail: str = "") -> str:
        """The signature of a function that runs the network."""
        return self._signature(suffix, tail + (", void *arena, size_t arena_size" if self.is_callers else ""))

    def _errors_doc(self) -> str:
        """A caller's arena may lie askew."""
        doc = super()._errors_doc()
        return (
            doc.replace("MW_ERROR_LENGTH", "MW_ERROR_LENGTH, MW_ERROR_ALIGNMENT", 1)
            if self.is_callers
            else doc
        )

    def _features_doc(self) -> str:
        """Sums of infinities are NaN; a network of integers clamps them, and integers have none."""
        doc = super()._features_doc()
        if self.model.is_integer or self.type.is_integer:
            return doc
        return doc.replace(" values.\n", " finite values; answers to others mean nothing.\n", 1)

    def _arena_doc(self) -> str:
        if not self.is_callers:
            return ""
        return (
            f" * @param arena      {self.upper}_ARENA_SIZE bytes at a multiple of {ALIGNMENT}; what they hold"
            " does not matter, and changes.\n"
            f" * @param arena_size bytes in arena, at least {self.upper}_ARENA_SIZE.\n"
        )

    # -- public functions ----------------------------------------------------------------------

    def public(self) -> Iterator[Function]:
        """In the order of the header."""
        model = self.model
        if model.scale:
            yield self._quantize()
        if not model.is_classifier:
            yield self._regress()
            return
        yield self._predict_labels() if model.is_multilabel else self._predict()
        yield self._predict_proba()
        yield self._score()
        yield from self._class_functions()

    def _predict(self) -> Function:
        model = self.model
        comment = (
            "/**\n * The class of a sample.\n *\n"
            f"{self._features_doc()}{self._arena_doc()}"
            f" * @return class index 0 to {len(model.classes) - 1}, or a negative"
            f" mw_status: {self._errors_doc()}\n */"
        )
        if model.is_binary:
            answer = f"{self._run()}[0] > 0"
        else:
            kind = "int32" if model.is_integer else "float"
            answer = f"mw_argmax_{kind}({self._run()}, {model.n_outputs})"
        body = (
            f"{{\n    const int status = {self._checked()};\n    return status < 0 ? status : {answer};\n}}\n"
        )
        return Function(comment, self._predicting("predict"), body)

    def _predict_labels(self) -> Function:
        n = f"{self.upper}_N_CLASSES"
        comment = (
            "/**\n * Whether each label holds: its score lies above 0.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {n} numbers, 0 or 1.\n"
            f"{self._tail_doc(n)} */"
        )
        signature = self._predicting("predict_labels", ", uint8_t *out, int n_out")
        return Function(comment, signature, self._vector(n, self._loop(n, "scores[i] > 0")))

    def _predict_proba(self) -> Function:
        n = f"{self.upper}_N_CLASSES"
        what = "every label" if self.model.is_multilabel else "every class"
        how = "softmax" if self.model.link == SOFTMAX else "1 / (1 + e^-x)"
        comment = (
            f"/**\n * The probability of {what}: the scores by {how}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {n} probabilities, 0 to 1; {self._accuracy()}.\n"
            f"{self._tail_doc(n)} */"
        )
        signature = self._predicting("predict_proba", ", float *out, int n_out")
        return Function(comment, signature, self._vector(n, self._linked(n)))

    def _score(self) -> Function:
        model = self.model
        n = str(model.n_outputs)
        what = f"The scores, one a class, that {model.link} makes probabilities of; the largest one decides"
        if model.is_binary:
            what = "The score that decides: class 1 above 0"
        elif model.is_multilabel:
            what = "The scores that decide: a label holds above 0"
        comment = (
            f"/**\n * {what}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {n} number{'s'[: n != '1']}, {self._accuracy(link=False)}.\n"
            f"{self._tail_doc(n)} */"
        )
        signature = self._predicting("score", ", float *out, int n_out")
        return Function(comment, signature, self._vector(n, self._loop(n, self._real("i"))))

    def _regress(self) -> Function:
        n = f"{self.upper}_N_OUTPUTS"
        link = {EXP: ": the scores as powers of e", SIGMOID: ": the scores by 1 / (1 + e^-x)"}
        comment = (
            f"/**\n * The regressed values{link.get(self.model.link, '')}.\n *\n"
            f"{self._features_doc()}"
            f" * @param out        receives {n} values, {self._accuracy()}.\n"
            f"{self._tail_doc(n)} */"
        )
        signature = self._predicting("regress", ", float *out, int n_out")
        return Function(comment, signature, self._vector(n, self._linked(n)))

    # -- comments ------------------------------------------------------------------------------

    def _tail_doc(self, n: str) -> str:
        return (
            f" * @param n_out      room in out, at least {n}.\n{self._arena_doc()}"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n"
        )

    def _accuracy(self, *, link: bool = True) -> str:
        """How far numbers are from the estimator's, as a part of a sentence: what is known, no more."""
        model, line = self.model, "\n *                   "
        if not model.is_integer:
            return (
                f"computed in float32; how far its{line}"
                "rounding takes them from the estimator's is not bounded here"
            )
        exact = f"made of scores that are the same integers{line}on every CPU"
        if not link or model.link == IDENTITY:
            return f"{exact}, times a unit: within {text.bound(score_bound(model))} of that"
        of_it = "a fraction of " if model.link == EXP else ""
        bound = answer_bound(model)
        if bound >= 1.0:  # scores may be so large that the last digit of one is worth too much
            return f"{exact}, in float32"
        return f"{exact}: within {of_it}{text.bound(bound)} of what follows from them"

    # -- bodies --------------------------------------------------------------------------------

    def _checked(self) -> str:
        arena = ", arena, arena_size" if self.is_callers else ""
        return f"{self.name}_check(features, n_features{arena})"

    def _run(self) -> str:
        arena = "(uint32_t *) arena" if self.is_callers else f"{self.name}_arena"
        return f"{self.name}_run(features, {arena})"

    def _real(self, index: str) -> str:
        """A score as a real number."""
        if not self.model.is_integer:
            return f"scores[{index}]"
        if len(set(self.units)) == 1:
            return f"(float) scores[{index}] * {text.float_literal(self.units[0])}"
        return f"(float) scores[{index}] * mw_read_float({self.name}_units + {index})"

    def units_table(self) -> Iterator[str]:
        """The units of scores, where they differ."""
        if len(set(self.units)) > 1:
            yield text.array("float", f"{self.name}_units", map(text.float_literal, self.units))

    def _linked(self, n: str) -> str:
        """Scores to answers, in ``out``."""
        model = self.model
        if model.is_binary:
            return f"    out[1] = mw_sigmoid({self._real('0')});\n    out[0] = 1.0f - out[1];\n"
        if model.link == SOFTMAX:
            return self._loop(n, self._real("i")) + f"    mw_softmax(out, {n});\n"
        value = self._real("i")
        return self._loop(
            n, {EXP: f"mw_exp({value})", SIGMOID: f"mw_sigmoid({value})"}.get(model.link, value)
        )

    def _vector(self, n_out: str, fill: str) -> str:
        return (
            "{\n"
            f"    const {self.runner.score_type} *scores;\n"
            "    int status;\n"
            "    if (out == NULL) {\n        return MW_ERROR_ARGUMENT;\n    }\n"
            f"    if (n_out < {n_out}) {{\n        return MW_ERROR_LENGTH;\n    }}\n"
            f"    status = {self._checked()};\n"
            "    if (status < 0) {\n        return status;\n    }\n"
            f"    scores = {self._run()};\n"
            f"{fill}    return MW_OK;\n"
            "}\n"
        )
