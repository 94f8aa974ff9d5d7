"""One step of a memory over a sample that is constant: c[k] = Ā[k] c[k−1] + B̄[k] f[k], sliding and scaled."""

import torch
from torch import Tensor

from clew.hippo.legs import legs
from clew.hippo.stretching import stretched, stretching

__all__ = ["scaled_matrices", "scaled_step"]

# Sliding memories are discretised by clew.maths.discretize. The scaled one, c′ = (A c + B f)/t with the A and
# B of LegS, is linear in ln t, and A e₀ = −B: a constant f is remembered exactly, as c = f e₀. So
#
#   c[k] − f[k] e₀ = E (c[k−1] − f[k] e₀)
#
# with E = e^{A ln(t[k]/t[k−1])} exactly, or its bilinear approximation. At t = 0 the 1/t leaves one answer
# that is bounded: what was before has no weight, and the first sample is remembered as the constant it is.


def scaled_matrices(order: int, start: Tensor, end: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Ā and B̄ of the scaled memory from time ``start`` to time ``end``.

    ``zoh`` is exact. ``bilinear`` is the trapezoidal rule with 1/t taken in the middle of the step,
    E = (I − r/2 A)⁻¹ (I + r/2 A), r = 2 (end − start)/(end + start), and exact for the first sample.

    Args:
        order: N.
        start: (...) ≥ 0, float64.
        end: (...) > start, float64.
        method: ``"zoh"`` or ``"bilinear"``.

    Returns:
        Ā (..., N, N) and B̄ (..., N), float64.
    """
    if method == "zoh":
        A_bar = stretching(order, start / end)
    else:
        implicit, explicit = _trapezoid(order, start, end)
        A_bar = torch.linalg.solve_triangular(implicit, explicit, upper=False)
        A_bar = torch.where((start > 0)[..., None, None], A_bar, 0.0)
    constant = torch.zeros(order, dtype=start.dtype, device=start.device)
    constant[0] = 1.0
    return A_bar, constant - A_bar[..., 0]


def scaled_step(coefficients: Tensor, sample: Tensor, start: Tensor, end: Tensor, method: str) -> Tensor:
    """c[k] from c[k−1] (..., N) and f[k] (...) by the same formulas, in O(N²)."""
    constant = torch.zeros_like(coefficients)
    constant[..., 0] = 1.0
    constant = sample[..., None] * constant
    rest = coefficients - constant
    if method == "zoh":
        return constant + stretched(start / end, rest)
    implicit, explicit = _trapezoid(coefficients.shape[-1], start, end)
    stepped = torch.linalg.solve_triangular(implicit, explicit @ rest[..., None], upper=False)[..., 0]
    return constant + torch.where((start > 0)[..., None], stepped, 0.0)


def _trapezoid(order: int, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """I − r/2 A and I + r/2 A."""
    A = legs(order)[0].to(start.device)
    identity = torch.eye(order, dtype=A.dtype, device=A.device)
    half = ((end - start) / (end + start))[..., None, None] * A
    return identity - half, identity + half
