"""The convolutional view: the input convolved with the kernel, all samples at once."""

import torch
from torch import Tensor

from clew.maths.powers import krylov
from clew.ops import fft_conv
from clew.systems.matrices import Matrices

__all__ = ["convolution", "kernel"]


def kernel(matrices: Matrices, length: int) -> Tensor:
    """K̄[l] = C Āˡ B̄ for l = 0, …, length − 1: (..., length, M, P), formed in float64 and cast once."""
    return _seen(matrices, krylov(matrices.A, matrices.B, length)).to(matrices.A.dtype)


def convolution(matrices: Matrices, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """The convolution K̄ ∗ x + D x, and what the initial state adds: C Āᵏ⁺¹ h[−1] to y[k].

    The final state is one contraction, Σ_k Ā^{L−1−k} B̄ x[k] + Ā^L h[−1]. No loop runs over time.

    Args:
        matrices: Ā, B̄, C, D with batch dims.
        x: (..., L, P), L ≥ 1, of the same dtype and leading dims broadcast already.
        state: h[−1], (..., N), or ``None`` for zero.

    Returns:
        y (..., L, M) and the final state (..., N).
    """
    length, dtype = x.shape[-2], x.dtype
    reached = krylov(matrices.A, matrices.B, length)  # Āˡ B̄: the state l steps after a unit input
    y = fft_conv(x, _seen(matrices, reached).to(dtype), mixing=True) + x @ matrices.D.mT
    final = torch.einsum("...lnp,...lp->...n", reached.to(dtype).flip(-3), x)
    if state is None:
        return y, final
    wide = matrices.to(reached.dtype)
    # (C Āᵏ⁺¹)ᵀ is a Krylov sequence of Āᵀ: what any initial state shows k + 1 steps later.
    shown = krylov(wide.A.mT, (wide.C @ wide.A).mT, length).to(dtype)
    y = y + torch.einsum("...lnm,...n->...lm", shown, state)
    carried = torch.linalg.matrix_power(wide.A, length).to(dtype)
    return y, final + (carried @ state[..., None])[..., 0]


def _seen(matrices: Matrices, reached: Tensor) -> Tensor:
    """C times each element of a Krylov sequence (..., length, N, P)."""
    return matrices.C.to(reached.dtype)[..., None, :, :] @ reached
