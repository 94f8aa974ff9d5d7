"""The recurrence as a plain loop; gradients by autograd."""

import torch
from torch import Tensor

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, delta: Tensor, exponent: Tensor, B: Tensor, C: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """h[k] = e^exponent[k] h[k−1] + Δ[k] x[k] B[k]ᵀ, y[k] = h[k] C[k] + D x[k]; see :func:`clew.ops.ssd`.

    Args:
        x: (batch, time, head, head_dim), time ≥ 1, any floating-point dtype.
        delta: (batch, time, head), of the dtype of the accumulation, as are exponent, D and initial_state.
        exponent: (batch, time, head), the logarithm of the decay: Δ A.
        B: (batch, time, group, state), of the dtype of ``x``, as is C.
        C: (batch, time, group, state).
        D: (head,) or None for zero.
        initial_state: (batch, head, head_dim, state) or None for zero.
        reset: (batch, time) bool or None: where the state before the sample counts as zero.

    Returns:
        y (batch, time, head, head_dim) of the dtype of ``x``, and the final state (batch, head, head_dim,
        state).
    """
    batch, _, head, head_dim = x.shape
    wide, per_group = delta.dtype, head // B.shape[2]
    state = delta.new_zeros((batch, head, head_dim, B.shape[3])) if initial_state is None else initial_state
    decays, inputs = torch.exp(exponent), delta[..., None] * x.to(wide)
    signals = (signal.unbind(1) for signal in (decays, inputs, B.to(wide), C.to(wide)))
    outputs = []
    for k, (decay, input, *matrices) in enumerate(zip(*signals, strict=True)):
        B_k, C_k = (matrix.repeat_interleave(per_group, dim=1) for matrix in matrices)
        before = state if reset is None else torch.where(reset[:, k, None, None, None], 0, state)
        state = decay[..., None, None] * before + input[..., None] * B_k[:, :, None]
        outputs.append((state * C_k[:, :, None]).sum(-1))
    y = torch.stack(outputs, dim=1)
    y = y if D is None else y + D[:, None] * x.to(wide)
    return y.to(x.dtype), state
