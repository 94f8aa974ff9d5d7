"""Complex arithmetic on pairs of real tensors (real part, imaginary part).

Exporters and some kernels have no complex tensors, so whatever must be exported computes with pairs.
"""

import torch
from torch import Tensor

__all__ = ["Pair", "divide", "exp", "multiply"]

Pair = tuple[Tensor, Tensor]


def multiply(left: Pair, right: Pair) -> Pair:
    """``left · right``, elementwise."""
    return left[0] * right[0] - left[1] * right[1], left[0] * right[1] + left[1] * right[0]


def divide(numerator: Pair, denominator: Pair) -> Pair:
    """``numerator / denominator``, elementwise, without overflow of ``|denominator|²``.

    The denominator is scaled by its larger part first. The quotient does not depend on that scale, so the
    scale takes no gradient.
    """
    scale = torch.maximum(denominator[0].abs(), denominator[1].abs()).detach()
    real, imag = denominator[0] / scale, denominator[1] / scale
    squared = real * real + imag * imag
    above = multiply(numerator, (real / squared, -imag / squared))
    return above[0] / scale, above[1] / scale


def exp(z: Pair) -> Pair:
    """``e^z``, elementwise."""
    magnitude = torch.exp(z[0])
    return magnitude * torch.cos(z[1]), magnitude * torch.sin(z[1])
