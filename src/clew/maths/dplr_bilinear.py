"""The bilinear discretisation of a matrix that is diagonal plus low rank, which is of that form again."""

import torch
from torch import Tensor

from clew.maths import pairs
from clew.maths.pairs import Pair

__all__ = ["DiscreteDPLR", "discretize_dplr"]

DiscreteDPLR = tuple[Pair, Pair, Pair, Pair]


def discretize_dplr(A: Pair, P: Pair, B: Pair, dt: Tensor) -> DiscreteDPLR:
    """Ā = (I − Δ/2 A)⁻¹ (I + Δ/2 A) and B̄ = (I − Δ/2 A)⁻¹ Δ B for A = Λ − P P*, by Woodbury's identity.

    The state is one complex number for each conjugate pair, and P* h = 2 Re Σ P̄ h, a real number for each
    column of P. With d = 1/(1 − Δ/2 λ) and G = I + Δ/2 P* d P, a real matrix (rank, rank),

    Ā h = ā h − U (W·h), ā = (1 + Δ/2 λ) d, U = Δ d P G⁻¹, W·h = P* d h,

    where W·h is written with real coefficients, Σ (W_real Re h + W_imag Im h). G is never singular where
    Re λ ≤ 0: its symmetric part is I and something positive. Real arithmetic throughout, so that it exports.

    Args:
        A: Λ (channel, pairs), Re Λ ≤ 0, as a pair of real tensors, like the next two; float64 where powers of
            Ā will be taken.
        P: (channel, rank, pairs), rank 1 or 2.
        B: (channel, pairs).
        dt: Δ (..., channel, 1), in the unit of time of A; 0 gives Ā = I and B̄ = 0.

    Returns:
        ā and B̄ (..., channel, pairs), U and W (..., channel, rank, pairs), in the order ā, U, W, B̄.

    >>> one, zero = torch.ones(1, 1), torch.zeros(1, 1)
    >>> A_bar, U, W, B_bar = discretize_dplr((-one, zero), (zero[None], zero[None]), (one, zero), 2 * one)
    >>> A_bar[0].item(), B_bar[0].item()
    (0.0, 1.0)

    Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    appendix C.2 (the recurrence in O(N)).
    """
    half = 0.5 * dt
    inverse = pairs.divide((torch.ones_like(half), torch.zeros_like(half)), (1.0 - half * A[0], -half * A[1]))
    A_bar = pairs.multiply((1.0 + half * A[0], half * A[1]), inverse)
    dB = pairs.multiply(inverse, B)
    d = inverse[0][..., None, :], inverse[1][..., None, :]
    dP = pairs.multiply(d, P)
    PdP = 2.0 * _real_products(P, dP)  # [..., a, b] = P_a* d P_b
    PdB = 2.0 * _real_products(P, (dB[0][..., None, :], dB[1][..., None, :]))
    rank = PdP.shape[-1]
    identity = torch.eye(rank, dtype=PdP.dtype, device=PdP.device)
    G_inverse = _inverse(identity + half[..., None] * PdP)
    step = dt[..., None]
    across = step * G_inverse.mT  # row b of U is Σ_a G⁻¹[a, b] Δ d P_a
    U = _combine(across, dP[0]), _combine(across, dP[1])
    conjugate = pairs.multiply(d, (P[0], -P[1]))
    W = 2.0 * conjugate[0], -2.0 * conjugate[1]
    driven = (half[..., None] * PdB).mT  # (..., 1, rank)
    B_bar = (
        dt * dB[0] - _combine(driven, U[0])[..., 0, :],
        dt * dB[1] - _combine(driven, U[1])[..., 0, :],
    )
    return A_bar, U, W, B_bar


def _real_products(left: Pair, right: Pair) -> Tensor:
    """Re Σ conj(left_a) right_b over the pairs: (..., a, b)."""
    products = left[0][..., :, None, :] * right[0][..., None, :, :]
    return (products + left[1][..., :, None, :] * right[1][..., None, :, :]).sum(-1)


def _combine(weights: Tensor, rows: Tensor) -> Tensor:
    """``weights @ rows`` for one or two rows (..., rank, pairs)."""
    return (weights[..., None] * rows[..., None, :, :]).sum(-2)


def _inverse(G: Tensor) -> Tensor:
    """Of (..., 1, 1) or (..., 2, 2), without a solver: those do not export."""
    if G.shape[-1] == 1:
        return 1.0 / G
    assert G.shape[-1] == 2, "P has one or two columns"
    (a, b), (c, d) = (row.unbind(-1) for row in G.unbind(-2))
    determinant = (a * d - b * c)[..., None, None]
    return torch.stack((torch.stack((d, -b), -1), torch.stack((-c, a), -1)), -2) / determinant
