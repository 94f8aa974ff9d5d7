"""The recurrence as a plain loop; gradients by autograd."""

import torch
from torch import Tensor

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(A: Tensor, inputs: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(A: Tensor, inputs: Tensor, initial_state: Tensor | None) -> tuple[Tensor, Tensor]:
    """h[k] = A[k] h[k−1] + inputs[k]; see :func:`clew.ops.matrix_scan`.

    Args:
        A: (..., time or 1, N, N), whose batch sizes are those of ``inputs`` or 1.
        inputs: (..., time, N), time ≥ 1, of the same dtype.
        initial_state: (..., N) or None for zero.

    Returns:
        The states (..., time, N) and the last one (..., N).
    """
    state = torch.zeros_like(inputs[..., 0, :]) if initial_state is None else initial_state
    matrices = A.expand(*A.shape[:-3], inputs.shape[-2], *A.shape[-2:])
    states = []
    for A_k, inputs_k in zip(matrices.unbind(-3), inputs.unbind(-2), strict=True):
        state = (A_k @ state[..., None])[..., 0] + inputs_k
        states.append(state)
    return torch.stack(states, dim=-2), state
