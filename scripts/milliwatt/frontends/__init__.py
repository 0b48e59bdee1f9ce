"""From an estimator of some ML library to the intermediate representation: one file per library or family.

Estimators are recognised by the names of their classes, so that no ML library is imported to say
what is supported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import UnsupportedModelError
from milliwatt.frontends import sklearn_trees
from milliwatt.ir import TreeEnsemble


@dataclass(frozen=True)
class Frontend:
    """What one file of this package offers.

    Attributes:
        library: the package whose classes are meant: ``"sklearn"``.
        supported: names of classes; subclasses are taken too.
        convert: ``convert(estimator, kind, nan=...)``, kind being the supported class's name.
        answers: the estimator's own answers to samples (float64 array of float32 values), shape (rows,
            answers): what ``host.evaluate`` of the converted model should give.
    """

    library: str
    supported: tuple[str, ...]
    convert: Callable[..., TreeEnsemble]
    answers: Callable[[Any, NDArray[np.float64]], NDArray[np.float64]]


FRONTENDS: tuple[Frontend, ...] = (
    Frontend("sklearn", sklearn_trees.SUPPORTED, sklearn_trees.convert_trees, sklearn_trees.answers),
)
SUPPORTED: tuple[str, ...] = tuple(name for frontend in FRONTENDS for name in frontend.supported)


def to_ir(estimator: object, *, nan: str = "auto") -> TreeEnsemble:
    """The estimator as an IR model, thresholds as trained (float64).

    Args:
        estimator: a fitted estimator, or a subclass of a supported one.
        nan: see :class:`milliwatt.options.ModelOptions`.

    Raises:
        UnsupportedModelError: names the class and lists what is supported.
    """
    frontend, kind = _frontend(estimator)
    return frontend.convert(estimator, kind, nan=nan)


def estimator_answers(estimator: object, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the estimator itself answers: probabilities, scores where it has none, or values."""
    # The device's features are float32; scikit-learn's forests round to that, others do not.
    exact = np.asarray(samples, dtype=np.float32).astype(np.float64)
    return _frontend(estimator)[0].answers(estimator, exact)


def _frontend(estimator: object) -> tuple[Frontend, str]:
    for cls in type(estimator).__mro__:
        for frontend in FRONTENDS:
            if cls.__module__.split(".")[0] == frontend.library and cls.__name__ in frontend.supported:
                return frontend, cls.__name__
    kind = type(estimator)
    raise UnsupportedModelError(
        f"{kind.__module__}.{kind.__qualname__} is not supported",
        cure="use one of scikit-learn's " + ", ".join(SUPPORTED),
    )
