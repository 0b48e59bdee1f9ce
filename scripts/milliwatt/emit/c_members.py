"""The members of a committee in C: private functions that answer a class, or all answers."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt import c_text as text
from milliwatt.emit.c_ensemble import trees_code
from milliwatt.emit.c_functions import Functions
from milliwatt.emit.leaves import leaf_table
from milliwatt.ir import TreeEnsemble
from milliwatt.ir.model import MEDIAN


class Member(Functions):
    """One sum of trees that takes part in a committee; its samples are checked already."""

    def __init__(self, model: TreeEnsemble, name: str) -> None:
        super().__init__(model, name, leaf_table(model))
        self.features = f"const {self.type.c_type} *features"

    def class_code(self, columns: Sequence[int], n_classes: int, method: str) -> str:
        """Its trees, and ``int <name>_class(features)``: which of the committee's classes it answers."""
        table = class_table(self.name, columns, n_classes)
        if self.table.kind == "votes":
            body = f"    (void) {self.name}_add_trees;\n" + class_of(
                self.name, columns, n_classes, f"{self.name}_vote(features)"
            )
        else:
            body = f"    int32_t sums[{self.n_sums}];\n{self._sums('1')}" + class_of(
                self.name, columns, n_classes, self._decided()
            )
        function = f"static int {self.name}_class({self.features})\n{{\n{body}}}\n"
        return "\n".join([trees_code(self, method), *table, function])

    def answer_code(self, method: str) -> str:
        """Its trees, and ``void <name>_answer(features, out)``: all its probabilities, or values."""
        n = self.model.n_answers
        unused = f"    (void) {self.name}_vote;\n" if self.table.kind == "votes" else ""
        function = (
            f"static void {self.name}_answer({self.features}, float *out)\n{{\n"
            f"    {self.sum_type} sums[{self.n_sums}];\n{unused}{self._sums('0')}{self._fill(str(n))}}}\n"
        )
        return "\n".join([trees_code(self, method), *self._score_functions(), function])

    def _score_functions(self) -> list[str]:
        if self.model.aggregate == MEDIAN:
            return list(self._median_tables())
        return [self._one_score()] if self.table.kind == "rows" and not self.table.one else []


def knows_all(columns: Sequence[int], n: int) -> bool:
    """Whether a member's columns are the committee's."""
    return list(columns) == list(range(n))


def class_table(name: str, columns: Sequence[int], n: int) -> list[str]:
    """Where each of a member's answers belongs, unless it is where the committee has it."""
    if knows_all(columns, n):
        return []
    return [text.array("uint16_t", f"{name}_columns", (f"{column}U" for column in columns))]


def class_of(name: str, columns: Sequence[int], n: int, found: str) -> str:
    """The statement that returns the committee's class for a member's."""
    if knows_all(columns, n):
        return f"    return {found};\n"
    return f"    return (int) MW_READ_16({name}_columns + ({found}));\n"
