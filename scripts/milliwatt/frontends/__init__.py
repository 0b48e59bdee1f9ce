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

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends import (
    keras_networks,
    lightgbm_trees,
    onnx_graphs,
    pipelines,
    sklearn_adaboost,
    sklearn_boosting,
    sklearn_committees,
    sklearn_histogram,
    sklearn_isolation,
    sklearn_mlp,
    sklearn_trees,
    torch_modules,
    xgboost_trees,
)
from milliwatt.frontends.keras_file import KerasFile
from milliwatt.frontends.onnx_graphs import OnnxFile
from milliwatt.ir import AnyModel


@dataclass(frozen=True)
class Frontend:
    """What one file of this package offers.

    Attributes:
        library: the package whose classes are meant: ``"sklearn"``; ``"milliwatt"`` for what its own
            readers of saved models make.
        supported: names of classes; subclasses are taken too.
        convert: ``convert(estimator, kind, nan=...)``, kind being the supported class's name.
        answers: the estimator's own answers to samples (float64 array of float32 values), shape (rows,
            answers): what ``host.evaluate`` of the converted model should give.
    """

    library: str
    supported: tuple[str, ...]
    convert: Callable[..., AnyModel]
    answers: Callable[[Any, NDArray[np.float64]], NDArray[np.float64]]


FRONTENDS: tuple[Frontend, ...] = (
    Frontend("sklearn", sklearn_trees.SUPPORTED, sklearn_trees.convert_trees, sklearn_trees.answers),
    Frontend(
        "sklearn", sklearn_boosting.SUPPORTED, sklearn_boosting.convert_boosting, sklearn_boosting.answers
    ),
    Frontend(
        "sklearn", sklearn_histogram.SUPPORTED, sklearn_histogram.convert_histogram, sklearn_histogram.answers
    ),
    Frontend(
        "sklearn", sklearn_isolation.SUPPORTED, sklearn_isolation.convert_isolation, sklearn_isolation.answers
    ),
    Frontend(
        "sklearn", sklearn_adaboost.SUPPORTED, sklearn_adaboost.convert_adaboost, sklearn_adaboost.answers
    ),
    Frontend(
        "sklearn",
        sklearn_committees.SUPPORTED,
        sklearn_committees.convert_committee,
        sklearn_committees.answers,
    ),
    Frontend("sklearn", sklearn_mlp.SUPPORTED, sklearn_mlp.convert_mlp, sklearn_mlp.answers),
    Frontend("sklearn", pipelines.SUPPORTED, pipelines.convert_pipeline, pipelines.answers),
    Frontend("xgboost", xgboost_trees.SUPPORTED, xgboost_trees.convert_trees, xgboost_trees.answers),
    Frontend("lightgbm", lightgbm_trees.SUPPORTED, lightgbm_trees.convert_trees, lightgbm_trees.answers),
    Frontend("keras", keras_networks.SUPPORTED, keras_networks.convert_keras, keras_networks.answers),
    Frontend(
        "milliwatt", keras_networks.SUPPORTED_FILES, keras_networks.convert_keras, keras_networks.answers
    ),
    Frontend("torch", torch_modules.SUPPORTED, torch_modules.convert_torch, torch_modules.answers),
    Frontend("onnx", onnx_graphs.SUPPORTED, onnx_graphs.convert_onnx, onnx_graphs.answers),
    Frontend("milliwatt", onnx_graphs.SUPPORTED_FILES, onnx_graphs.convert_onnx, onnx_graphs.answers),
    Frontend("milliwatt", xgboost_trees.SUPPORTED_FILES, xgboost_trees.convert_trees, xgboost_trees.answers),
    Frontend(
        "milliwatt", lightgbm_trees.SUPPORTED_FILES, lightgbm_trees.convert_trees, lightgbm_trees.answers
    ),
)


def _names(library: str) -> tuple[str, ...]:
    return tuple(name for frontend in FRONTENDS if frontend.library == library for name in frontend.supported)


SUPPORTED = _names("sklearn")
_OF_NETWORKS = ("keras", "torch", "onnx")
# What committees may be made of: trees.
TREES = tuple(name for name in SUPPORTED if name not in sklearn_mlp.SUPPORTED)
MEMBERS = (
    *TREES,
    *(
        name
        for name in (*_names("xgboost"), *_names("lightgbm"))
        if name.endswith(("Classifier", "Regressor"))
    ),
)


def to_ir(estimator: object, *, nan: str = "auto") -> AnyModel:
    """The estimator as an IR model, thresholds as trained (float64).

    Args:
        estimator: a fitted estimator, or a subclass of a supported one.
        nan: see :class:`milliwatt.options.ModelOptions`.

    Raises:
        UnsupportedModelError: names the class and lists what is supported.
    """
    frontend, kind = _frontend(estimator)
    return frontend.convert(estimator, kind, nan=nan)


def with_input_shape(estimator: object, shape: tuple[int, ...]) -> object:
    """The estimator with the shape of its samples known: what ``torch.export`` makes of a module.

    Args:
        shape: the option ``input_shape``; empty: the estimator as it is.

    Raises:
        MilliwattError: the estimator is no PyTorch module, and so knows what it takes.
    """
    if not shape:
        return estimator
    frontend, kind = _frontend(estimator)
    if frontend.library == "torch" and kind == "Module":
        return torch_modules.export_module(estimator, shape)
    raise MilliwattError(
        f"a {type(estimator).__name__} knows the shape of its samples; only PyTorch modules do not",
        option="input_shape",
        cure="leave it out",
    )


def knows_task(estimator: object) -> bool:
    """Whether an estimator knows what it answers, and its classes; networks of other libraries do not."""
    return _frontend(estimator)[0].library not in _OF_NETWORKS and not isinstance(
        estimator, (KerasFile, OnnxFile)
    )


def estimator_answers(estimator: object, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the estimator itself answers: probabilities, scores where it has none, or values."""
    # The device's features are float32; scikit-learn's forests round to that, others do not.
    return answers_of(estimator, np.asarray(samples, dtype=np.float32).astype(np.float64))


def answers_of(estimator: object, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for samples that the device does not see: what a pipeline's steps make of them."""
    return _frontend(estimator)[0].answers(estimator, samples)


def _frontend(estimator: object) -> tuple[Frontend, str]:
    for cls in type(estimator).__mro__:
        for frontend in FRONTENDS:
            if cls.__module__.split(".")[0] == frontend.library and cls.__name__ in frontend.supported:
                return frontend, cls.__name__
    kind = type(estimator)
    if hasattr(estimator, "best_estimator_"):
        raise UnsupportedModelError(
            f"a {kind.__qualname__} is a search for an estimator", cure="convert its best_estimator_"
        )
    raise UnsupportedModelError(
        f"{kind.__module__}.{kind.__qualname__} is not supported",
        cure=f"use one of scikit-learn's {', '.join(SUPPORTED)}; "
        f"of XGBoost's {', '.join(_names('xgboost'))}; of LightGBM's {', '.join(_names('lightgbm'))}; "
        "a Keras model, what torch.export gives, or an ONNX model",
    )
