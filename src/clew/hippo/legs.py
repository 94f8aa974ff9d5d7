"""HiPPO-LegS: the whole past on Legendre polynomials, every moment weighted alike."""

import torch
from torch import Tensor

__all__ = ["legs"]


def legs(order: int) -> tuple[Tensor, Tensor]:
    """A and B of the scaled Legendre measure.

    A[n, k] = −√(2n+1) √(2k+1) below the diagonal, −(n+1) on it, 0 above; B[n] = √(2n+1).

    The memory itself is c′(t) = (A c(t) + B f(t)) / t. State space layers use the same A and B without the
    1/t.

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
    A = -torch.tril(torch.outer(root, root), diagonal=-1) - torch.diag(n + 1)
    return A, root[:, None]
