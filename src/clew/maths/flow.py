"""The flow of one linear system over many spans of time at once."""

import math

import torch
from torch import Tensor

__all__ = ["flow"]

# With ‖X‖₁ ≤ 1 the first term left out of Σ Xⁿ/n! is 1/20! ≈ 4e-19.
SERIES_TERMS = 19


def flow(A: Tensor, B: Tensor, times: Tensor, longest: float) -> tuple[Tensor, Tensor]:
    """e^{tA} and ∫₀ᵗ e^{sA} ds B for each t: the zero-order hold of one system over steps of any length.

    Other than :func:`clew.maths.exponential.exponential_and_integral` it never looks at values, so it can be
    compiled and exported; and each span of time costs log₂(longest) products of matrices, whatever it is.

    With X = t A/2ˢ, ‖X‖ ≤ 1, the Taylor polynomial of e^X − I has the same matrices for every t; what follows
    is squared s times in the form (I + Y)² − I = 2Y + Y², which keeps the digits of a short t.

    Args:
        A: (N, N), float64; no gradient flows to it.
        B: (N,), float64, likewise.
        times: t, (...), float64, from 0 to the time that ``longest`` allows; differentiable, once.
        longest: a bound on ‖A‖₁ t, above 0.

    Returns:
        (..., N, N) and (..., N), float64.

    >>> A, B = torch.tensor([[0.0, 1.0], [0.0, 0.0]]).double(), torch.tensor([0.0, 1.0]).double()
    >>> flow(A, B, torch.tensor([0.1], dtype=torch.float64), longest=1.0)[1]
    tensor([[0.0050, 0.1000]], dtype=torch.float64)

    Source: Higham, *Functions of Matrices* (2008), sections 10.3 and 10.7.4.
    """
    squarings = max(0, math.ceil(math.log2(longest)))
    order, dtype = len(A), A.dtype
    unit, t = A * 0.5**squarings, times.detach()
    powers = [torch.eye(order, dtype=dtype, device=A.device)]
    for n in range(1, SERIES_TERMS + 1):
        powers.append(powers[-1] @ unit / n)
    terms = torch.stack(powers)  # (terms, N, N): (A/2ˢ)ⁿ/n!
    to_the = torch.cumprod(t[..., None].expand(*t.shape, SERIES_TERMS), dim=-1)  # t, t², …
    Y = (to_the @ terms[1:].flatten(1)).reshape(*t.shape, order, order)
    counts = torch.arange(1, SERIES_TERMS + 1, dtype=dtype, device=A.device)
    held = (terms[:-1] @ B) * (0.5**squarings / counts)[:, None]  # of ∫: tⁿ⁺¹ (A/2ˢ)ⁿ/(n + 1)!
    integral = to_the @ held
    for _ in range(squarings):
        integral = 2.0 * integral + (Y @ integral[..., None])[..., 0]
        Y = 2.0 * Y + Y @ Y
    E = torch.eye(order, dtype=dtype, device=A.device) + Y
    if times.requires_grad:
        # The derivative with respect to t is A e^{tA}, and e^{tA} B: no need to go back through the squares.
        later = (times - t)[..., None]
        E, integral = E + (A @ E) * later[..., None], integral + (E @ B) * later
    return E, integral
