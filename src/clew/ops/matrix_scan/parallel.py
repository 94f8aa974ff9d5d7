"""The recurrence as a scan in blocks; its backward pass is the scan in reverse."""

import torch
from torch import Tensor

from clew.maths.scan import matrix_scan

__all__ = ["available", "backward", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(A: Tensor, inputs: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(A: Tensor, inputs: Tensor, initial_state: Tensor | None) -> tuple[Tensor, Tensor]:
    """States and final state, in fresh memory; arguments as in ``reference.forward``."""
    if initial_state is not None:
        first = inputs[..., :1, :] + (A[..., 0, :, :] @ initial_state[..., None]).mT
        inputs = torch.cat((first, inputs[..., 1:, :]), dim=-2)
    states = matrix_scan(A, inputs)
    if states is inputs:
        states = inputs.clone()
    return states, states[..., -1, :].clone()


def backward(
    states_gradient: Tensor, final_gradient: Tensor, A: Tensor, states: Tensor, initial_state: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of A, inputs and initial state.

    With λ[k] the gradient of everything with respect to h[k]: λ[k] = g[k] + A[k+1]ᴴ λ[k+1], which is also the
    gradient of inputs[k]; the gradient of A[k] is λ[k] h[k−1]ᴴ.

    Args:
        states_gradient: (..., time, N).
        final_gradient: (..., N).
        A: as given to ``forward``.
        states: what ``forward`` returned.
        initial_state: as given to ``forward``.
    """
    constant = A.shape[-3] == 1
    adjoint_A = torch.conj_physical(A.mT)
    following = adjoint_A if constant else adjoint_A.roll(-1, -3)
    last = states_gradient[..., -1:, :] + final_gradient[..., None, :]
    gradient = torch.cat((states_gradient[..., :-1, :], last), dim=-2)
    adjoint = matrix_scan(following, gradient, reverse=True)
    initial_gradient = (adjoint_A[..., 0, :, :] @ adjoint[..., 0, :, None]).squeeze(-1)
    first = torch.zeros_like(states[..., 0, :]) if initial_state is None else initial_state
    before = torch.conj_physical(torch.cat((first[..., None, :], states[..., :-1, :]), dim=-2))
    products = (
        (adjoint.mT @ before)[..., None, :, :] if constant else adjoint[..., None] * before[..., None, :]
    )
    return products.sum_to_size(A.shape), adjoint, initial_gradient
