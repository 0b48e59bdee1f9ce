"""From an estimator of some ML library to the intermediate representation: one file per library.

Estimators are recognised by the names of their classes, so that no ML library is imported to say
what is supported.
"""

from __future__ import annotations

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends.sklearn_trees import SUPPORTED as _SKLEARN_TREES
from milliwatt.frontends.sklearn_trees import convert_trees
from milliwatt.ir import TreeEnsemble

SUPPORTED: tuple[str, ...] = _SKLEARN_TREES


def to_ir(estimator: object, *, nan: str = "auto") -> TreeEnsemble:
    """The estimator as an IR model, thresholds as trained (float64).

    Args:
        estimator: a fitted estimator, or a subclass of a supported one.
        nan: see :class:`milliwatt.options.ModelOptions`.

    Raises:
        UnsupportedModelError: names the class and lists what is supported.
    """
    for cls in type(estimator).__mro__:
        if cls.__module__.split(".")[0] == "sklearn" and cls.__name__ in _SKLEARN_TREES:
            return convert_trees(estimator, cls.__name__, nan=nan)
    kind = type(estimator)
    raise UnsupportedModelError(
        f"{kind.__module__}.{kind.__qualname__} is not supported",
        cure="use one of scikit-learn's " + ", ".join(SUPPORTED),
    )
