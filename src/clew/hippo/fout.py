"""HiPPO-FouT: a sliding window on sines and cosines, every moment in it weighted alike."""

import math

import torch
from torch import Tensor

__all__ = ["fout", "fout_basis"]


def fout(order: int) -> tuple[Tensor, Tensor]:
    """A and B of the truncated Fourier measure, whose window is one unit of time.

    The coefficients are those of 1, 0, √2 cos 2πs, √2 sin 2πs, √2 cos 4πs, √2 sin 4πs, …, s ago. (The second,
    for the sine of frequency 0, is always 0: the published layout, two coefficients for each frequency.) With
    p = (1, 0, √2, 0, √2, 0, …), what these functions are at s = 0,

    A = Ω − 2 p pᵀ, B = 2 p, Ω[2n, 2n+1] = −2πn and Ω[2n+1, 2n] = 2πn, 0 elsewhere.

    c′(t) = A c(t) + B f(t). What leaves the window, f(t − 1), is read from the state: the Fourier series
    takes the mean (f(t) + f(t − 1))/2 at both ends, so f(t − 1) ≈ 2 pᵀc − f(t).

    Other code has other windows: with A and B halved, as S4 initialises its layers, it is two units.

    Args:
        order: N, even, at least 2.

    Returns:
        A (N, N) and B (N, 1), float64.

    Raises:
        ValueError: for an odd order.

    >>> fout(4)[1][:, 0]
    tensor([2.0000, 0.0000, 2.8284, 0.0000], dtype=torch.float64)

    Source: Gu et al., "How to train your HiPPO" (2022), theorem 6 and appendix B.3; for its derivation the
    first HiPPO paper (2020), appendix D.4.
    """
    _check_even(order)
    frequency = 2.0 * math.pi * torch.arange(order // 2, dtype=torch.float64)
    now = torch.zeros(order, dtype=torch.float64)
    now[0::2] = math.sqrt(2.0)
    now[0] = 1.0
    A = torch.zeros(order, order, dtype=torch.float64)
    even = torch.arange(0, order, 2)
    A[even, even + 1] = -frequency
    A[even + 1, even] = frequency
    return A - 2.0 * torch.outer(now, now), 2.0 * now[:, None]


def fout_basis(order: int, at: Tensor) -> Tensor:
    """1, 0, √2 cos 2πs, √2 sin 2πs, … with s = 1 − at: orthonormal on (0, 1), the second aside.

    Args:
        order: N, even, at least 2.
        at: any shape, from 0 (the oldest moment) to 1 (now), float64.

    Returns:
        (..., N), float64.
    """
    _check_even(order)
    angle = 2.0 * math.pi * (1.0 - at)[..., None] * torch.arange(order // 2, dtype=at.dtype, device=at.device)
    scale = torch.full((order // 2,), math.sqrt(2.0), dtype=at.dtype, device=at.device)
    scale[0] = 1.0
    return torch.stack((scale * torch.cos(angle), scale * torch.sin(angle)), dim=-1).flatten(-2)


def _check_even(order: int) -> None:
    if order % 2:
        raise ValueError(f"'fout' has two coefficients for each frequency: order is even, got {order}")
