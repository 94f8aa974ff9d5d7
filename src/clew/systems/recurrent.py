"""The recurrent view: one step after another, in constant memory."""

import torch
from torch import Tensor

from clew.systems.matrices import Matrices

__all__ = ["recurrent"]


def recurrent(matrices: Matrices, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """h[k] = Ā h[k−1] + B̄ x[k], y[k] = C h[k] + D x[k], k after k.

    Args:
        matrices: Ā, B̄, C, D with batch dims.
        x: (..., L, P), L ≥ 1, of the same dtype and leading dims broadcast already.
        state: h[−1], (..., N), or ``None`` for zero.

    Returns:
        y (..., L, M) and the final state (..., N).
    """
    A, B, C, D = matrices
    # States are rows here: an unbatched A then multiplies the whole batch in one matrix product.
    driven = (x @ B.mT)[..., None, :].unbind(-3)
    h = torch.zeros_like(driven[0]) if state is None else state[..., None, :]
    states = []
    for driven_k in driven:
        h = h @ A.mT + driven_k
        states.append(h)
    y = torch.cat(states, dim=-2) @ C.mT + x @ D.mT
    return y, h[..., 0, :]
