"""The recurrence written out: the terms of one output, and all outputs as one matrix times the input."""

import torch
from torch import Tensor

from clew.systems.convolution import kernel
from clew.systems.matrices import Matrices

__all__ = ["terms", "toeplitz"]


def terms(matrices: Matrices, x: Tensor, k: int) -> Tensor:
    """C Āⁱ B̄ x[k−i] for i = 0, …, k: (..., k + 1, M)."""
    past = x[..., : k + 1, :].flip(-2)
    return (kernel(matrices, k + 1) @ past[..., None])[..., 0]


def toeplitz(matrices: Matrices, length: int) -> Tensor:
    """T with y = T x, for x and y laid out sample after sample: (..., length·M, length·P).

    Block (i, j) is C Ā^{i−j} B̄ below the diagonal, C B̄ + D on it, zero above.
    """
    blocks = kernel(matrices, length)
    outputs, inputs = matrices.D.shape[-2:]
    lag = torch.arange(length, device=blocks.device)[:, None] - torch.arange(length, device=blocks.device)
    square = blocks[..., lag.clamp(min=0), :, :]
    square = torch.where((lag >= 0)[..., None, None], square, 0.0)
    square = square + (lag == 0)[..., None, None] * matrices.D[..., None, None, :, :]
    return square.transpose(-3, -2).reshape(*square.shape[:-4], length * outputs, length * inputs)
