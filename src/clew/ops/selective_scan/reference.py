"""The recurrence as a plain loop; gradients by autograd."""

import torch
from torch import Tensor

from clew.maths.softplus import softplus

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    dt_bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    dt_softplus: bool,
) -> tuple[Tensor, Tensor]:
    """h[k] = exp(Δ[k] A) h[k−1] + Δ[k] B[k] x[k] and what follows; see :func:`clew.ops.selective_scan`.

    Args:
        x: (batch, time, channel), time ≥ 1, any floating-point dtype.
        dt: like ``x``.
        A: (channel, state), of the dtype of the accumulation, as are D, dt_bias and initial_state.
        B: (batch, time, group, state), of the dtype of ``x``, as is C.
        C: like ``B``.
        D: (channel,) or None for zero.
        z: like ``x``, or None.
        dt_bias: (channel,) or None for zero.
        initial_state: (batch, channel, state) or None for zero.
        reset: (batch, time) bool or None: where the state before the sample counts as zero.
        dt_softplus: whether Δ is the softplus of dt + dt_bias, or that itself.

    Returns:
        y (batch, time, channel) of the dtype of ``x``, and the final state (batch, channel, state).
    """
    delta = dt.to(A.dtype) if dt_bias is None else dt.to(A.dtype) + dt_bias
    delta = softplus(delta) if dt_softplus else delta
    state = A.new_zeros((x.shape[0], *A.shape)) if initial_state is None else initial_state
    signals = (signal.to(A.dtype).unbind(1) for signal in (delta, x, B, C))
    outputs = []
    for k, (delta_k, x_k, *matrices) in enumerate(zip(*signals, strict=True)):
        B_k, C_k = (matrix.repeat_interleave(A.shape[0] // B.shape[2], dim=1) for matrix in matrices)
        before = state if reset is None else torch.where(reset[:, k, None, None], 0, state)
        state = torch.exp(delta_k[..., None] * A) * before + (delta_k * x_k)[..., None] * B_k
        outputs.append((state * C_k).sum(-1))
    y = torch.stack(outputs, dim=1)
    y = y if D is None else y + D * x.to(A.dtype)
    y = y if z is None else y * torch.nn.functional.silu(z.to(A.dtype))
    return y.to(x.dtype), state
