"""PyTorch: modules, through ``torch.export``.

Give what ``torch.export.export(module.eval(), (example,))`` gives, or a module that begins with a Linear
layer (others do not say what they take). An ``ExportedProgram`` is taken as it is, without
``run_decompositions()``.

PyTorch has channels first, devices have them last: features are an image's numbers row by row, the channels
of a place together. A module that itself brings them to the front (``x.permute(0, 2, 1)``) takes samples as
they are. Weights of a Linear after a flatten are rearranged.

Modules mostly give logits, which makes them regressors here: ``network_task.as_classifier`` says otherwise.
One that ends with softmax or sigmoid is a classifier of classes 0, 1, ….
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError, UnsupportedModelError
from milliwatt.frontends.network_graph import Graph
from milliwatt.frontends.network_places import Value
from milliwatt.frontends.network_task import only_tensor, own_answers
from milliwatt.frontends.sklearn_common import refuse_follow
from milliwatt.frontends.torch_operators import OPERATORS, SHARING, Call
from milliwatt.ir.network import Network

SUPPORTED = ("ExportedProgram", "Module")
_EXPORT = "torch.export.export(module.eval(), (example,)), with an example of one sample or more"
# Of exported graphs: what only checks, or measures sizes that are known.
_SILENT = ("aten.sym_size", "aten._assert", "_operator", "aten.item", "<built-in function")
_IN_PLACE = re.compile(r"aten\.\w+_\.")
_USUAL = (
    "use Linear, Conv1d, Conv2d, pools, batch normalisation, dropout, activations, +, cat, "
    "flatten and view; export in eval mode, without run_decompositions()"
)
# Operators that are refused, and easily avoided.
_CURES = {
    "aten.log_softmax.int": "leave it out and give task=classifier: the classes are the same",
    "aten._weight_norm.default": "make it plain weights before exporting: torch.nn.utils.parametrize."
    "remove_parametrizations(layer, 'weight'), or torch.nn.utils.remove_weight_norm(layer)",
}


@dataclass(frozen=True)
class _Taken:
    """A network, and whether its input had channels first."""

    network: Network
    channels_first: bool


def convert_torch(model: Any, kind: str, *, nan: str) -> Network:
    """An ``ExportedProgram``, or a module.

    Raises:
        UnsupportedModelError: names the operator and the module it belongs to, and says what to do.
    """
    refuse_follow("a PyTorch module", nan)
    return _take(_program(model), nan).network


def answers(model: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of classes or labels, or values."""
    import torch

    program = _program(model)
    taken = _take(program, "auto")
    shape, rows = _input_shape(program), np.asarray(samples, dtype=np.float32)
    if taken.channels_first and len(shape) > 1:
        images = rows.reshape(len(rows), *shape[1:], shape[0])
        rows = np.moveaxis(images, -1, 1)
    rows = rows.reshape(len(rows), *shape)
    batch = _batch(program)
    if not isinstance(batch, int):
        batch = len(rows)
    run, found = program.module(), []
    for begin in range(0, len(rows), batch):
        part = rows[begin : begin + batch]
        whole = np.concatenate([part, np.zeros((batch - len(part), *shape), dtype=np.float32)])
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(whole)).to(_input(program).dtype)
            args, options = torch.utils._pytree.tree_unflatten([given], program.call_spec.in_spec)
            outputs = only_tensor(run(*args, **options)).to(torch.float64).numpy()
        found.append(outputs[: len(part)])
    return own_answers(taken.network, np.concatenate(found), linked=True)


def _program(model: Any) -> Any:
    """What ``torch.export`` makes of a module."""
    import torch

    if isinstance(model, torch.export.ExportedProgram):
        return model
    first = next((m for m in model.modules() if list(m.parameters(recurse=False))), None)
    if not isinstance(first, torch.nn.Linear):
        raise UnsupportedModelError(
            f"a {type(model).__name__} does not say what shape its samples have",
            option="input_shape",
            cure=f"give it: input_shape=1x28x28 (channels, height, width), say; or give {_EXPORT}",
        )
    return _exported(model, (first.in_features,), first.weight.dtype)


def export_module(model: Any, shape: tuple[int, ...]) -> Any:
    """What ``torch.export`` makes of a module, for samples of that shape as the module takes them.

    Raises:
        UnsupportedModelError: torch cannot export it, or not for such samples.
    """
    import torch

    dtypes = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return _exported(model, shape, next(dtypes, torch.float32))


def _exported(model: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    import torch

    still = copy.deepcopy(model).eval()
    shown = "x".join(map(str, shape))
    try:
        return torch.export.export(still, (torch.zeros((2, *shape), dtype=dtype),))
    except Exception as error:  # torch has very many
        raise UnsupportedModelError(
            f"torch.export cannot export this {type(model).__name__} for samples of the shape {shown} "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})",
            cure=f"check input_shape, or give {_EXPORT}",
        ) from None


def _take(program: Any, nan: str) -> _Taken:
    """The network, with the input in the order in which it is an image."""
    first = _Walk(program, channels_first=True)
    try:
        return _Taken(first.network(nan), True)
    except UnsupportedModelError as error:
        if len(_input_shape(program)) < 2:
            raise
        last = _Walk(program, channels_first=False)
        try:
            return _Taken(last.network(nan), False)
        except UnsupportedModelError as other:
            # Whichever came further is the order that was meant.
            raise (other if len(last.values) > len(first.values) else error) from None


