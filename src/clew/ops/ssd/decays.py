"""The decays between all pairs of samples of a piece, from a few exponentials.

exp(s[i] − s[j]) for j ≤ i, with s the running sum of exponents. Differences of large sums would lose digits
in float32, so they are taken in float64. For i and j in different blocks of 16 samples the decay is the
product of that from j to the beginning of i's block and that from there to i: only pairs in one block need an
exponential each, a quarter of all pairs of 64 samples.
"""

import torch
from torch import Tensor

__all__ = ["decay_matrix"]

_BLOCK = 16


def decay_matrix(sums: Tensor, out: Tensor) -> Tensor:
    """exp(sums[:, i] − sums[:, j]) at [:, i, j] for j ≤ i, and zero for j > i.

    Args:
        sums: (head, time), float64.
        out: (head, time, time), contiguous: the result is written here, in its dtype.

    Returns:
        ``out``.

    >>> decay_matrix(torch.tensor([[0.0, -1.0]], dtype=torch.float64), torch.empty(1, 2, 2)).tolist()
    [[[1.0, 0.0], [0.3679, 1.0]]]
    """
    head, time = sums.shape
    if time % _BLOCK:
        return out.copy_(_within(sums, out.dtype))
    blocks = sums.view(head, time // _BLOCK, _BLOCK)
    first = blocks[:, :, :1]
    samples = torch.arange(time, device=sums.device)
    later = samples >= samples[::_BLOCK, None]
    to_first = (first - sums[:, None]).to(out.dtype).masked_fill_(later, -torch.inf).exp_()
    from_first = (blocks - first).to(out.dtype).exp_()
    pairs = out.view(*blocks.shape, time)
    torch.mul(from_first[..., None], to_first[:, :, None], out=pairs)
    squares = pairs.view(*blocks.shape, *blocks.shape[1:]).diagonal(dim1=1, dim2=3)
    squares.copy_(_within(blocks, out.dtype).permute(0, 2, 3, 1))
    return out


def _within(sums: Tensor, dtype: torch.dtype) -> Tensor:
    """The same of (..., time), an exponential for each pair."""
    return (sums[..., None] - sums[..., None, :]).to(dtype).exp_().tril_()
