"""The C of a committee: its members' trees as private functions, and what counts or averages them.

Members are called ``<name>_m0``, ``<name>_m1``, … in the order of the model; those of a committee within
it ``<name>_m1_m0``, ….
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from milliwatt import c_text as text
from milliwatt.emit.ballots import Ballots, ballots
from milliwatt.emit.bounds import relative_bound, value_bounds
from milliwatt.emit.c_ensemble import link_headers, scale_table
from milliwatt.emit.c_interface import Function, Interface
from milliwatt.emit.c_members import Member, class_of, class_table, knows_all
from milliwatt.emit.c_writer import Code
from milliwatt.emit.committee_plan import Turn, added_share, divides, turns
from milliwatt.ir import Committee, TreeEnsemble, TreeModel


def committee_code(model: Committee, name: str, method: str) -> Code:
    """The public functions of a committee, and its members by ``inline``, ``loadable`` or ``compact``."""
    functions = _Functions(model, name)
    panel = _Panel(model, name, method)
    private = [*panel.members(), *panel.both(), functions.check()]
    if model.scale:
        private.insert(0, scale_table(model.scale, name))
    return Code(list(functions.public()), "\n".join(private), ("committee.h", *sorted(_links(model))))


def _links(model: Committee) -> set[str]:
    """The headers of links that are computed: whoever votes needs none."""
    found = set()
    for member in model.members:
        if not isinstance(member, TreeEnsemble):
            found |= _links(member)
        elif not model.counts_votes:
            found |= set(link_headers(member))
    return found


class _Panel:
    """The private functions of a committee, or of a committee within one.

    Attributes:
        order: the members' turns.
    """

    def __init__(self, model: Committee, name: str, method: str) -> None:
        self.model = model
        self.name = name
        self.method = method
        self.features = f"const {Interface(model, name).type.c_type} *features"
        self.order: list[Turn] = turns(model)
        self.ballots: Ballots = ballots(model.weights, len(model.members))
        self.n = model.n_outputs

    def members(self) -> Iterator[str]:
        """Each member's trees, and the function that is called here."""
        for index, (member, columns) in enumerate(zip(self.model.members, self.model.columns, strict=True)):
            yield self._member(member, f"{self.name}_m{index}", columns)

    def both(self) -> list[str]:
        """The functions that a whole model's public ones call."""
        if self.model.counts_votes:
            return [self._vote(), self._votes("votes")]
        return [self._mean()]

    def class_code(self, columns: Sequence[int], n_classes: int) -> str:
        """For a committee within one: its members, and its class as the other one's."""
        parts = [*self.members(), *class_table(self.name, columns, n_classes)]
        own = f"{self.name}_vote(features)"
        parts += [self._vote() if self.model.counts_votes else self._mean()]
        before = ""
        if not self.model.counts_votes:
            before = f"    float own[{self.n}];\n    {self.name}_mean(features, own, 1);\n"
            own = f"mw_argmax_float(own, {self.n})"
        body = before + class_of(self.name, columns, n_classes, own)
        return "\n".join([*parts, f"static int {self.name}_class({self.features})\n{{\n{body}}}\n"])

    def answer_code(self) -> str:
        """For a committee within one: its members, and all its answers."""
        if self.model.counts_votes:
            return "\n".join([*self.members(), self._votes("answer")])
        early = ", 0" if self.model.is_classifier else ""
        function = (
            f"static void {self.name}_answer({self.features}, float *out)\n{{\n"
            f"    {self.name}_mean(features, out{early});\n}}\n"
        )
        return "\n".join([*self.members(), self._mean(), function])

    def _member(self, member: TreeModel, name: str, columns: Sequence[int]) -> str:
        votes, method = self.model.counts_votes, self.method
        if isinstance(member, TreeEnsemble):
            found = Member(member, name)
            return found.class_code(columns, self.n, method) if votes else found.answer_code(method)
        panel = _Panel(member, name, method)
        return panel.class_code(columns, self.n) if votes else panel.answer_code()

    # -- votes ---------------------------------------------------------------------------------

    def _vote(self) -> str:
        """The class with most votes; members whose votes cannot matter any more are not asked."""
        body = self._ranked() if self.ballots.ranks else self._counted()
        ranks = []
        if self.ballots.ranks:
            ranks = [text.array("uint8_t", f"{self.name}_ranks", (f"{r}U" for r in self.ballots.ranks))]
        head = f"static int {self.name}_vote({self.features})\n"
        return "\n".join([*ranks, f"{head}{{\n{body}}}\n"])

    def _counted(self) -> str:
        lines = [f"    int32_t votes[{self.n}];\n", "    memset(votes, 0, sizeof votes);\n"]
        answer = f"return mw_argmax_int32(votes, {self.n});"
        for turn in self.order:
            count = text.integer(self.ballots.counts[turn.member], 32)
            lines.append(f"    votes[{self._class(turn.member)}] += {count};\n")
            if turn.rest is not None:
                lead = f"mw_lead(votes, {self.n}) > {text.integer(int(turn.rest), 32)}"
                lines.append(f"    if ({lead}) {{\n        {answer}\n    }}\n")
        return "".join([*lines, f"    {answer}\n"])

    def _ranked(self) -> str:
        lines = [
            f"    uint8_t voters[{self.n}];\n",
            "    int found;\n" if self._looks else "",
            "    memset(voters, 0, sizeof voters);\n",
        ]
        asked = 0
        for turn in self.order:
            asked |= 1 << turn.member
            lines.append(f"    mw_cast(voters, {self._class(turn.member)}, {1 << turn.member}U);\n")
            if turn.rest is not None:
                still = (1 << len(self.order)) - 1 & ~asked
                lines.append(f"    found = {self._most(still)};\n")
                lines.append("    if (found >= 0) {\n        return found;\n    }\n")
        return "".join([*lines, f"    return {self._most(0)};\n"])

    def _votes(self, suffix: str) -> str:
        """All votes, as sums of weights or as shares of them."""
        model = self.model
        lines = [f"    memset(out, 0, {self.n} * sizeof *out);\n"]
        for index in range(len(model.members)):
            weight = text.float_literal(model.weights[index] if model.weights else 1.0)
            lines.append(f"    out[{self._class(index)}] += {weight};\n")
        if model.has_probabilities or not model.weights:
            lines.append(self._divided(sum(model.weights) if model.weights else float(len(model.members))))
        return f"static void {self.name}_{suffix}({self.features}, float *out)\n{{\n{''.join(lines)}}}\n"

    @property
    def _looks(self) -> bool:
        return any(turn.rest is not None for turn in self.order)

    def _class(self, index: int) -> str:
        return f"{self.name}_m{index}_class(features)"

    def _most(self, still: int) -> str:
        return f"mw_ranked_class(voters, {self.n}, {self.name}_ranks, {still}U)"

    # -- means ---------------------------------------------------------------------------------

    def _mean(self) -> str:
        """The mean of the members' answers; with `early` it ends when one class's lead is certain."""
        model = self.model
        width = max(member.n_answers for member in model.members)
        lines = [f"    float own[{width}];\n", f"    memset(out, 0, {self.n} * sizeof *out);\n"]
        for turn in self.order:
            lines += self._added(turn.member)
            if turn.rest is not None:
                lead = f"early && mw_lead_float(out, {self.n}) > {text.float_literal(turn.rest)}"
                lines.append(f"    if ({lead}) {{\n        return;\n    }}\n")
        if model.is_classifier and not self._looks:
            lines.append("    (void) early;\n")
        if divides(model) and len(model.members) > 1:
            lines.append(self._divided(float(len(model.members))))
        early = ", int early" if model.is_classifier else ""
        columns = [
            table
            for index, known in enumerate(model.columns)
            for table in class_table(f"{self.name}_m{index}", known, self.n)
        ]
        function = (
            f"static void {self.name}_mean({self.features}, float *out{early})\n{{\n{''.join(lines)}}}\n"
        )
        return "\n".join([*columns, function])

    def _added(self, index: int) -> Iterator[str]:
        columns, share = self.model.columns[index], added_share(self.model)[index]
        yield f"    {self.name}_m{index}_answer(features, own);\n"
        how, where = "mw_add_share(out, own", ""
        if not knows_all(columns, self.n):
            how, where = "mw_add_share_at(out, own", f", {self.name}_m{index}_columns"
        yield f"    {how}{where}, {len(columns)}, {text.float_literal(share)});\n"

    def _divided(self, by: float) -> str:
        divisor = text.float_literal(by)
        return f"    for (int i = 0; i < {self.n}; ++i) {{\n        out[i] /= {divisor};\n    }}\n"


