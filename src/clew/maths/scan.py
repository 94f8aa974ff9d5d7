"""First-order linear recurrences as parallel scans: O(log time) tensor operations, O(time) work.

The recursion takes the samples in pairs. One step over a pair is again a first-order step,

    h[k] = a[k] (a[k−1] h[k−2] + x[k−1]) + x[k] = (a[k] a[k−1]) h[k−2] + (a[k] x[k−1] + x[k]),

so every second state solves a recurrence of half the length, and the states between follow from it in one
step. Products of decays are formed in float64 (complex128) where that costs little, and cast at each level:
then the error grows with log time, not with time.

The functions start from h[−1] = 0; add a[0] h[−1] to the first input for any other start. Autograd goes
through them, but the operations above them have cheaper backward passes of their own.

Source: G. E. Blelloch, "Prefix sums and their applications" (1990), sections 1.2 and 1.4; the odd-even form
is that of R. P. Brent and H. T. Kung, "A regular layout for parallel adders" (1982).
"""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["elementwise_scan", "matrix_scan"]

Product = Callable[[Tensor, Tensor], Tensor]

_WIDE = {torch.float32: torch.float64, torch.complex64: torch.complex128}


def elementwise_scan(decay: Tensor, inputs: Tensor, dim: int, *, reverse: bool = False) -> Tensor:
    """h[k] = decay[k] h[k−1] + inputs[k] along ``dim``, or h[k] = decay[k] h[k+1] + inputs[k] if ``reverse``.

    The decay that multiplies the zero state before the first sample has no effect.

    Args:
        decay: each size that of ``inputs`` or 1; size 1 along ``dim`` is a constant decay.
        inputs: any shape with size ≥ 1 along ``dim``; float32 at least, of the dtype of ``decay``.
        dim: the axis of time, ≥ 0.
        reverse: whether time runs backwards.

    Returns:
        The states, like ``inputs``; ``inputs`` itself if there is one sample only.

    >>> elementwise_scan(torch.tensor([0.5]), torch.ones(4), 0).tolist()
    [1.0, 1.5, 1.75, 1.875]
    """
    return _scan(decay, inputs, dim, reverse, wide=True, multiply=torch.mul, apply=torch.mul)


def matrix_scan(A: Tensor, inputs: Tensor, *, reverse: bool = False) -> Tensor:
    """h[k] = A[k] h[k−1] + inputs[k], or h[k] = A[k] h[k+1] + inputs[k] if ``reverse``.

    Args:
        A: (..., time or 1, N, N); leading sizes those of ``inputs`` or 1.
        inputs: (..., time, N), time ≥ 1; float32 at least, of the dtype of ``A``.
        reverse: whether time runs backwards.

    Returns:
        The states, like ``inputs``; ``inputs`` itself if there is one sample only.

    >>> matrix_scan(torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    wide = (
        A.shape[-3] == 1
    )  # else float64 would double the cost of the products, which is nearly all there is
    dim = inputs.ndim - 2
    return _scan(A, inputs, dim, reverse, wide=wide, multiply=torch.matmul, apply=_apply_matrices)


def _apply_matrices(A: Tensor, vectors: Tensor) -> Tensor:
    """A[k] v[k] for (..., time or 1, N, N) and (..., time, N)."""
    if A.shape[-3] == 1:
        return vectors @ A.squeeze(-3).mT
    return (A @ vectors[..., None]).squeeze(-1)


def _scan(
    decay: Tensor, inputs: Tensor, dim: int, reverse: bool, *, wide: bool, multiply: Product, apply: Product
) -> Tensor:
    """The recursion; ``decay`` may be of a wider dtype than ``inputs``."""
    time = inputs.shape[dim]
    if time == 1:
        return inputs
    half = time // 2
    # Of each pair, ``early`` comes first in the direction of the scan; an odd sample out is early and alone.
    early_inputs, late_inputs = _split(inputs, dim, reverse)
    early_decay, late_decay = _split(decay, dim, reverse) if decay.shape[dim] > 1 else (decay, decay)
    paired = slice(0, half) if not reverse else slice(time % 2, None)
    pair_inputs = late_inputs + apply(late_decay.to(inputs.dtype), _part(early_inputs, dim, paired))
    widened = decay.dtype if not wide else _WIDE.get(decay.dtype, decay.dtype)
    pair_decay = multiply(late_decay.to(widened), _part(early_decay, dim, paired).to(widened))
    late = _scan(pair_decay, pair_inputs, dim, reverse, wide=wide, multiply=multiply, apply=apply)

    states = torch.empty(inputs.shape, dtype=inputs.dtype, device=inputs.device)
    leading, offset = (slice(None),) * dim, _offset(time, reverse)
    states[(*leading, slice(1 - offset, None, 2))] = late
    first = slice(time - 1, None) if reverse else slice(0, 1)
    states[(*leading, first)] = inputs[(*leading, first)]
    if time > 2:
        # Every other early sample follows a late one.
        later = slice(None, -1) if reverse else slice(1, None)
        count = time - half - 1
        before = _part(late, dim, slice(half - count, None) if reverse else slice(0, count))
        step = apply(_part(early_decay, dim, later).to(inputs.dtype), before)
        places = slice(offset, time - 1, 2) if reverse else slice(2, None, 2)
        states[(*leading, places)] = step + _part(early_inputs, dim, later)
    return states


def _offset(time: int, reverse: bool) -> int:
    """The lowest index of an early sample."""
    return (time - 1) % 2 if reverse else 0


def _split(tensor: Tensor, dim: int, reverse: bool) -> tuple[Tensor, Tensor]:
    """Views of every second sample: those that come first in their pair, and the others."""
    offset = _offset(tensor.shape[dim], reverse)
    leading = (slice(None),) * dim
    return tensor[(*leading, slice(offset, None, 2))], tensor[(*leading, slice(1 - offset, None, 2))]


def _part(tensor: Tensor, dim: int, part: slice) -> Tensor:
    """A slice along ``dim``; a size of 1 there is constant and stays."""
    return tensor if tensor.shape[dim] == 1 else tensor[(*(slice(None),) * dim, part)]
