"""HiPPO-LagT: the whole past on Laguerre functions, weighted less the longer ago it is."""

import math

import torch
from torch import Tensor

from clew.maths.polynomials import laguerre

__all__ = ["lagt", "lagt_basis"]


def lagt(order: int, alpha: float = 0.0, beta: float = 1.0) -> tuple[Tensor, Tensor]:
    """A and B of the translated Laguerre measure, whose weight s ago is s^{−α} e^{−βs}.

    c′(t) = A c(t) + B f(t), and c is the exact projection of f on the basis of :func:`lagt_basis`. With
    ℓ_n = √(Γ(n+α+1)/n!) and ζ = Γ(1−α) β^{α−1}

    A[n, k] = −ℓ_k/ℓ_n below the diagonal, −(1+β)/2 on it, 0 above; B[n] = binom(n+α, n) / (ℓ_n √ζ).

    With α = 0 and β = 1 that is −1 on and below the diagonal, and B = 1.

    Args:
        order: N, at least 1.
        alpha: α, from 0 to below 1: how much more the latest moments weigh (at α > 0 without bound, so that
            the basis is 0 now).
        beta: β > 0, how fast the weight decays, per unit of time. The basis functions are e^{−(1−β)s/2} times
            Laguerre polynomials: β < 1 weighs the past more evenly, on functions that decay.

    Returns:
        A (N, N) and B (N, 1), float64.

    Raises:
        ValueError: for an α or β out of range.

    >>> lagt(2)
    (tensor([[-1.,  0.],
            [-1., -1.]], dtype=torch.float64), tensor([[1.],
            [1.]], dtype=torch.float64))

    Source: Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (2020), theorem 1 and
    appendix D.2, with basis and weight normalised.
    """
    scale, total = _norms(order, alpha, beta)
    n = torch.arange(order, dtype=torch.float64)
    binomial = torch.exp(torch.lgamma(n + alpha + 1) - torch.lgamma(n + 1) - math.lgamma(alpha + 1))
    A = torch.tril(-scale / scale[:, None], diagonal=-1)
    A = A - (1.0 + beta) / 2.0 * torch.eye(order, dtype=torch.float64)
    return A, (binomial / (scale * math.sqrt(total)))[:, None]


def lagt_basis(order: int, at: Tensor, alpha: float = 0.0, beta: float = 1.0) -> Tensor:
    """√ζ/ℓ_n · L_n^{(α)}(s) s^α e^{−(1−β)s/2} with s = 1 − at: orthonormal for s^{−α} e^{−βs}/ζ on (0, ∞).

    Args:
        order: N, at least 1.
        at: any shape, at most 1 (now), without a lower bound, float64.
        alpha: α as in :func:`lagt`.
        beta: β as in :func:`lagt`.

    Returns:
        (..., N), float64.

    Source: the same, appendix D.2.
    """
    scale, total = _norms(order, alpha, beta)
    s = (1.0 - at)[..., None]
    tilt = s**alpha * torch.exp(-(1.0 - beta) / 2.0 * s)
    return tilt * laguerre(1.0 - at, order, alpha) * (math.sqrt(total) / scale).to(at.device)


def _norms(order: int, alpha: float, beta: float) -> tuple[Tensor, float]:
    """ℓ_n for n = 0, …, order − 1 and ζ, the integral of the weight."""
    if not 0.0 <= alpha < 1.0:
        raise ValueError(f"alpha is from 0 to below 1, got {alpha!r}")
    if not (math.isfinite(beta) and beta > 0.0):
        raise ValueError(f"beta is a positive, finite number, got {beta!r}")
    n = torch.arange(order, dtype=torch.float64)
    scale = torch.exp(0.5 * (torch.lgamma(n + alpha + 1) - torch.lgamma(n + 1)))
    return scale, math.gamma(1.0 - alpha) * beta ** (alpha - 1.0)
