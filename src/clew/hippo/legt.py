"""HiPPO-LegT: a sliding window on Legendre polynomials, every moment in it weighted alike."""

import torch
from torch import Tensor

__all__ = ["legt"]


def legt(order: int) -> tuple[Tensor, Tensor]:
    """A and B of the translated Legendre measure, whose window is one unit of time.

    A[n, k] = −√(2n+1) √(2k+1) · (1 where k ≤ n, (−1)^{n−k} where k > n); B[n] = √(2n+1).

    c′(t) = A c(t) + B f(t). What leaves the window, f(t − 1), is not known to the memory and is read from the
    state, f(t − 1) ≈ Σ (−1)^k √(2k+1) c_k, so c is close to the projection of f on (t − 1, t), not equal to
    it.

    Other code has other windows: with A and B halved, as S4 initialises its layers, it is two units. The
    Legendre Memory Unit is this system in other coordinates, m_n = (−1)ⁿ √(2n+1) c_n.

    Args:
        order: N, at least 1.

    Returns:
        A (N, N) and B (N, 1), float64.

    >>> legt(2)[0]
    tensor([[-1.0000,  1.7321],
            [-1.7321, -3.0000]], dtype=torch.float64)

    Sources: Gu et al., "HiPPO: recurrent memory with optimal polynomial projections" (2020), theorem 1 and
    appendix D.1; Voelker, Kajić and Eliasmith, "Legendre memory units" (2019), eq. 2.
    """
    n = torch.arange(order, dtype=torch.float64)
    root = torch.sqrt(2 * n + 1)
    lag = n[:, None] - n
    sign = torch.where(lag >= 0, 1.0, 1.0 - 2.0 * torch.remainder(lag, 2))
    return -torch.outer(root, root) * sign, root[:, None]
