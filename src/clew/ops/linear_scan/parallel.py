"""The recurrence as a scan in blocks; its backward pass is the scan in reverse."""

import torch
from torch import Tensor

from clew.maths.scan import elementwise_scan

__all__ = ["available", "backward", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(decay: Tensor, inputs: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(decay: Tensor, inputs: Tensor, initial_state: Tensor | None) -> tuple[Tensor, Tensor]:
    """States and final state, in fresh memory; arguments as in ``reference.forward``."""
    if initial_state is not None:
        first = inputs[:, :1] + decay[:, :1] * initial_state[:, None]
        inputs = torch.cat((first, inputs[:, 1:]), dim=1)
    states = elementwise_scan(decay, inputs, 1)
    if states is inputs:
        states = inputs.clone()
    return states, states[:, -1].clone()


def backward(
    states_gradient: Tensor,
    final_gradient: Tensor,
    decay: Tensor,
    states: Tensor,
    initial_state: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of decay, inputs and initial state.

    With λ[k] the gradient of everything with respect to h[k]: λ[k] = g[k] + conj(decay[k+1]) λ[k+1], which is
    also the gradient of inputs[k]; the gradient of decay[k] is λ[k] conj(h[k−1]).

    Args:
        states_gradient: (batch, time, ...).
        final_gradient: (batch, ...).
        decay: as given to ``forward``.
        states: what ``forward`` returned.
        initial_state: as given to ``forward``.
    """
    conjugate = torch.conj_physical(decay)
    following = conjugate if decay.shape[1] == 1 else conjugate.roll(-1, 1)
    last = states_gradient[:, -1:] + final_gradient[:, None]
    adjoint = elementwise_scan(following, torch.cat((states_gradient[:, :-1], last), dim=1), 1, reverse=True)
    initial_gradient = conjugate[:, 0] * adjoint[:, 0]
    products = torch.empty_like(adjoint)
    torch.mul(adjoint[:, 1:], torch.conj_physical(states[:, :-1]), out=products[:, 1:])
    products[:, 0] = 0 if initial_state is None else adjoint[:, 0] * torch.conj_physical(initial_state)
    return products.sum_to_size(decay.shape), adjoint, initial_gradient
