"""The scanned view: the recurrence itself, but as a parallel prefix sum over time."""

from torch import Tensor

from clew.ops import matrix_scan
from clew.systems.matrices import Matrices

__all__ = ["scan"]


def scan(matrices: Matrices, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """All states by :func:`clew.ops.matrix_scan`, in O(log L) tensor operations, then y = C h + D x.

    Args:
        matrices: Ā, B̄, C, D with batch dims.
        x: (..., L, P), L ≥ 1, of the same dtype and leading dims broadcast already.
        state: h[−1], (..., N), or ``None`` for zero.

    Returns:
        y (..., L, M) and the final state (..., N).
    """
    A, B, C, D = matrices
    states, final = matrix_scan(A[..., None, :, :], x @ B.mT, initial_state=state)
    return states @ C.mT + x @ D.mT, final
