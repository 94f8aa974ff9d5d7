"""A model as a program of PyTorch's own, which runs where clew is not installed."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clew.export.interface import Interface, Value, What, has_step, interface
from clew.export.modules import Sequence, Step
from clew.export.quiet import quiet
from clew.models import SequenceModel

if TYPE_CHECKING:
    from torch.export import ExportedProgram

__all__ = ["to_torch"]

# Sizes of the free axes while torch traces. Neither 0 nor 1, which it would take for constants.
_TRACED = {"batch": 3, "time": 5}


def to_torch(model: SequenceModel, what: What = "model") -> "ExportedProgram":
    """Export a model with ``torch.export``, in real tensors and torch's own operations alone.

    The program takes raw samples, as the model does, in batches of any size. It refers to nothing of clew,
    so a file that ``torch.export.save`` writes is read without it.

    Args:
        model: in evaluation mode, on the CPU, float32 or float64.
        what: ``"model"``: ``program.module()(x, lengths)`` is what ``model(x, lengths=lengths)`` returns, for
            sequences of any length from 1, each mixer's ``forward`` being a scan over its ``step``, or two,
            from both ends, of a bidirectional one: then there is no state, and the dictionary is empty.
            ``"step"``: ``program.module()(x_k, state)`` is what ``model.step(x_k, state)`` returns. A state
            is a dictionary of tensors by name, those of ``interface(model).state`` in that order; before the
            first sample all are zero.

    Raises:
        ValueError: for an unknown ``what``; if the model is in training mode, elsewhere than on the CPU or in
            another dtype, or has a mixer with no step, other than clew's own bidirectional ones as a whole.

    >>> from clew.models import ModelConfig, build
    >>> model = build(ModelConfig(d_input=3, n_classes=2, mixer="rnn", d_model=4, n_layers=1)).eval()
    >>> program = to_torch(model, "step")
    >>> state = {
    ...     "backbone.0.hidden": torch.zeros(5, 4),
    ...     "pooled": torch.zeros(5, 4, dtype=torch.float64),
    ...     "count": torch.zeros(5, dtype=torch.int64),
    ... }
    >>> logits, state = program.module()(torch.randn(5, 3), state)
    >>> logits.shape, list(state)
    (torch.Size([5, 2]), ['backbone.0.hidden', 'pooled', 'count'])
    """
    signature = interface(model, what)
    _check(model)
    module = Sequence(model) if what == "model" else Step(model)
    axes = {name: torch.export.Dim(name) for name in _TRACED}
    samples = _arguments(signature, [_example(value) for value in signature.inputs])
    free = _arguments(
        signature,
        [
            {number: axes[axis] for number, axis in enumerate(value.shape) if isinstance(axis, str)}
            for value in signature.inputs
        ],
    )
    with torch.no_grad(), quiet():
        program = torch.export.export(module, samples, dynamic_shapes=free, strict=False)
    # Kept, they would go into the file as a pickle; the rest of it is none.
    program.example_inputs = None
    _forget_sources(program)
    return program


def _check(model: SequenceModel) -> None:
    """Refuse what cannot be exported, before torch does in many more words."""
    if model.training:
        raise ValueError("the model is in training mode; call model.eval() first")
    if any(parameter.device.type != "cpu" for parameter in model.parameters()):
        raise ValueError("the model is not on the CPU; it is exported from there: model.cpu()")
    dtypes = {parameter.dtype for parameter in model.parameters()}
    if len(dtypes) != 1 or not dtypes <= {torch.float32, torch.float64}:
        found = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes))
        raise ValueError(f"a model in float32 or float64 is exported, this one is in {found}: model.float()")
    if has_step(model):
        with torch.no_grad():  # raises for a mixer that has none all the same
            model.step(model.input_mean[None], model.initial_state(1), constants=model.constants())


def _example(value: Value) -> Tensor:
    shape = [_TRACED[axis] if isinstance(axis, str) else axis for axis in value.shape]
    return torch.zeros(shape, dtype=getattr(torch, value.dtype))


def _arguments(signature: Interface, given: list[Any]) -> tuple[Any, ...]:
    """``given``, one for each input, as the exported module takes them: a state as a dictionary."""
    if signature.what == "model":
        return tuple(given)
    return given[0], dict(zip(signature.state, given[1:], strict=True))


def _forget_sources(program: "ExportedProgram") -> None:
    """Take the lines of source, with the paths of this machine, from every node of the graph."""
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            node.meta.pop("stack_trace", None)