def _input(program: Any) -> Any:
    """The only input, as torch describes it."""
    names = program.graph_signature.user_inputs
    nodes = {node.name: node for node in program.graph.nodes}
    if len(names) != 1 or names[0] not in nodes:
        raise UnsupportedModelError(
            f"a module of {len(names)} inputs is not supported", cure="use one tensor"
        )
    return nodes[names[0]].meta["val"]


def _batch(program: Any) -> Any:
    """How many samples it takes at a time; a symbol if any number."""
    return _input(program).shape[0]


def _input_shape(program: Any) -> tuple[int, ...]:
    shape = _input(program).shape
    if len(shape) < 2 or not all(isinstance(side, int) for side in shape[1:]):
        raise UnsupportedModelError(
            f"an input of the shape {tuple(shape)} is not supported",
            cure="export with an example of samples in a batch, with fixed sizes beside the batch",
        )
    return tuple(int(side) for side in shape[1:])


class _Walk:
    """Goes through the operators of an exported graph."""

    def __init__(self, program: Any, *, channels_first: bool) -> None:
        self.program = program
        self.graph = Graph(_input_shape(program), channels_first=channels_first)
        self.batch = _batch(program)
        self.values: dict[str, Value] = {}
        self.tensors = self._parameters()
        self.memory: dict[str, str] = {}  # of what shares its numbers with another node: that node

    def _parameters(self) -> dict[str, NDArray[Any]]:
        signature, program = self.program.graph_signature, self.program
        named: Mapping[str, str] = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        stored = {**program.constants, **program.state_dict}
        named = {**named, **getattr(signature, "inputs_to_lifted_tensor_constants", {})}
        return {
            name: stored[target].detach().cpu().double().numpy()
            for name, target in named.items()
            if target in stored
        }

    def network(self, nan: str) -> Network:
        """The whole graph."""
        self.values[self.program.graph_signature.user_inputs[0]] = self.graph.input
        for node in self.program.graph.nodes:
            if node.op == "call_function":
                self._operator(node)
        outputs = self.program.graph_signature.user_outputs
        if len(outputs) != 1 or outputs[0] not in self.values:
            raise UnsupportedModelError(
                f"a module of {len(outputs)} outputs is not supported", cure="use one tensor"
            )
        import torch

        origin = {"class": "ExportedProgram", "library": f"torch {torch.__version__}"}
        return self.graph.network(self.values[outputs[0]], origin, check_nan=nan != "ignore")

    def _operator(self, node: Any) -> None:
        name = str(node.target)
        if name.startswith(_SILENT) and ("getitem" not in name or not node.users):
            return
        where = f"{name}{_module(node)}"
        handler = OPERATORS.get(name)
        if handler is None:
            raise UnsupportedModelError(
                f"the operator {where} is not supported", cure=_CURES.get(name, _USUAL)
            )
        self._note_memory(node, name, where)
        arguments = [self._argument(argument) for argument in node.args]
        options = {key: self._argument(value) for key, value in node.kwargs.items()}
        shape = self._shape(node, where)
        try:
            value = handler(Call(self.graph, arguments, options, shape, where))
        except (TypeError, IndexError, ValueError, AttributeError, KeyError) as error:
            raise UnsupportedModelError(
                f"the operator {where} is used in a way that is not supported ({error})",
                cure="use modules of torch.nn with usual settings",
            ) from None
        if value.shape != shape:
            raise MilliwattError(
                f"{where} gives {shape} in PyTorch, but {value.shape} here", cure="report this"
            )
        self.values[node.name] = value

    def _note_memory(self, node: Any, name: str, where: str) -> None:
        """Refuses an operator that changes numbers which are read as another tensor later."""
        in_place = _IN_PLACE.match(name)
        if not in_place and name not in SHARING:
            return
        given = node.args[0]
        if in_place and given.name in self.tensors:
            raise UnsupportedModelError(
                f"{where} changes a tensor of the module: it was exported in training mode",
                cure="call eval() before exporting",
            )
        root = self.memory.get(given.name, given.name)
        self.memory[node.name] = root
        if not in_place:
            return
        nodes = list(self.program.graph.nodes)
        later = set(nodes[nodes.index(node) + 1 :])
        for other in nodes:
            shares = self.memory.get(other.name, other.name) == root and other is not node
            if shares and later.intersection(other.users):
                raise UnsupportedModelError(
                    f"{where} works in place, on numbers that are read again as {other.name}",
                    cure="use it without inplace=True (x + y instead of x += y)",
                )

    def _shape(self, node: Any, where: str) -> tuple[int, ...]:
        """The shape of what an operator gives, without the batch."""
        given = node.meta["val"]
        given = given[0] if isinstance(given, list | tuple) else given
        shape = tuple(given.shape)
        if not shape or shape[0] != self.batch or not all(isinstance(side, int) for side in shape[1:]):
            raise UnsupportedModelError(
                f"{where} mixes samples of a batch, or drops the batch",
                cure="keep the first dimension as it is; squeeze other dimensions by their number",
            )
        return shape[1:]

    def _argument(self, argument: Any) -> Any:
        """A node's value or weights; else the argument itself."""
        if isinstance(argument, list | tuple):
            return [self._argument(item) for item in argument]
        name = getattr(argument, "name", None)
        if name is None or not hasattr(argument, "op"):
            return argument
        return self.values.get(name, self.tensors.get(name))


def _module(node: Any) -> str:
    """Which module an operator belongs to, and of what class, as a part of a sentence."""
    stack = node.meta.get("nn_module_stack") or {}
    found = [(path, getattr(kind, "__name__", str(kind))) for path, kind in stack.values() if path]
    return f" (in {found[-1][0]}: {found[-1][1].rpartition('.')[2]})" if found else ""
