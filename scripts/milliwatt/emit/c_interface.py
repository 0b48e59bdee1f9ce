"""What the C of every kind of model offers alike: checks of arguments, labels, scaled features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from milliwatt import c_text as text
from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.ir import AnyModel

M = TypeVar("M", bound=AnyModel)


@dataclass(frozen=True)
class Function:
    """A public function: its comment, its signature, and its body."""

    comment: str
    signature: str
    body: str


class Interface(Generic[M]):
    """Writes what depends on features and labels alone.

    Attributes:
        upper: prefix of macros.
        type: of features.
    """

    def __init__(self, model: M, name: str) -> None:
        self.model = model
        self.name = name
        self.upper = name.upper()
        self.type = FEATURE_TYPES[model.dtype]

    def _check_function(self, more: str = "", tests: Iterable[str] = ()) -> str:
        """What every function asks first.

        Args:
            more: further parameters.
            tests: of them, as C; before the search for NaN, which takes longest.
        """
        lines = [
            f"static int {self.name}_check(const {self.type.c_type} *features, int n_features{more})",
            "{",
            "    if (features == NULL) {",
            "        return MW_ERROR_ARGUMENT;",
            "    }",
            f"    if (n_features != {self.upper}_N_FEATURES) {{",
            "        return MW_ERROR_LENGTH;",
            "    }",
            *tests,
        ]
        if not self.type.is_integer and self.model.check_nan and not self.model.handles_missing:
            lines += [
                f"    if (mw_has_nan(features, {self.upper}_N_FEATURES)) {{",
                "        return MW_ERROR_NAN;",
                "    }",
            ]
        return "\n".join([*lines, "    return MW_OK;", "}", ""])

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
            f",\n *                   and up to {text.bound(moved)} more since its leaves were rounded"
            if moved
            else ""
        )

    def _signature(self, suffix: str, tail: str = "") -> str:
        return f"int {self.name}_{suffix}(const {self.type.c_type} *features, int n_features{tail})"

    def _loop(self, n: str, element: str) -> str:
        return f"    for (int i = 0; i < {n}; ++i) {{\n        out[i] = {element};\n    }}\n"

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

    def _class_functions(self) -> Iterator[Function]:
        yield self._class_name()
        if all(type(label) is int and abs(label) < 1 << 31 for label in self.model.classes):
            yield self._class_label()

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
