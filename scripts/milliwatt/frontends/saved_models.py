"""Models that XGBoost and LightGBM saved, read without either: they are data and run no code."""

from __future__ import annotations

import json
from pathlib import Path

from milliwatt.errors import MilliwattError
from milliwatt.frontends import lightgbm_file, lightgbm_trees, xgboost_trees

# What save_model() of either library is usually given; which of them it was, the content says.
SAVED_MODELS = (".json", ".ubj", ".txt", ".model")
_HANDOVER = "milliwatt"  # a key of our own *.mw.json


def load_saved_model(path: Path) -> xgboost_trees.XgboostFile | lightgbm_trees.LightgbmFile:
    """The model in a file, which ``frontends.to_ir`` takes.

    Raises:
        MilliwattError: neither library's, damaged, or a ``*.mw.json``; names the file.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MilliwattError(f"cannot be read: {error.strerror}", file=path, cure="check the path") from None
    try:
        if raw.split(b"\n", 1)[0].strip() == lightgbm_file.MAGIC.encode():
            return lightgbm_trees.read_file(raw)
        if raw.lstrip()[:1] == b"{":
            _refuse_handover(raw)
            return xgboost_trees.read_file(raw)
    except MilliwattError as error:
        raise error.within(file=path) from None
    raise MilliwattError(
        "neither a saved model of XGBoost (JSON, UBJSON) nor of LightGBM (text)",
        file=path,
        cure="save it with Booster.save_model('model.json') (XGBoost) or save_model('model.txt') (LightGBM)",
    )


def _refuse_handover(raw: bytes) -> None:
    # The key stands first in what we write, so no other file is parsed for nothing.
    if b'"' + _HANDOVER.encode() + b'"' not in raw[:200]:
        return
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict) and _HANDOVER in found:
        raise MilliwattError(
            "a model that Milliwatt converted already, not an estimator",
            cure="call it *.mw.json and use it as it is: milliwatt.load(), `milliwatt emit`, a build's model",
        )
