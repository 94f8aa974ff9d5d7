"""φ₁(z) = (eᶻ − 1)/z, the factor of a zero-order hold, without dividing by a z that may be zero."""

import torch
from torch import Tensor

from clew.maths import pairs

__all__ = ["phi1", "phi1_pair"]

SERIES_RADIUS = 0.5
# The first term left out, 16 zⁿ/(n + 1)! of the derivative's series at n = 16, is 0.5¹⁵·16/17! ≈ 1e-18.
SERIES_TERMS = 16


def phi1(z: Tensor) -> Tensor:
    """φ₁(z) = (eᶻ − 1)/z with φ₁(0) = 1, elementwise.

    Args:
        z: any shape; float32, float64, complex64 or complex128.

    Returns:
        A tensor of the shape and dtype of ``z``: the Taylor series where abs(z) < 0.5, the closed form
        elsewhere. Values and first derivatives are accurate to a few units in the last place of their
        absolute value, and finite at 0.

    >>> phi1(torch.tensor([-1.0, 0.0, 1e-12], dtype=torch.float64))
    tensor([0.6321, 1.0000, 1.0000], dtype=torch.float64)

    Source: Higham, *Functions of Matrices* (2008), section 10.7.4.
    """
    if z.is_complex():
        return torch.complex(*phi1_pair(z.real, z.imag))
    near = z.abs() < SERIES_RADIUS
    series = _series(torch.where(near, z, 0.0))
    far = torch.where(near, 1.0, z)  # a closed form at 0 would poison the gradient even where it is not taken
    return torch.where(near, series, torch.expm1(far) / far)


def phi1_pair(real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
    """φ₁(real + i·imag) on real tensors alone, for code that is exported.

    Args:
        real: real part, any shape; float32 or float64.
        imag: imaginary part, broadcast against ``real``.

    Returns:
        The real and the imaginary part of φ₁, of the broadcast shape.

    Source: as :func:`phi1`.
    """
    near = torch.maximum(real.abs(), imag.abs()) < SERIES_RADIUS * 0.7
    inside = torch.where(near, real, 0.0), torch.where(near, imag, 0.0)
    x, y = torch.where(near, 1.0, real), torch.where(near, 1.0, imag)
    series = _series_pair(inside)
    grown = pairs.exp((x, y))
    closed = pairs.divide((grown[0] - 1.0, grown[1]), (x, y))
    return torch.where(near, series[0], closed[0]), torch.where(near, series[1], closed[1])


def _series(z: Tensor) -> Tensor:
    """Σ zⁿ/(n + 1)! by Horner's rule: 1 + z/2 (1 + z/3 (1 + …))."""
    total = torch.ones_like(z)
    for divisor in range(SERIES_TERMS + 1, 1, -1):
        total = 1.0 + total * z * (1.0 / divisor)
    return total


def _series_pair(z: pairs.Pair) -> pairs.Pair:
    """As :func:`_series`, on a pair."""
    total = torch.ones_like(z[0]), torch.zeros_like(z[1])
    for divisor in range(SERIES_TERMS + 1, 1, -1):
        real, imag = pairs.multiply(total, z)
        total = 1.0 + real * (1.0 / divisor), imag * (1.0 / divisor)
    return total
