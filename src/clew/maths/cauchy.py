"""Cauchy's kernel at the roots of unity: sums over 1/(1 − z a), the transforms of sums of exponentials."""

import math

import torch
from torch import Tensor

__all__ = ["cauchy"]


def cauchy(weights: Tensor, poles: Tensor, length: int, radius: float = 1.0) -> Tensor:
    """Σ_n w_n/(1 − z a_n) + w̄_n/(1 − z ā_n) at z = radius · e^(−2πi j/length), j = 0 … length // 2.

    It is the transform of 2 Re Σ w_n a_nˡ over l ≥ 0, with radiusˡ before each sample; over l < length if the
    weights have 1 − (radius · a_n)^length in them. With ζ = 1/z the terms are ζ w_n/(ζ − a_n), which gives
    the sum its name.

    Computed in float64, pole and conjugate at once, with r for the radius and θ for the angle of ζ:

    r ζ (1 − z a)(1 − z ā) = m − σ (1 − cos θ) + i τ sin θ = σ (1 + cos θ) − p + i τ sin θ

    with m = (1 − r a)(1 − r ā), p = (1 + r a)(1 + r ā), σ = 1 + r² a ā and τ = 1 − r² a ā. The first form
    keeps its digits where both factors are near zero beside z = r, the second beside z = −r. The sums are
    then products of real matrices.

    Args:
        weights: (channel, sums, pairs), complex.
        poles: (channel, pairs), complex, of modulus below 1/``radius``.
        length: of the transform, 1 at least.
        radius: of the circle, above 0 and at most 1.

    Returns:
        (channel, sums, length // 2 + 1), complex128, differentiable in ``weights`` and ``poles``. In between
        there are channel · pairs · length numbers.

    >>> half = torch.tensor([[0.5 + 0j]])
    >>> cauchy(half[None] * (1 - 0.5**4), half, 4)[0, 0].real  # of 1, 1/2, 1/4, 1/8
    tensor([1.8750, 0.7500, 0.6250], dtype=torch.float64)

    Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    section 3.2 and appendix C.3: the generating function of a truncated kernel.
    """
    a_re, a_im = poles.real.double()[..., None], poles.imag.double()[..., None]
    w_re, w_im = weights.real.double(), weights.imag.double()
    # The angle from the nearer end, in turns: what is small there is small to the last digit.
    turn = torch.arange(length // 2 + 1, dtype=torch.float64, device=poles.device) / length
    beside_one = turn <= 0.25
    half = math.pi * torch.where(beside_one, turn, 0.5 - turn)
    gap, sine = 2.0 * torch.sin(half).square(), torch.sin(2.0 * half)
    size = (radius * a_re).square() + (radius * a_im).square()
    to_one = (1.0 - radius * a_re).square() + (radius * a_im).square()
    to_minus_one = (1.0 + radius * a_re).square() + (radius * a_im).square()
    sigma = 1.0 + size
    real = torch.where(beside_one, to_one - sigma * gap, sigma * gap - to_minus_one) / radius
    imag = (1.0 - size) * (sine / radius)
    squared = torch.reciprocal(real.square() + imag.square())
    reciprocals = torch.cat((real * squared, -imag * squared), dim=-1)
    # w (1 − z ā) + w̄ (1 − z a) = 2 Re w − z 2 Re(w ā), over z as the reciprocals are.
    alpha, beta = 2.0 * w_re, 2.0 * (w_re * a_re.mT + w_im * a_im.mT)
    first, second = (torch.cat((alpha, beta), dim=1) @ reciprocals).chunk(2, dim=1)
    turned = torch.polar(torch.full_like(sine, 1.0 / radius), (2.0 * math.pi) * turn)
    return turned * _complex(first) - _complex(second)


def _complex(stacked: Tensor) -> Tensor:
    """(..., real parts then imaginary parts)."""
    return torch.complex(*(part.contiguous() for part in stacked.chunk(2, dim=-1)))
