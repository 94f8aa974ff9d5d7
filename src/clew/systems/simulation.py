"""A continuous system in time: its answer to an impulse, and to an input that is constant in between."""

import torch
from torch import Tensor

from clew.maths.exponential import exponential, exponential_and_integral
from clew.systems.matrices import Matrices

__all__ = ["impulse_response", "simulate", "step_response", "time_axis"]


def time_axis(t: Tensor) -> Tensor:
    """``t`` as (T,).

    Raises:
        ValueError: for anything but a finite real number ≥ 0 or a row of them.
    """
    if t.is_complex() or t.ndim > 1 or not (torch.isfinite(t) & (t >= 0)).all():
        raise ValueError(f"t must be finite times ≥ 0, a number or (T,), got {t.dtype} {tuple(t.shape)}")
    return t.to(torch.float64).reshape(-1)


def impulse_response(matrices: Matrices, t: Tensor) -> Tensor:
    """C e^{At} B for each time: (..., T, M, P), computed in float64 and cast once."""
    A, B, C, _ = matrices.to(_wide(matrices))
    flow = exponential(A[..., None, :, :] * t[:, None, None])
    return (C[..., None, :, :] @ flow @ B[..., None, :, :]).to(matrices.A.dtype)


def step_response(matrices: Matrices, t: Tensor) -> Tensor:
    """C ∫₀ᵗ e^{As} ds B + D for each time: (..., T, M, P), computed in float64 and cast once."""
    A, B, C, D = (matrix[..., None, :, :] for matrix in matrices.to(_wide(matrices)))
    spans = t[:, None, None]
    _, driven = exponential_and_integral(A * spans, B * spans)
    return (C @ driven + D).to(matrices.A.dtype)


def simulate(matrices: Matrices, x: Tensor, t: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """States and outputs at the times t, for an input x[k] that holds from t[k−1] to t[k] (from 0 for k = 0).

    Each interval is solved exactly, with h[k] = e^{AΔ} h[k−1] + φ₁(AΔ) ΔB x[k]; intervals of equal length
    share one exponential.

    Args:
        matrices: of N states, P inputs, M outputs, with batch dims.
        x: (..., L, P), L ≥ 1, leading dims broadcast already.
        t: (L,), float64.
        state: (..., N) or ``None`` for zero.

    Returns:
        y (..., L, M) and the final state (..., N).

    Raises:
        ValueError: if the times decrease.
    """
    intervals = torch.diff(t, prepend=t.new_zeros(1))
    if (intervals < 0).any():
        raise ValueError("t must not decrease")
    if intervals.requires_grad:
        lengths, which = intervals, torch.arange(len(intervals), device=t.device)
    else:
        lengths, which = torch.unique(intervals, return_inverse=True)
    wide = matrices.to(_wide(matrices))
    spans = lengths[:, None, None]
    A_bar, B_bar = exponential_and_integral(spans * wide.A[..., None, :, :], spans * wide.B[..., None, :, :])
    x = x.to(wide.A.dtype)
    driven = (B_bar[..., which, :, :] @ x[..., None]).unbind(-3)
    flows = A_bar.unbind(-3)
    h = torch.zeros_like(driven[0]) if state is None else state.to(wide.A.dtype)[..., None]
    states = []
    for interval, driven_k in zip(which.tolist(), driven, strict=True):
        h = flows[interval] @ h + driven_k
        states.append(h[..., 0])
    y = torch.stack(states, dim=-2) @ wide.C.mT + x @ wide.D.mT
    narrow = matrices.A.dtype
    return y.to(narrow), states[-1].to(narrow)


def _wide(matrices: Matrices) -> torch.dtype:
    return torch.complex128 if matrices.A.is_complex() else torch.float64
