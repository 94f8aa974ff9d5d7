"""φ₁(z) = (eᶻ − 1)/z, the factor of a zero-order hold, without dividing by a z that may be zero."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from clew.maths import pairs

__all__ = ["phi1", "phi1_pair"]

SERIES_RADIUS = 0.5
# φ₁(z) = Σ zⁿ/(n + 1)! and φ₁′(z) = Σ (n + 1) zⁿ/(n + 2)!; what is left out is below 0.5¹⁶/17!.
SERIES = tuple(1.0 / math.factorial(n + 1) for n in range(17))
SLOPE_SERIES = tuple((n + 1) / math.factorial(n + 2) for n in range(16))


def phi1(z: Tensor) -> Tensor:
    """φ₁(z) = (eᶻ − 1)/z with φ₁(0) = 1, elementwise.

    Args:
        z: any shape; float32, float64, complex64 or complex128.

    Returns:
        A tensor of the shape and dtype of ``z``. Values and first derivatives are accurate to a few units in
        the last place of their absolute value, and finite at 0.

    >>> phi1(torch.tensor([-1.0, 0.0, 1e-12], dtype=torch.float64))
    tensor([0.6321, 1.0000, 1.0000], dtype=torch.float64)

    Source: Higham, *Functions of Matrices* (2008), section 10.7.4.
    """
    if z.is_complex():
        return torch.complex(*phi1_pair(z.real, z.imag))
    near = z.abs() < SERIES_RADIUS
    series = _series(torch.where(near, z, 0.0), SERIES)
    far = torch.where(near, 1.0, z)  # a closed form at 0 would poison the gradient even where it is not taken
    return torch.where(near, series, torch.expm1(far) / far)


def phi1_pair(real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
    """φ₁(real + i·imag) on real tensors alone, for code that is exported.

    Args:
        real: real part, any shape; float32 or float64.
        imag: imaginary part, broadcast against ``real``.

    Returns:
        The real and the imaginary part of φ₁, of the broadcast shape.

    Source: as :func:`phi1`.
    """
    z: pairs.Pair = torch.broadcast_tensors(real, imag)  # type: ignore[no-untyped-call] # torch has no types for it
    if not torch.compiler.is_compiling():
        value: pairs.Pair = _Phi1Pair.apply(*z)  # type: ignore[no-untyped-call] # torch has none here either
        return value
    # Compilers differentiate what they trace, and warn of functions of one's own; calls cost them nothing.
    near = _near(z)
    inside = torch.where(near, z[0], 0.0), torch.where(near, z[1], 0.0)
    far = torch.where(near, 1.0, z[0]), torch.where(near, 1.0, z[1])
    series, closed = _series_pair(inside), pairs.divide(_expm1(far), far)
    return torch.where(near, series[0], closed[0]), torch.where(near, series[1], closed[1])


class _Phi1Pair(Function):
    """φ₁ with its derivative written out: its series near 0 is then run in the backward pass alone."""

    generate_vmap_rule = True

    @staticmethod
    def forward(real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
        zero = (real == 0) & (imag == 0)
        z = torch.where(zero, 1.0, real), imag
        above = pairs.divide(_expm1(z), z)
        return torch.where(zero, 1.0, above[0]), torch.where(zero, 0.0, above[1])

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs, *output)

    @staticmethod
    def backward(ctx: Any, by_real: Tensor, by_imag: Tensor) -> tuple[Tensor, Tensor]:
        real, imag, *value = ctx.saved_tensors
        # φ₁ is holomorphic: dφ₁ = φ₁′ (dx + i dy), and the gradient takes the conjugate of φ₁′.
        gradient = torch.complex(by_real, by_imag) * _slope((real, imag), (value[0], value[1])).conj()
        return gradient.real, gradient.imag


def _slope(parts: pairs.Pair, value: pairs.Pair) -> Tensor:
    """φ₁′(z) = (eᶻ − φ₁(z))/z, near 0 by its series; complex: what runs backwards is not exported."""
    near, z = _near(parts), torch.complex(*parts)
    inside, far = torch.where(near, z, 0.0), torch.where(near, 1.0, z)
    closed = (torch.complex(*pairs.exp((far.real, far.imag))) - torch.complex(*value)) / far
    return torch.where(near, _series(inside, SLOPE_SERIES), closed)


def _near(z: pairs.Pair) -> Tensor:
    """Where the series is taken."""
    return torch.maximum(z[0].abs(), z[1].abs()) < SERIES_RADIUS * 0.7


def _expm1(z: pairs.Pair) -> pairs.Pair:
    """eᶻ − 1 = (eˣ − 1) cos y − 2 sin²(y/2) + i eˣ sin y, which loses nothing near 0."""
    half = torch.sin(0.5 * z[1])
    return torch.expm1(z[0]) * torch.cos(z[1]) - 2.0 * half * half, torch.exp(z[0]) * torch.sin(z[1])


def _series(z: Tensor, terms: tuple[float, ...]) -> Tensor:
    """Σ terms[n] zⁿ by Horner's rule."""
    total = torch.zeros_like(z)
    for term in reversed(terms):
        total = total * z + term
    return total


def _series_pair(z: pairs.Pair) -> pairs.Pair:
    """φ₁ by Horner's rule, on a pair."""
    total = torch.zeros_like(z[0]), torch.zeros_like(z[1])
    for term in reversed(SERIES):
        real = torch.addcmul(total[0] * z[0], total[1], z[1], value=-1.0)
        imag = torch.addcmul(total[0] * z[1], total[1], z[0])
        total = real + term, imag
    return total
