"""From the intermediate representation to the forms a device reads. Standard library only."""

from milliwatt.emit.blob import emit_blob
from milliwatt.emit.c_code import Emitted, emit_c
from milliwatt.emit.csv import emit_csv
from milliwatt.emit.method import Choice, choose_method
from milliwatt.emit.net_plan import Plan, arena_size, plan_network
from milliwatt.emit.signal_code import state_size

__all__ = [
    "Choice",
    "Emitted",
    "Plan",
    "arena_size",
    "choose_method",
    "emit_blob",
    "emit_c",
    "emit_csv",
    "plan_network",
    "state_size",
]