class _Functions(Interface[Committee]):
    """The public functions of a committee."""

    def check(self) -> str:
        """What all of them ask first."""
        return self._check_function()

    def public(self) -> Iterator[Function]:
        """All of them, in the order of the header."""
        model = self.model
        if model.scale:
            yield self._quantize()
        if not model.is_classifier:
            yield self._regress()
            return
        yield self._predict()
        yield self._predict_proba() if model.has_probabilities else self._score()
        yield from self._class_functions()

    def _predict(self) -> Function:
        model, n = self.model, len(self.model.classes)
        how = "the one of the largest mean probability"
        if model.counts_votes:
            how = f"the one that most of {len(model.members)} members vote for"
            slack = ballots(model.weights, len(model.members)).slack
            how += f" (sums of weights closer than {text.bound(slack)} may count as equal)" if slack else ""
        comment = (
            f"/**\n * The class of a sample: {how},\n * the first among equals.\n *\n"
            f"{self._features_doc()} * @return class index 0 to {n - 1}, or a negative"
            f" mw_status: {self._errors_doc()}\n */"
        )
        checked = f"    const int status = {self.name}_check(features, n_features);\n"
        if model.counts_votes:
            body = f"{{\n{checked}    return status < 0 ? status : {self.name}_vote(features);\n}}\n"
        else:
            body = (
                f"{{\n    float mean[{n}];\n{checked}    if (status < 0) {{\n        return status;\n    }}\n"
                f"    {self.name}_mean(features, mean, 1);\n    return mw_argmax_float(mean, {n});\n}}\n"
            )
        return Function(comment, self._signature("predict"), body)

    def _predict_proba(self) -> Function:
        members = f"{len(self.model.members)} members"
        what = (
            f"the weighted mean of what {members} answer" if self.model.weights else f"the mean of {members}"
        )
        if self.model.counts_votes:
            what = f"its share of the votes of {members}"
        n = f"{self.upper}_N_CLASSES"
        receives = (
            f"{n} probabilities, 0 to 1, each within {text.bound(max(value_bounds(self.model)))} of the"
        )
        return self._vector(f"The probability of every class: {what}", "predict_proba", n, receives)

    def _score(self) -> Function:
        n = f"{self.upper}_N_CLASSES"
        what = "The votes of every class: " + ("sums of weights" if self.model.weights else "parts of 1")
        receives = f"{n} numbers, each within {text.bound(max(value_bounds(self.model)))} of the"
        return self._vector(f"{what}; the largest one decides", "score", n, receives)

    def _regress(self) -> Function:
        weighted = "weighted mean" if self.model.weights else "mean"
        n = f"{self.upper}_N_OUTPUTS"
        fraction = relative_bound(self.model)
        bound = f"within {text.bound(max(value_bounds(self.model)), 3)} of the"
        if fraction is not None:
            bound = f"a fraction of at most {text.bound(fraction)} off the"
        what = f"The regressed values: the {weighted} of what {len(self.model.members)} members answer"
        return self._vector(what, "regress", n, f"{n} values, each {bound}")

    def _vector(self, what: str, suffix: str, n: str, receives: str) -> Function:
        comment = (
            f"/**\n * {what}.\n *\n{self._features_doc()}"
            f" * @param out        receives {receives}\n *                   estimator's{self._rounded()}.\n"
            f" * @param n_out      room in out, at least {n}.\n"
            f" * @return MW_OK, or a negative mw_status: {self._errors_doc()}\n */"
        )
        call = "votes(features, out)" if self.model.counts_votes else "mean(features, out, 0)"
        call = call if self.model.is_classifier else "mean(features, out)"
        body = (
            "{\n    int status;\n    if (out == NULL) {\n        return MW_ERROR_ARGUMENT;\n    }\n"
            f"    if (n_out < {n}) {{\n        return MW_ERROR_LENGTH;\n    }}\n"
            f"    status = {self.name}_check(features, n_features);\n"
            "    if (status < 0) {\n        return status;\n    }\n"
            f"    {self.name}_{call};\n    return MW_OK;\n}}\n"
        )
        return Function(comment, self._signature(suffix, ", float *out, int n_out"), body)
