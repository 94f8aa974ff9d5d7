"""The recurrence compiled: sequential in time, vectors across channels, threads across rows and channels."""

import math

import torch
from torch import Tensor

from clew.ops import compiled

__all__ = ["available", "backward", "detail", "forward", "supports"]

available, detail = compiled.missing, compiled.instruction_set


def supports(decay: Tensor, inputs: Tensor) -> str | None:
    """Takes every call on the CPU."""
    return compiled.refusal(inputs)


def forward(decay: Tensor, inputs: Tensor, initial_state: Tensor | None) -> tuple[Tensor, Tensor]:
    """States and final state, in fresh memory; arguments as in ``reference.forward``."""
    states = torch.empty_like(inputs, memory_format=torch.contiguous_format)
    compiled.run(
        "linear_scan_forward",
        _flat(_spread(decay, inputs), 2),
        _flat(inputs, 2),
        None if initial_state is None else _flat(initial_state, 1),
        _flat(states, 2),
    )
    return states, states[:, -1].clone()


def backward(
    states_gradient: Tensor,
    final_gradient: Tensor,
    decay: Tensor,
    states: Tensor,
    initial_state: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of decay, inputs and initial state; arguments as in ``parallel.backward``."""
    batch, time, *rest = states.shape
    decay_gradient = states.new_empty((batch, time if decay.shape[1] > 1 else 1, *rest))
    inputs_gradient = torch.empty_like(states, memory_format=torch.contiguous_format)
    initial_gradient = states.new_empty((batch, *rest))
    compiled.run(
        "linear_scan_backward",
        _flat(states_gradient, 2),
        _flat(final_gradient, 1),
        _flat(_spread(decay, states), 2),
        _flat(states, 2),
        None if initial_state is None else _flat(initial_state, 1),
        _flat(decay_gradient, 2),
        _flat(inputs_gradient, 2),
        _flat(initial_gradient, 1),
    )
    return compiled.sum_to_size(decay_gradient, decay.shape), inputs_gradient, initial_gradient


def _spread(decay: Tensor, like: Tensor) -> Tensor:
    """Decay with all or none of its axes after time of size 1: the kernel knows no other broadcast."""
    if decay.shape[2:].numel() == 1:
        return decay
    return decay.expand(*decay.shape[:2], *like.shape[2:])


def _flat(tensor: Tensor, leading: int) -> Tensor:
    """The tensor with the axes after its ``leading`` ones as one, channels."""
    sizes = tensor.shape[leading:]
    return tensor.reshape(*tensor.shape[:leading], math.prod(sizes))
