"""The convolution as a plain loop over samples and taps; gradients by autograd."""

import torch
from torch import Tensor

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, weight: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
) -> Tensor:
    """y[k] = f(b + Σ_j weight[j] x[k − width + 1 + j]); see :func:`clew.ops.causal_conv`.

    Args:
        x: (batch, time, channel), time ≥ 1, any floating-point dtype.
        weight: (channel, width), of the dtype of the accumulation, as are bias and initial_state.
        bias: (channel,) or None for zero.
        initial_state: (batch, width − 1, channel), the inputs before the first, or None for zero.
        reset: (batch, time) bool or None: where all inputs before the sample count as zero.
        silu: whether f is SiLU, or the identity.

    Returns:
        y (batch, time, channel) of the dtype of ``x``.
    """
    batch, _, channel = x.shape
    taps = weight.unbind(1)
    if initial_state is None:
        initial_state = weight.new_zeros((batch, len(taps) - 1, channel))
    seen = list(initial_state.unbind(1))
    outputs = []
    for k, x_k in enumerate(x.to(weight.dtype).unbind(1)):
        if reset is not None:
            seen = [torch.where(reset[:, k, None], 0, earlier) for earlier in seen]
        seen = [*seen, x_k]
        y_k = torch.zeros_like(x_k) if bias is None else bias.expand_as(x_k)
        for tap, input in zip(taps, seen, strict=True):
            y_k = y_k + tap * input
        outputs.append(torch.nn.functional.silu(y_k) if silu else y_k)
        seen = seen[1:]
    return torch.stack(outputs, dim=1).to(x.dtype)
