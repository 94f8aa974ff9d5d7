"""The recurrent view: one step after another."""

import torch
from torch import Tensor

from clew.systems.matrices import Matrices

__all__ = ["recurrent"]


def recurrent(matrices: Matrices, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """h[k] = Ā h[k−1] + B̄ x[k], y[k] = C h[k] + D x[k], k after k.

    The state is accumulated in float64 (complex128) and cast once: with a time constant of 10,000 samples, a
    float32 step loses up to a thousandth of its increment to rounding, and a steady input loses it one way.

    Args:
        matrices: Ā, B̄, C, D with batch dims.
        x: (..., L, P), L ≥ 1, of the same dtype and leading dims broadcast already.
        state: h[−1], (..., N), or ``None`` for zero.

    Returns:
        y (..., L, M) and the final state (..., N), in the dtype of ``x``.
    """
    wide = torch.complex128 if x.is_complex() else torch.float64
    A, B, C, D = matrices.to(wide)
    wide_x = x.to(wide)
    # States are rows here: an unbatched A then multiplies the whole batch in one matrix product.
    driven = (wide_x @ B.mT)[..., None, :].unbind(-3)
    h = torch.zeros_like(driven[0]) if state is None else state.to(wide)[..., None, :]
    transition, states = A.mT, []
    for driven_k in driven:
        h = h @ transition + driven_k
        states.append(h)
    y = torch.cat(states, dim=-2) @ C.mT + wide_x @ D.mT
    return y.to(x.dtype), h[..., 0, :].to(x.dtype)
