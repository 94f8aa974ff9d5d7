"""First-order linear recurrences as parallel scans: O(log time) tensor operations, O(time) work.

Samples are taken in blocks of B = 16. A step over a whole block is again a first-order step, so the states at
the ends of the blocks solve a recurrence of a sixteenth of the length, whose decay is the product of the
block's:

1. run through all blocks at once from zero, for what each adds by its end, and multiply its decays;
2. scan the ends of the blocks, by this same recursion;
3. run through all blocks at once again, each from the state at the end of the one before.

Each sample is read twice and written once, where the odd-even recursion (B = 2) passes over the data once for
each of its operations. Products of decays are formed in float64 (complex128) where that costs little, cast at
each level: the error then grows with log time, not with time.

The functions start from h[−1] = 0; add a[0] h[−1] to the first input for any other start. Autograd does not
go through them: the operations above have backward passes of their own.

Source: G. E. Blelloch, "Prefix sums and their applications" (1990), sections 1.2 and 1.4, with blocks of
samples in the place of his processors.
"""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["elementwise_scan", "matrix_scan"]

_BLOCK = 16
_WIDE = {torch.float32: torch.float64, torch.complex64: torch.complex128}

Step = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
Product = Callable[[Tensor, Tensor], Tensor]


def elementwise_scan(decay: Tensor, inputs: Tensor, dim: int, *, reverse: bool = False) -> Tensor:
    """h[k] = decay[k] h[k−1] + inputs[k] along ``dim``, or h[k] = decay[k] h[k+1] + inputs[k] if ``reverse``.

    The decay that multiplies the zero state before the first sample has no effect.

    Args:
        decay: each size that of ``inputs`` or 1; size 1 along ``dim`` is a constant decay. Of the dtype of
            ``inputs``, or wider.
        inputs: any shape with size ≥ 1 along ``dim``; float32 at least.
        dim: the axis of time, ≥ 0.
        reverse: whether time runs backwards.

    Returns:
        The states, like ``inputs``, contiguous.

    >>> elementwise_scan(torch.tensor([0.5]), torch.ones(4), 0).tolist()
    [1.0, 1.5, 1.75, 1.875]
    """
    return _scan(decay, inputs, dim, reverse, wide=True, step=_step, multiply=torch.mul)


