"""The convolution as a plain sum over the kernel; gradients by autograd."""

import torch
from torch import Tensor

__all__ = ["available", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, kernel: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(x: Tensor, kernel: Tensor, mixing: bool) -> Tensor:
    """y[k] = Σ_l kernel[l] x[k−l]; see :func:`clew.ops.fft_conv`.

    Args:
        x: (..., time, channel), time ≥ 1, real or complex.
        kernel: (..., length, channel), or (..., length, out, channel) if mixing; of the same precision.
        mixing: whether each kernel[l] is a matrix.

    Returns:
        (..., time, channel or out).
    """
    time, dtype = x.shape[-2], torch.promote_types(x.dtype, kernel.dtype)
    x, kernel = x.to(dtype), kernel.to(dtype)
    taps = kernel.unbind(-3 if mixing else -2)[:time]
    y = _apply(taps[0], mixing, x)
    for lag, tap in enumerate(taps[1:], start=1):
        y = y + torch.nn.functional.pad(_apply(tap, mixing, x[..., : time - lag, :]), (0, 0, lag, 0))
    return y


def _apply(tap: Tensor, mixing: bool, x: Tensor) -> Tensor:
    """One tap times each sample: a matrix product if it is a matrix."""
    return x @ tap.mT if mixing else x * tap[..., None, :]
