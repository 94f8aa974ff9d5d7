"""Orthogonal polynomials by their three-term recurrences, and Gauss–Legendre quadrature."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["chebyshev", "gauss_legendre", "laguerre", "legendre"]


def legendre(x: Tensor, count: int) -> Tensor:
    """P₀(x), …, P_{count−1}(x), orthogonal on (−1, 1) for the uniform weight, P_n(1) = 1.

    (n + 1) P_{n+1} = (2n + 1) x P_n − n P_{n−1}.

    Args:
        x: any shape, real floating point; stable within [−1, 1].
        count: how many, at least 1.

    Returns:
        (..., count), the dtype of ``x``, differentiable.

    >>> legendre(torch.tensor([0.5], dtype=torch.float64), 3)
    tensor([[ 1.0000,  0.5000, -0.1250]], dtype=torch.float64)

    Source: Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964), 22.7.10.
    """
    values = [torch.ones_like(x), x]
    for n in range(1, count - 1):
        values.append(
            torch.addcmul(values[n - 1] * (-n / (n + 1)), x, values[n], value=(2 * n + 1) / (n + 1))
        )
    return torch.stack(values[:count]).movedim(0, -1)


def laguerre(x: Tensor, count: int, alpha: float = 0.0) -> Tensor:
    """L₀(x), …, L_{count−1}(x), generalised, orthogonal on (0, ∞) for the weight x^α e^{−x}.

    (n + 1) L_{n+1} = (2n + 1 + α − x) L_n − (n + α) L_{n−1}.

    Args:
        x: any shape, real floating point, not negative.
        count: how many, at least 1.
        alpha: α > −1; 0 for Laguerre's own.

    Returns:
        (..., count), the dtype of ``x``, differentiable.

    >>> laguerre(torch.tensor([2.0], dtype=torch.float64), 3)
    tensor([[ 1., -1., -1.]], dtype=torch.float64)

    Source: Abramowitz and Stegun (1964), 22.7.12.
    """
    values = [torch.ones_like(x), 1.0 + alpha - x]
    for n in range(1, count - 1):
        values.append(((2 * n + 1 + alpha - x) * values[n] - (n + alpha) * values[n - 1]) / (n + 1))
    return torch.stack(values[:count]).movedim(0, -1)


def chebyshev(x: Tensor, count: int) -> Tensor:
    """T₀(x), …, T_{count−1}(x), orthogonal on (−1, 1) for the weight (1 − x²)^{−1/2}: T_n(cos φ) = cos nφ.

    T_{n+1} = 2 x T_n − T_{n−1}.

    Args:
        x: any shape, real floating point; stable within [−1, 1].
        count: how many, at least 1.

    Returns:
        (..., count), the dtype of ``x``, differentiable.

    >>> chebyshev(torch.tensor([0.5], dtype=torch.float64), 4)
    tensor([[ 1.0000,  0.5000, -0.5000, -1.0000]], dtype=torch.float64)

    Source: Abramowitz and Stegun (1964), 22.7.4.
    """
    values = [torch.ones_like(x), x]
    for n in range(1, count - 1):
        values.append(torch.addcmul(-values[n - 1], x, values[n], value=2))
    return torch.stack(values[:count]).movedim(0, -1)


def gauss_legendre(count: int) -> tuple[Tensor, Tensor]:
    """Points u and weights w with ∫₀¹ p(u) du = Σ w p(u) for polynomials of degree up to 2·count − 1.

    Args:
        count: how many points, at least 1.

    Returns:
        u and w (count,), float64.

    >>> gauss_legendre(2)[0]
    tensor([0.2113, 0.7887], dtype=torch.float64)

    Source: ``numpy.polynomial.legendre.leggauss``, moved from (−1, 1) to (0, 1).
    """
    points, weights = np.polynomial.legendre.leggauss(count)
    return torch.from_numpy((points + 1.0) / 2.0), torch.from_numpy(weights / 2.0)
