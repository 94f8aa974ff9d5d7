"""Krylov sequences: the powers of a matrix applied to vectors."""

import torch
from torch import Tensor

__all__ = ["krylov"]


def krylov(A: Tensor, V: Tensor, length: int) -> Tensor:
    """Aˡ V for l = 0, …, length − 1.

    By doubling: (V, A V), then A² times both of them, then A⁴ times all four, and so on.

    Formed in float64 (complex128) whatever the arguments are: the error of A^m grows like m, and in float32
    the 10,000th power of a slow mode would keep three digits.

    Args:
        A: (..., N, N), real or complex.
        V: (..., N, P), real or complex; leading dims broadcast against those of ``A``.
        length: how many powers, at least 0.

    Returns:
        (..., length, N, P), float64 or complex128, differentiable in ``A`` and ``V``; O(log length) tensor
        operations.

    >>> A = torch.tensor([[0.0, 1.0], [1.0, 1.0]])  # Fibonacci's recurrence
    >>> krylov(A, torch.tensor([[0.0], [1.0]]), 8)[:, 0, 0]
    tensor([ 0.,  1.,  1.,  2.,  3.,  5.,  8., 13.], dtype=torch.float64)

    Source: Keller-Gehrig, "Fast algorithms for the characteristic polynomial" (1985).
    """
    wide = torch.complex128 if A.is_complex() or V.is_complex() else torch.float64
    A, V = A.to(wide), V.to(wide)
    batch = torch.broadcast_shapes(A.shape[:-2], V.shape[:-2])  # type: ignore[no-untyped-call]
    order, columns = V.shape[-2:]
    # The time axis sits beside the columns until the end, so that every doubling is one matrix product.
    block, power, count = V.expand(*batch, order, columns), A, 1
    while count < length:
        ahead = min(count, length - count)
        block = torch.cat((block, power @ block[..., : ahead * columns]), dim=-1)
        count += ahead
        if count < length:
            power = power @ power
    block = block[..., : length * columns]
    return block.reshape(*batch, order, length, columns).movedim(-2, -3)
