"""What the firmware builds share: from a declaration of models to C files in a directory.

Standard library only: ``*.mw.json`` needs nothing but the Python that runs the build. Files that
need an ML library are converted in a Python of their own.
"""

from milliwatt.build.conversion import Converter
from milliwatt.build.declarations import (
    ModelDeclaration,
    declare,
    parse_models,
    parse_yes_no,
    refuse_unknown_options,
)
from milliwatt.build.generation import Generated, generate

__all__ = [
    "Converter",
    "Generated",
    "ModelDeclaration",
    "declare",
    "generate",
    "parse_models",
    "parse_yes_no",
    "refuse_unknown_options",
]
