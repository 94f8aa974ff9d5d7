"""How far inputs reach into the state and how much of it shows: Gramians of a stable system, as factors."""

import torch
from torch import Tensor

__all__ = ["continuous_factor", "discrete_factor"]

# Each doubling squares A; 2⁶⁰ steps are more than a system needs that float64 can tell from an unstable one.
DOUBLINGS = 60


def discrete_factor(A: Tensor, B: Tensor) -> Tensor:
    """Z with Z Zᴴ = Σ Aˡ B Bᴴ (Aᴴ)ˡ, the solution W of W = A W Aᴴ + B Bᴴ.

    By doubling: of the first 2ʲ terms the factor is Z, of the next as many A^{2ʲ} Z. Working on the factor
    and not on W keeps the digits of what hardly reaches, down to 1e-16 of the largest and not to its root.

    Args:
        A: (..., N, N), all eigenvalues inside the unit circle; float64 or complex128.
        B: (..., N, P), of the same leading dims.

    Returns:
        (..., N, N).

    Source: Smith, "Matrix equation XA + BX = C" (1968); on factors: Penzl, "A cyclic low-rank Smith method"
    (2000).
    """
    Z = _square(B)
    for _ in range(DOUBLINGS):
        ahead = A @ Z
        if not ahead.abs().max() > torch.finfo(torch.float64).eps ** 2 * Z.abs().max():
            break
        Z = _square(torch.cat((Z, ahead), dim=-1))
        A = A @ A
    return Z


def continuous_factor(A: Tensor, B: Tensor) -> Tensor:
    """Z with Z Zᴴ = ∫₀^∞ e^{At} B Bᴴ e^{Aᴴt} dt, the solution W of A W + W Aᴴ + B Bᴴ = 0.

    Cayley's transform (pI − A)⁻¹ (pI + A), √(2p) (pI − A)⁻¹ B, p > 0, is a discrete system with the same W.

    Args:
        A: (..., N, N), all eigenvalues left of the imaginary axis; float64 or complex128.
        B: (..., N, P), of the same leading dims.

    Returns:
        (..., N, N).

    Source: Smith (1968), section 2.
    """
    # The geometric mean of the slowest and the fastest mode: both are then equally far from the unit circle.
    poles = torch.linalg.eigvals(A).abs()
    shift = (poles.amin(-1) * poles.amax(-1)).sqrt()[..., None, None]
    identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    left = shift * identity - A
    return discrete_factor(
        torch.linalg.solve(left, shift * identity + A), torch.linalg.solve(left, (2 * shift).sqrt() * B)
    )


def _square(Z: Tensor) -> Tensor:
    """A factor of Z Zᴴ with N columns: Rᴴ of Zᴴ = Q R."""
    order, columns = Z.shape[-2:]
    if columns < order:
        Z = torch.cat((Z, Z.new_zeros(*Z.shape[:-1], order - columns)), dim=-1)
    R: Tensor = torch.linalg.qr(Z.mH, mode="r").R
    return R.mH
