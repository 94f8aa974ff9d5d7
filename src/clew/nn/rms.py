"""Division by the root mean square, where no square overflows."""

import torch
from torch import Tensor

__all__ = ["rms_normed"]


def rms_normed(x: Tensor, epsilon: float) -> Tensor:
    """Divide by the root mean square over the last dimension: x / √(mean x² + ε), without weights.

    What selective layers norm is a product of several functions of their input: its square overflows long
    before it does.

    Args:
        x: (..., channel), real floating-point.
        epsilon: ε, at least 0.

    Returns:
        Like ``x``, in its dtype.

    >>> rms_normed(torch.tensor([3e30, 4e30]), 1e-6)
    tensor([0.8485, 1.1314])

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4, without its gain.
    """
    # Divided by any number first, the norm is the same if ε is too; by this one no square overflows.
    size = x.detach().abs().amax(-1, keepdim=True).clamp(min=1.0)
    scaled = x / size
    return scaled * torch.rsqrt(scaled.square().mean(-1, keepdim=True) + epsilon / size / size)
