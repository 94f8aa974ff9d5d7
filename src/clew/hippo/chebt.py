"""HiPPO-ChebT: a sliding window on Chebyshev polynomials of the first kind."""

import math

import torch
from torch import Tensor

from clew.hippo.legs import legendre_basis
from clew.maths.polynomials import chebyshev, gauss_legendre

__all__ = ["chebt", "chebt_basis"]

# The coefficients are c_n = KERNEL ∫₀¹ f(t − s) p_n(1 − 2s) ds with p_0 = T_0 and p_n = √2 T_n.
KERNEL = 2.0 * math.sqrt(2.0) / math.pi


def chebt(order: int) -> tuple[Tensor, Tensor]:
    """A and B of the translated Chebyshev measure, whose window is one unit of time.

    Chebyshev's weight is infinite at both ends of the window, and so would be the derivative of the
    coefficients; the basis is therefore tilted by the weight itself, and what is left is

    c_n(t) = κ ∫₀¹ f(t − s) p_n(1 − 2s) ds, p_0 = T_0, p_n = √2 T_n, κ = √8/π.

    c′(t) = A c(t) + B f(t) with B[n] = κ p_n(1) and A = −2 P − κ p(−1) rᵀ: P holds the derivatives,
    p_n′ = Σ P[n, k] p_k (2n for k > 0 where n − k is odd and positive, √2 n for k = 0), and rᵀ c is the value
    at the end of the window of the polynomial of degree below N that has the coefficients c. It stands for
    f(t − 1), which the memory does not know, so c is close to these integrals, not equal to them.

    Integrals of f against all polynomials of degree below N are what LegT keeps, too: as a memory this is
    LegT in other coordinates, with the same poles.

    Args:
        order: N, at least 1.

    Returns:
        A (N, N) and B (N, 1), float64.

    >>> chebt(3)[1][:, 0]
    tensor([0.9003, 1.2732, 1.2732], dtype=torch.float64)

    Source: Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (2020), appendix D.5, for
    measure, tilt and coefficients; the tilted basis has no value at the end of the window, hence r.
    """
    n = torch.arange(order, dtype=torch.float64)
    lag = n[:, None] - n
    derivative = torch.where((lag > 0) & (lag % 2 == 1), 2.0 * n[:, None].expand_as(lag), 0.0)
    derivative[:, 0] /= math.sqrt(2.0)
    ends = _normalised(torch.tensor([-1.0, 1.0], dtype=torch.float64), order)
    leaving = chebt_basis(order, torch.zeros((), dtype=torch.float64))
    A = -2.0 * derivative - KERNEL * torch.outer(ends[0], leaving)
    return A, KERNEL * ends[1][:, None]


def chebt_basis(order: int, at: Tensor) -> Tensor:
    """The polynomials b_n of degree below N dual to the coefficients: Σ c_n b_n has the coefficients c.

    (The tilted series, Σ c_n p_n(x) / √(2 (1 − x²)) with x = 2·at − 1, has them as well, but is infinite at
    both ends and for a smooth f converges slowly.)

    Args:
        order: N, at least 1.
        at: any shape, from 0 (the oldest moment) to 1 (now), float64.

    Returns:
        (..., N), float64.
    """
    points, weights = gauss_legendre(order)
    # M[n, k] = ∫₀¹ p_n g_k, for the orthonormal Legendre polynomials g_k: c = κ M (their coefficients).
    M = _normalised(2.0 * points - 1.0, order).mT @ (weights[:, None] * legendre_basis(order, points))
    M = KERNEL * torch.tril(M)
    dual = torch.linalg.solve_triangular(M, torch.eye(order, dtype=torch.float64), upper=False)
    values: Tensor = legendre_basis(order, at) @ dual.to(at.device)
    return values


def _normalised(x: Tensor, order: int) -> Tensor:
    """p_n(x), n = 0, …, order − 1: orthonormal for the weight 1/(π √(1 − x²)) on (−1, 1)."""
    scale = torch.full((order,), math.sqrt(2.0), dtype=x.dtype)
    scale[0] = 1.0
    return scale * chebyshev(x, order)
