"""From h′ = A h + B x to h[k] = Ā h[k−1] + B̄ x[k].

Every method acts on the state equation only: C and D stay as they are. (scipy's Tustin changes them; ours,
as in S4, does not.) No method divides by an eigenvalue, so A may be singular or defective.
"""

import math
from typing import TypeAlias

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.maths import pairs
from clew.maths.exponential import exponential, exponential_and_integral
from clew.maths.phi import phi1_pair

__all__ = ["METHODS", "discretize", "discretize_diagonal"]

METHODS: tuple[str, ...] = ("zoh", "bilinear", "forward_euler", "backward_euler", "gbt", "dirac", "mamba")

Step: TypeAlias = float | Tensor

# The share of the step that is taken implicitly: Ā = (I − αΔA)⁻¹ (I + (1 − α)ΔA), B̄ = (I − αΔA)⁻¹ ΔB.
IMPLICIT_SHARE = {"bilinear": 0.5, "forward_euler": 0.0, "backward_euler": 1.0}


def discretize(
    A: Tensor, B: Tensor, dt: Step, method: str = "zoh", alpha: float | None = None
) -> tuple[Tensor, Tensor]:
    """Discretise dense state and input matrices.

    ==================  =========================================================================
    ``zoh``             Ā = e^{ΔA}, B̄ = ∫₀^Δ e^{sA} ds B: exact for an input constant over the step
    ``bilinear``        ``gbt`` with α = 1/2 (trapezoidal rule; S4)
    ``forward_euler``   ``gbt`` with α = 0: Ā = I + ΔA, B̄ = ΔB
    ``backward_euler``  ``gbt`` with α = 1
    ``gbt``             Ā = (I − αΔA)⁻¹ (I + (1 − α)ΔA), B̄ = (I − αΔA)⁻¹ ΔB
    ``dirac``           Ā = e^{ΔA}, B̄ = B: the input is a train of impulses
    ``mamba``           Ā = e^{ΔA}, B̄ = ΔB: zero-order hold for A, Euler for B
    ==================  =========================================================================

    Computed in float64 (complex128) whatever the inputs are, and cast back to their dtype once.

    Args:
        A: (..., N, N), real or complex.
        B: (..., N, P), the same dtype; leading dims broadcast against those of ``A``.
        dt: Δ, the step, in the unit of time of ``A``: a number, or a tensor that is broadcast against the
            leading dims. Positive and finite.
        method: one of :data:`METHODS`.
        alpha: for ``gbt`` only: the implicit share, from 0 to 1.

    Returns:
        Ā (..., N, N) and B̄ (..., N, P), differentiable in ``A``, ``B`` and ``dt``.

    Raises:
        ValueError: for an unknown method, a step that is not positive and finite, an ``alpha`` that is
            missing, out of range or not asked for, an I − αΔA that is singular, and a ΔA that is not finite.

    >>> A = torch.tensor([[0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    >>> B = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> discretize(A, B, 0.1)[1]
    tensor([[0.0050],
            [0.1000]], dtype=torch.float64)

    Sources: ``zoh``: Van Loan, "Computing integrals involving the matrix exponential" (1978), theorem 1.
    ``gbt``: Zhang, Chen and Chen, "Digital redesign via the generalised bilinear transformation" (2009).
    ``bilinear``: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    eq. 3. ``mamba``: Gu and Dao, "Mamba" (2023), eq. 4, whose published code takes Euler's B̄.
    """
    share = _implicit_share(method, alpha)
    out_dtype = torch.promote_types(A.dtype, B.dtype)
    wide = torch.complex128 if out_dtype.is_complex else torch.float64
    A, B = A.to(wide), B.to(wide)
    step = _checked_step(dt, A.device)[..., None, None]
    if share is not None:
        A_bar, B_bar = _generalised_bilinear(step * A, step * B, share)
    elif method == "zoh":
        A_bar, B_bar = exponential_and_integral(step * A, step * B)
    else:
        A_bar, B_bar = exponential(step * A), B if method == "dirac" else step * B
    return A_bar.to(out_dtype), B_bar.to(out_dtype)


