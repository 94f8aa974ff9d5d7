"""HiPPO-LegS: the whole past on Legendre polynomials, every moment weighted alike."""

import torch
from torch import Tensor

from clew.maths.polynomials import legendre

__all__ = ["legendre_basis", "legs"]


def legs(order: int) -> tuple[Tensor, Tensor]:
    """A and B of the scaled Legendre measure.

    A[n, k] = −√(2n+1) √(2k+1) below the diagonal, −(n+1) on it, 0 above; B[n] = √(2n+1).

    The memory itself is c′(t) = (A c(t) + B f(t)) / t, and c the exact projection of f on (0, t). State space
    layers use the same A and B without the 1/t: their memory then is c′ = A c + B f, whose window is
    exponential in time, of one unit.

    Args:
        order: N, at least 1.

    Returns:
        A (N, N) and B (N, 1), float64.

    >>> legs(2)[0]
    tensor([[-1.0000,  0.0000],
            [-1.7321, -2.0000]], dtype=torch.float64)

    Source: Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (2020), theorem 2.
    """
    n = torch.arange(order, dtype=torch.float64)
    root = torch.sqrt(2 * n + 1)
    A = torch.tril(-torch.outer(root, root), diagonal=-1) - torch.diag(n + 1)
    return A, root[:, None]


def legendre_basis(order: int, at: Tensor) -> Tensor:
    """√(2n+1) P_n(2·at − 1): orthonormal for the uniform measure on (0, 1), and positive at 1, now.

    Args:
        order: N, at least 1.
        at: any shape, from 0 (the oldest moment) to 1 (now), float64.

    Returns:
        (..., N), float64.

    Source: the same, appendix B.1.1.
    """
    n = torch.arange(order, dtype=at.dtype, device=at.device)
    return torch.sqrt(2 * n + 1) * legendre(2 * at - 1, order)
