"""Estimators from files."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from milliwatt.errors import MilliwattError, ToolMissingError
from milliwatt.frontends.keras_file import read_keras
from milliwatt.frontends.onnx_graphs import read_onnx
from milliwatt.frontends.saved_models import SAVED_MODELS, load_saved_model
from milliwatt.frontends.skops_audit import trusted_types

PICKLES = (".joblib", ".pkl", ".pickle")
SKOPS = ".skops"
# Networks that are data, and run no code: what reads them; and PyTorch's, which may be pickles within.
NETWORKS: dict[str, Callable[[Path], Any]] = {".keras": read_keras, ".h5": read_keras, ".onnx": read_onnx}
TORCH = ".pt2"
_OF_TORCH = (
    "save the module with its graph: "
    "torch.export.save(torch.export.export(module.eval(), (example,)), 'model.pt2')"
)
KNOWN = (SKOPS, *PICKLES, *SAVED_MODELS, *NETWORKS, TORCH)


def load_estimator(path: Path, *, trust_pickle: bool, note: Callable[[str], None] = lambda _: None) -> Any:
    """The estimator in a ``.skops``, ``.joblib`` or pickle file, or what another library saved.

    XGBoost's and LightGBM's files, Keras' (``.keras``, ``.h5``), ONNX' (``.onnx``) and what
    ``torch.export.save`` writes (``.pt2``).

    Args:
        trust_pickle: allow formats that can run any code while they are loaded.
        note: receives what the user should know, a sentence each.

    Raises:
        MilliwattError: unknown format, unreadable file, or a format that was not trusted.
    """
    suffix = path.suffix.lower()
    if suffix not in KNOWN:
        known = f"give a *.mw.json, or one of {', '.join('*' + s for s in KNOWN)}"
        raise MilliwattError(
            f"unknown kind of model file {suffix or 'without an ending'!r}",
            file=path,
            cure=_OF_TORCH if suffix in (".pt", ".pth") else known,
        )
    if not path.is_file():
        raise MilliwattError("no such file", file=path, cure="check the path")
    if suffix in SAVED_MODELS:
        return _guarded(path, lambda: load_saved_model(path), note)
    if suffix in NETWORKS:
        return _guarded(path, lambda: _load_network(path), note)
    if suffix == SKOPS:
        return _guarded(path, lambda: _load_skops(path), note)
    if not trust_pickle:
        raise MilliwattError(
            "loading this format runs any code that the file holds",
            file=path,
            option="trust_pickle",
            cure="if you trust its author, say so (--trust-pickle, custom_milliwatt_trust_pickle = yes); "
            "better save it with skops, or export it to *.mw.json once",
        )
    return _guarded(path, lambda: _load_pickle(path), note)


def _load_network(path: Path) -> Any:
    try:
        return NETWORKS[path.suffix.lower()](path)
    except MilliwattError as error:
        raise error.within(file=path) from None


def _load_pickle(path: Path) -> Any:
    if path.suffix.lower() == TORCH:
        try:
            import torch
        except ImportError:
            raise _missing("torch", path) from None
        return torch.export.load(path)
    if path.suffix.lower() == ".joblib":
        try:
            import joblib
        except ImportError:
            raise _missing("joblib", path) from None
        return joblib.load(path)
    with open(path, "rb") as file:
        return pickle.load(file)


def _load_skops(path: Path) -> Any:
    try:
        import skops.io as sio
    except ImportError:
        raise _missing("skops", path) from None
    data = path.read_bytes()
    trusted = trusted_types(data)
    unknown = set(sio.get_untrusted_types(data=data)) - set(trusted)
    if unknown:
        raise MilliwattError(
            f"holds types that skops does not trust: {', '.join(sorted(unknown))}",
            file=path,
            cure="save a plain scikit-learn estimator, without objects of your own; update skops where it is "
            "older than 0.14, which did not know boosted trees; "
            "or convert it where it was trained: milliwatt.convert(estimator).save('model.mw.json'); "
            "or save it with joblib, if whoever loads it trusts you",
        )
    return sio.loads(data, trusted=list(trusted))


def _missing(package: str, path: Path) -> ToolMissingError:
    return ToolMissingError(
        f"the Python package {package} is needed to load it", file=path, cure=f"pip install {package}"
    )


def _guarded(path: Path, load: Callable[[], Any], note: Callable[[str], None]) -> Any:
    """Run a loader; whatever a foreign file makes it raise becomes one clear error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = load()
        except MilliwattError:
            raise
        except ModuleNotFoundError as error:
            raise ToolMissingError(
                f"needs the Python module {error.name!r}",
                file=path,
                cure=f"install it here: pip install {error.name}",
            ) from None
        except Exception as error:  # a damaged pickle can raise anything at all
            raise MilliwattError(
                f"cannot be loaded ({type(error).__name__}: {error})",
                file=path,
                cure="save the model again with the same library versions as installed here",
            ) from None
    for warning in caught:
        if type(warning.message).__name__ == "InconsistentVersionWarning":
            note(f"{path}: {str(warning.message).splitlines()[0]}")
            break
    return estimator
