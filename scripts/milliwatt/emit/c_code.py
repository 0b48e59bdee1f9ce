"""The C of a model: ``<name>.h`` and ``<name>.c``, or one header that holds both."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.emit.c_committee import committee_code
from milliwatt.emit.c_ensemble import ensemble_code
from milliwatt.emit.c_network import network_code
from milliwatt.emit.c_writer import Writer
from milliwatt.emit.method import Choice, choose_method
from milliwatt.emit.signal_code import with_signals
from milliwatt.ir import AnyModel, Network, TreeEnsemble
from milliwatt.ir.validate import check_name


@dataclass(frozen=True)
class Emitted:
    """Generated C.

    Attributes:
        files: file name to text.
        choice: the method that was used, and why.
    """

    files: dict[str, str]
    choice: Choice


def emit_c(
    model: AnyModel, *, name: str | None = None, method: str = "auto", single: bool = False
) -> Emitted:
    """Generate C99 for a model.

    Args:
        model: a validated model.
        name: prefix of all names; the model's own name by default.
        method: ``auto``, ``inline``, ``loadable`` or ``compact``; of networks ``auto``, they have one form.
        single: one header with everything ``static`` instead of header and source.
    """
    name = check_name(name or model.name)
    choice = choose_method(model, method)
    if isinstance(model, Network):
        code = network_code(model, name, single=single)
    elif isinstance(model, TreeEnsemble):
        code = ensemble_code(model, name, choice.method)
    else:
        code = committee_code(model, name, choice.method)
    writer = Writer(model, name, choice, with_signals(code, model, name))
    if single:
        return Emitted({f"{name}.h": writer.single_header()}, choice)
    return Emitted({f"{name}.h": writer.header(), f"{name}.c": writer.source()}, choice)
