"""Exact steps of the scaled Legendre memory: e^{A ln(t₁/t₀)}, without an exponential."""

from functools import lru_cache

import torch
from torch import Tensor

from clew.hippo.legs import legendre_basis
from clew.maths.polynomials import gauss_legendre

__all__ = ["stretched", "stretching"]


def stretching(order: int, ratio: Tensor) -> Tensor:
    """E = e^{−A ln ratio} for the A of LegS: how coefficients on (0, t₀) go on to (0, t₁), ratio = t₀/t₁.

    The memory with f = 0 after t₀ is c′ = A c / t, whose solution is the projection on (0, t₁) of the
    polynomial that c describes on (0, t₀), and of zero after it:

    E[n, k] = ∫₀^ratio g_n(s) g_k(s / ratio) ds = ratio Σ_j w_j g_n(ratio u_j) g_k(u_j),

    an integral of polynomials of degree below 2N, for which Gauss's N points are exact. A ratio of 0, the
    first sample of all, is nothing special, where −ln ratio is infinite.

    Args:
        order: N.
        ratio: (...), from 0 (then E = 0) to 1 (E = I), float64.

    Returns:
        (..., N, N), float64, differentiable.

    >>> stretching(2, torch.tensor(0.5, dtype=torch.float64))
    tensor([[ 0.5000,  0.0000],
            [-0.4330,  0.2500]], dtype=torch.float64)

    Source: Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (2020), appendix D.3, for
    the system; its solution is the definition of its coefficients.
    """
    points, weights, at_points = _quadrature(order, ratio.device)
    reached = legendre_basis(order, ratio[..., None] * points)
    matrix: Tensor = ratio[..., None, None] * (reached.mT @ (weights[:, None] * at_points))
    return torch.tril(matrix)


def stretched(ratio: Tensor, coefficients: Tensor) -> Tensor:
    """E c as in :func:`stretching`, in O(N²): never forming E.

    Args:
        ratio: (...), float64.
        coefficients: (..., N), float64; leading dims broadcast.

    Returns:
        (..., N), float64.
    """
    order = coefficients.shape[-1]
    points, weights, at_points = _quadrature(order, ratio.device)
    seen = weights * (coefficients @ at_points.mT)
    reached = legendre_basis(order, ratio[..., None] * points)
    product: Tensor = (reached.mT @ seen[..., None])[..., 0]
    return ratio[..., None] * product


@lru_cache(maxsize=8)
def _quadrature(order: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Gauss's points and weights on (0, 1) and the basis at the points (point, N)."""
    points, weights = (each.to(device) for each in gauss_legendre(order))
    return points, weights, legendre_basis(order, points)
