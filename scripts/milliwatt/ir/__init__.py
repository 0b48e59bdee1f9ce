"""The intermediate representation: what a model is once its ML library is out of the picture.

Standard library only, so that a firmware build needs nothing but Python.
"""

from milliwatt.ir.model import (
    Agreement,
    Calibration,
    CategorySet,
    Label,
    LeafTrade,
    Tree,
    TreeEnsemble,
)
from milliwatt.ir.reading import is_model_file, read_model
from milliwatt.ir.serialize import SCHEMA_VERSION, dumps, load, loads, save
from milliwatt.ir.validate import validate

__all__ = [
    "SCHEMA_VERSION",
    "Agreement",
    "Calibration",
    "CategorySet",
    "Label",
    "LeafTrade",
    "Tree",
    "TreeEnsemble",
    "dumps",
    "is_model_file",
    "load",
    "loads",
    "read_model",
    "save",
    "validate",
]