def matrix_scan(A: Tensor, inputs: Tensor, *, reverse: bool = False) -> Tensor:
    """h[k] = A[k] h[k−1] + inputs[k], or h[k] = A[k] h[k+1] + inputs[k] if ``reverse``.

    Args:
        A: (..., time or 1, N, N); leading sizes those of ``inputs`` or 1. Of the dtype of ``inputs``.
        inputs: (..., time, N), time ≥ 1; float32 at least.
        reverse: whether time runs backwards.

    Returns:
        The states, like ``inputs``, contiguous.

    >>> swap = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    >>> matrix_scan(swap, torch.tensor([[1.0, 0.0], [0.0, 0.0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    # Of a matrix for each sample, float64 would double the cost of the products: nearly all there is.
    wide = A.shape[-3] == 1
    return _scan(A, inputs, inputs.ndim - 2, reverse, wide=wide, step=_matrix_step, multiply=torch.matmul)


def _step(decay: Tensor, state: Tensor, inputs: Tensor, out: Tensor | None) -> Tensor:
    """One sample on: decay · state + inputs."""
    return torch.addcmul(inputs, decay.to(inputs.dtype), state, out=out)


def _matrix_step(A: Tensor, state: Tensor, inputs: Tensor, out: Tensor | None) -> Tensor:
    """One sample on: A state + inputs, for (..., N, N) and (..., N)."""
    A = A.to(inputs.dtype)
    if A[..., 0, 0].numel() == 1:
        moved = state @ A.reshape(A.shape[-2:]).mT
    elif A.ndim > 2 and A.shape[-3] == 1:
        moved = state @ A.squeeze(-3).mT
    else:
        moved = (A @ state[..., None]).squeeze(-1)
    return torch.add(moved, inputs, out=out)


def _scan(
    decay: Tensor, inputs: Tensor, dim: int, reverse: bool, *, wide: bool, step: Step, multiply: Product
) -> Tensor:
    """The recursion over blocks; ``decay`` may be of a wider dtype than ``inputs``."""
    time = inputs.shape[dim]
    states = torch.empty(inputs.shape, dtype=inputs.dtype, device=inputs.device)
    if time <= 2 * _BLOCK:
        _sweep(decay, inputs, None, states, dim, reverse, step)
        return states
    # An incomplete block comes last in the direction of the scan.
    rest = time % _BLOCK
    whole, left = (
        (slice(rest, None), slice(0, rest)) if reverse else (slice(0, time - rest), slice(time - rest, None))
    )
    decays, blocks, out = (_fold(_part(tensor, dim, whole), dim) for tensor in (decay, inputs, states))
    product, added = _across_blocks(decays, blocks, dim + 1, reverse, wide, step, multiply)
    ends = _scan(product, added, dim, reverse, wide=wide, step=step, multiply=multiply)
    count = time // _BLOCK
    before, after = (
        (slice(1, None), slice(0, count - 1)) if reverse else (slice(0, count - 1), slice(1, None))
    )
    starts = torch.zeros_like(ends)
    _part(starts, dim, after).copy_(_part(ends, dim, before))
    _sweep(decays, blocks, starts, out, dim + 1, reverse, step)
    if rest:
        last = ends.select(dim, 0 if reverse else count - 1)
        _sweep(
            _part(decay, dim, left),
            _part(inputs, dim, left),
            last,
            _part(states, dim, left),
            dim,
            reverse,
            step,
        )
    return states


def _across_blocks(
    decay: Tensor, inputs: Tensor, dim: int, reverse: bool, wide: bool, step: Step, multiply: Product
) -> tuple[Tensor, Tensor]:
    """The product of each block's decays and its last state from zero; blocks lie along ``dim``."""
    dtype = _WIDE.get(decay.dtype, decay.dtype) if wide else decay.dtype
    order = _order(_BLOCK, reverse)
    state = inputs.select(dim, order[0]).clone()
    for k in order[1:]:
        state = step(_at(decay, dim, k), state, inputs.select(dim, k), None)
    product = _at(decay, dim, order[0]).to(dtype)
    if decay.shape[dim] == 1:
        for _ in range(_BLOCK.bit_length() - 1):
            product = multiply(product, product)
    else:
        for k in order[1:]:
            product = multiply(_at(decay, dim, k).to(dtype), product)
    return product, state


def _sweep(
    decay: Tensor, inputs: Tensor, state: Tensor | None, out: Tensor, dim: int, reverse: bool, step: Step
) -> None:
    """Sample by sample along ``dim`` from ``state`` (zero if None), writing the states to ``out``."""
    for k in _order(inputs.shape[dim], reverse):
        inputs_k, out_k = inputs.select(dim, k), out.select(dim, k)
        if state is None:
            out_k.copy_(inputs_k)
        else:
            step(_at(decay, dim, k), state, inputs_k, out_k)
        state = out_k


def _order(time: int, reverse: bool) -> range:
    """Indices in the direction of the scan."""
    return range(time - 1, -1, -1) if reverse else range(time)


def _part(tensor: Tensor, dim: int, part: slice) -> Tensor:
    """A slice along ``dim``; a size of 1 there is constant and stays."""
    return tensor if tensor.shape[dim] == 1 else tensor[(*(slice(None),) * dim, part)]


def _at(decay: Tensor, dim: int, k: int) -> Tensor:
    """The decay at one sample; a size of 1 is constant."""
    return decay.select(dim, 0 if decay.shape[dim] == 1 else k)


def _fold(tensor: Tensor, dim: int) -> Tensor:
    """A view in which time is (block, sample); a size of 1 is constant, and (1, 1)."""
    size = _BLOCK if tensor.shape[dim] > 1 else 1
    return tensor.view(*tensor.shape[:dim], tensor.shape[dim] // size, size, *tensor.shape[dim + 1 :])
