"""The matrix exponential e^A, and φ₁(A) B beside it, accurate for stiff A.

``torch.linalg.matrix_exp`` squares e^X for X = A/2ˢ. With ‖A‖ = 10⁶ the entry 1 − 10⁻⁶ that holds a slow mode
has lost six digits before the first squaring. Here Y = e^X − I is squared instead, by (I + Y)² − I = 2Y + Y²,
which keeps the digits of slow and fast modes alike.
"""

import torch
from torch import Tensor

__all__ = ["exponential", "exponential_and_integral"]

# ‖X‖₁ ≤ 1 and 19 terms of φ₁(X) = Σ Xⁿ/(n + 1)!: the first one left out is at most 1/20! ≈ 4e-19.
SERIES_TERMS = 19

# Below this norm e^A has decayed, and I + Y has lost to cancellation what squaring e^A itself keeps.
DECAYED = 0.25


def exponential(A: Tensor) -> Tensor:
    """e^A.

    Args:
        A: (..., N, N), float64 or complex128 for the accuracy that is promised.

    Returns:
        A tensor like ``A``, differentiable, accurate to a few units in the last place times the condition of
        the exponential.

    Raises:
        ValueError: if ``A`` is not finite.

    >>> exponential(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])

    Sources: scaling and squaring: Higham, *Functions of Matrices* (2008), section 10.3; squaring e^X − I:
    the same, section 10.7.4, in the form φ₁(2X) = (e^X + I) φ₁(X)/2.
    """
    return exponential_and_integral(A, A[..., :, :0])[0]


def exponential_and_integral(A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """e^A and ∫₀¹ e^{sA} ds B = φ₁(A) B, without dividing by A.

    Args:
        A: (..., N, N), float64 or complex128 for the accuracy that is promised.
        B: (..., N, P), the same dtype; leading dims broadcast.

    Returns:
        e^A (..., N, N) and φ₁(A) B (..., N, P).

    Raises:
        ValueError: if ``A`` is not finite.
    """
    norm = A.detach().abs().sum(-2).amax(-1)
    if not torch.isfinite(norm).all():
        raise ValueError("the matrix to exponentiate has an entry that is NaN or infinite, or too large")
    _, exponent = torch.frexp(norm)
    squarings = exponent.clamp(min=0)
    scale = torch.ldexp(torch.ones_like(norm), -squarings)[..., None, None]
    X, integral = A * scale, B * scale
    identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    phi = identity
    for divisor in range(SERIES_TERMS + 1, 1, -1):
        phi = identity + X @ phi / divisor
    Y, integral = X @ phi, phi @ integral
    E = identity + Y
    for done in range(int(squarings.max()) if squarings.numel() else 0):
        active = (squarings > done)[..., None, None]
        integral = torch.where(active, 2.0 * integral + Y @ integral, integral)
        Y_next = torch.where(active, 2.0 * Y + Y @ Y, Y)
        decayed = (E.detach().abs().sum(-2).amax(-1) < DECAYED)[..., None, None]
        E = torch.where(active & decayed, E @ E, torch.where(active, identity + Y_next, E))
        Y = Y_next
    return E, integral
