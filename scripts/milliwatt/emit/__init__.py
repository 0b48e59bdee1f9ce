"""From the intermediate representation to the forms a device reads. Standard library only."""

from milliwatt.emit.blob import emit_blob
from milliwatt.emit.c_code import Emitted, emit_c
from milliwatt.emit.csv import emit_csv
from milliwatt.emit.method import Choice, choose_method

__all__ = ["Choice", "Emitted", "choose_method", "emit_blob", "emit_c", "emit_csv"]