def discretize_diagonal(
    a_re: Tensor,
    a_im: Tensor,
    b_re: Tensor,
    b_im: Tensor,
    dt: Step,
    method: str = "zoh",
    alpha: float | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Discretise a diagonal A, and the row of B beside each entry, on real pairs without complex tensors.

    The methods are those of :func:`discretize`, elementwise: for zoh ā = e^{Δa} and b̄ = Δ φ₁(Δa) b.

    Computed in the dtype of the arguments: pass float64 where powers of ā will be taken. The values of a
    tensor ``dt`` are not looked at (this runs inside compiled and exported layers): Δ = 0 gives ā = 1 and
    b̄ = 0 (``dirac``: b̄ = b).

    Args:
        a_re: real part of the diagonal of A, any shape; float32 or float64.
        a_im: its imaginary part.
        b_re: real part of B.
        b_im: imaginary part of B.
        dt: Δ, the step, in the unit of time of A: a number or a tensor. All five broadcast.
        method: one of :data:`METHODS`.
        alpha: for ``gbt`` only: the implicit share, from 0 to 1.

    Returns:
        Real and imaginary part of ā, real and imaginary part of b̄; differentiable, at Δa = 0 too.

    Raises:
        ValueError: for an unknown method, a number ``dt`` that is not positive and finite, and an ``alpha``
            that is missing, out of range or not asked for.

    Source: as :func:`discretize`; Gupta et al., "Diagonal state spaces" (2022), proposition 1 for zoh.
    """
    share = _implicit_share(method, alpha)
    if not isinstance(dt, Tensor):
        _check_number(dt)
    z = a_re * dt, a_im * dt
    b = b_re, b_im
    if share is not None:
        below = 1.0 - share * z[0], -share * z[1]
        a_bar = pairs.divide((1.0 + (1.0 - share) * z[0], (1.0 - share) * z[1]), below)
        b_bar = pairs.divide((b_re * dt, b_im * dt), below)
        return *a_bar, *b_bar
    a_bar = pairs.exp(z)
    if method == "zoh":
        b_bar = pairs.multiply(phi1_pair(*z), (b_re * dt, b_im * dt))
    else:
        b_bar = b if method == "dirac" else (b_re * dt, b_im * dt)
    return *a_bar, *b_bar


def _implicit_share(method: str, alpha: float | None) -> float | None:
    """α of the generalised bilinear method, ``None`` for the methods that exponentiate."""
    if method not in METHODS:
        raise unknown_name("discretisation method", method, METHODS)
    if method != "gbt":
        if alpha is not None:
            raise ValueError(f"alpha belongs to method='gbt', not to {method!r}: leave it out")
        return IMPLICIT_SHARE.get(method)
    if alpha is None or not 0.0 <= alpha <= 1.0:
        raise ValueError(
            f"method='gbt' needs alpha, a number from 0 (explicit) to 1 (implicit), got {alpha!r}"
        )
    return float(alpha)


def _check_number(dt: float) -> None:
    if isinstance(dt, bool) or not isinstance(dt, int | float) or not (math.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be a positive, finite number or a tensor of them, got {dt!r}")


def _checked_step(dt: Step, device: torch.device) -> Tensor:
    """Δ as a float64 tensor."""
    if not isinstance(dt, Tensor):
        _check_number(dt)
        return torch.tensor(dt, dtype=torch.float64, device=device)
    if dt.is_complex() or dt.dtype == torch.bool:
        raise ValueError(f"dt must be real, got a tensor of {dt.dtype}")
    step = dt.to(torch.float64)
    wrong = ~(torch.isfinite(step) & (step > 0))
    if wrong.any():
        raise ValueError(
            f"dt must be positive and finite, got {step[wrong].flatten()[0].item()!r} among its entries"
        )
    return step


def _generalised_bilinear(A_dt: Tensor, B_dt: Tensor, share: float) -> tuple[Tensor, Tensor]:
    identity = torch.eye(A_dt.shape[-1], dtype=A_dt.dtype, device=A_dt.device)
    explicit = identity + (1.0 - share) * A_dt
    if share == 0.0:
        return explicit, B_dt
    implicit = identity - share * A_dt
    _check_regular(implicit.detach(), share)
    # Both sides in one solve of equal batch dims: torch would read an unbatched (N, N) B as N vectors.
    order, inputs = B_dt.shape[-2:]
    batch = torch.broadcast_shapes(A_dt.shape[:-2], B_dt.shape[:-2])  # type: ignore[no-untyped-call]
    sides = explicit.expand(*batch, order, order), B_dt.expand(*batch, order, inputs)
    solved = torch.linalg.solve(implicit, torch.cat(sides, dim=-1))
    return solved[..., :order], solved[..., order:]


def _check_regular(implicit: Tensor, share: float) -> None:
    """Refuse a singular M = I − αΔA by Skeel's condition number, which scaling the rows of M leaves alone.

    It is the largest row sum of abs(M⁻¹) abs(M): a stiff A, whose rows differ by many orders, passes.

    Source: Higham, *Accuracy and Stability of Numerical Algorithms* (2002), section 7.2.
    """
    inverse, info = torch.linalg.inv_ex(implicit)
    condition = (inverse.abs() @ implicit.abs()).sum(-1).amax(-1)
    singular = (info != 0) | ~(condition < 1.0 / torch.finfo(implicit.dtype).eps)
    if singular.any():
        raise ValueError(
            f"I − {share:g}·dt·A is singular, for an eigenvalue of A is 1/({share:g}·dt): "
            "choose another dt or method"
        )
