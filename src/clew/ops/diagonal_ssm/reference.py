"""The recurrence as a plain loop; gradients by autograd."""

import torch
from torch import Tensor

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, A_bar: Tensor, B_bar: Tensor, C: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """h[k] = Ā[k] h[k−1] + B̄[k] x[k], y[k] = 2 Re(C h[k]) + D x[k]; see :func:`clew.ops.diagonal_ssm`.

    Args:
        x: (batch, time, channel), time ≥ 1, any floating-point dtype.
        A_bar: (channel, pairs) or (batch, time, channel, pairs), complex.
        B_bar: the same, independently of ``A_bar``.
        C: (channel, pairs).
        D: (channel,), real, or None for zero.
        initial_state: (batch, channel, pairs) or None for zero.
        reset: (batch, time) bool or None: where the state before the sample counts as zero.
        lengths: (batch,) or None: samples from here on leave the state as it is and have output zero.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the final state (batch, channel, pairs).
    """
    batch, time, _ = x.shape
    if lengths is not None:
        x = torch.where(torch.arange(time, device=x.device)[:, None] < lengths[:, None, None], x, 0)
    state = C.new_zeros((batch, *C.shape)) if initial_state is None else initial_state
    decays = A_bar.unbind(1) if A_bar.ndim == 4 else (A_bar,) * time
    gains = B_bar.unbind(1) if B_bar.ndim == 4 else (B_bar,) * time
    outputs = []
    for k, x_k in enumerate(x.to(C.real.dtype).unbind(1)):
        before = state if reset is None else torch.where(reset[:, k, None, None], 0, state)
        after = decays[k] * before + gains[k] * x_k[..., None]
        y_k = 2 * (C * after).real.sum(-1)
        if D is not None:
            y_k = y_k + D * x_k
        if lengths is not None:
            inside = (k < lengths)[:, None]
            y_k = torch.where(inside, y_k, 0)
            after = torch.where(inside[..., None], after, state)
        state = after
        outputs.append(y_k)
    return torch.stack(outputs, dim=1).to(x.dtype), state
