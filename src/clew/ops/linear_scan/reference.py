"""The recurrence as a plain loop; gradients by autograd."""

import torch
from torch import Tensor

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(decay: Tensor, inputs: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(decay: Tensor, inputs: Tensor, initial_state: Tensor | None) -> tuple[Tensor, Tensor]:
    """h[k] = decay[k] h[k−1] + inputs[k]; see :func:`clew.ops.linear_scan`.

    Args:
        decay: (batch or 1, time or 1, ...), each size that of ``inputs`` or 1.
        inputs: (batch, time, ...), time ≥ 1, of the same dtype.
        initial_state: (batch, ...) or None for zero.

    Returns:
        The states (batch, time, ...) and the last one (batch, ...).
    """
    state = torch.zeros_like(inputs[:, 0]) if initial_state is None else initial_state
    states = []
    for decay_k, inputs_k in zip(decay.expand_as(inputs).unbind(1), inputs.unbind(1), strict=True):
        state = decay_k * state + inputs_k
        states.append(state)
    return torch.stack(states, dim=1), state
