"""The intermediate representation: what a model is once its ML library is out of the picture.

Standard library only, so that a firmware build needs nothing but Python.
"""

from milliwatt.ir.committee import AnyModel, Committee, TreeModel, as_member, ensembles, map_ensembles
from milliwatt.ir.model import (
    Agreement,
    Calibration,
    CategorySet,
    Label,
    LeafTrade,
    Tree,
    TreeEnsemble,
)
from milliwatt.ir.network import Network
from milliwatt.ir.quantization import LayerError, QuantizeTrade
from milliwatt.ir.reading import is_model_file, read_model, settle
from milliwatt.ir.serialize import SCHEMA_VERSION, dumps, load, loads, save
from milliwatt.ir.validate_committee import validate_model as validate

__all__ = [
    "SCHEMA_VERSION",
    "Agreement",
    "AnyModel",
    "Calibration",
    "CategorySet",
    "Committee",
    "Label",
    "LayerError",
    "LeafTrade",
    "Network",
    "QuantizeTrade",
    "Tree",
    "TreeEnsemble",
    "TreeModel",
    "as_member",
    "dumps",
    "ensembles",
    "is_model_file",
    "load",
    "loads",
    "map_ensembles",
    "read_model",
    "save",
    "settle",
    "validate",
]
