"""Packed sequences through a dense system per channel, in chunks of √time samples.

The state goes from chunk to chunk and the kernel works within a chunk, both cut where a sequence starts.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from clew.maths.matrix_powers import final_state, orbit, squares

__all__ = ["DenseSystem", "scan"]


class DenseSystem(NamedTuple):
    """A discrete system on a real state: A (channel, N, N), B and C (channel, N), D (channel,)."""

    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor


def scan(
    system: DenseSystem, u: Tensor, state: Tensor, lengths: Tensor | None, segments: Tensor | None
) -> tuple[Tensor, Tensor]:
    """h[k] = A h[k−1] + B u[k], y[k] = C h[k] + D u[k], from h = 0 wherever the segment's number changes.

    With chunks of S samples it is log₂ S passes over ``u`` and a loop over the time/S chunks, each of one
    product of matrices.

    Args:
        system: float64; powers of A are formed in it and rounded to the dtype of ``u``.
        u: (batch, time, channel), time ≥ 1; zero past each row's length.
        state: (batch, channel, N): before sample 0.
        lengths: (batch,); time unless given.
        segments: (batch, time); one unless given.

    Returns:
        y (batch, time, channel) and the state at each row's length.
    """
    batch, time, _ = u.shape
    size = 1 << ((time - 1).bit_length() // 2)
    count = -(-time // size)
    powers = squares(system.A, size.bit_length())
    rounded = tuple(power.to(u.dtype) for power in powers)
    reach = orbit(system.B[:, None], tuple(power.mT for power in powers), size)[:, 0]
    observe = orbit(system.C[:, None], powers, size)[:, 0]
    taps = (observe @ system.B[..., None])[..., 0].to(u.dtype)
    chunks = pad(u, (0, 0, 0, count * size - time)).permute(2, 0, 1).reshape(-1, batch, count, size)
    number = _sequences(u, segments, count * size).view(batch, count, size)
    last = number[..., -1]
    before = pad(last[:, :-1], (1, 0))  # the number at a chunk's start; the first is 0
    added = torch.where(number == last[..., None], chunks, 0.0) @ reach.flip(1).to(u.dtype)[:, None]
    h, starts = state.transpose(0, 1), []
    for chunk in range(count):
        starts.append(h)
        kept = (last == before)[:, chunk, None]
        h = torch.where(kept, h @ rounded[-1].mT, 0.0) + added[:, :, chunk]
    start = torch.stack(starts, dim=2)
    free = start @ (observe @ system.A).to(u.dtype).mT[:, None]
    y = torch.where(number == before[..., None], free, 0.0) + _within(chunks, number, taps)
    y = y.flatten(2)[..., :time].permute(1, 2, 0) + system.D.to(u.dtype) * u
    if lengths is None:
        lengths = torch.full((batch,), time, device=u.device)
    return y, _final(chunks, number, before, start, lengths, rounded, system.B.to(u.dtype))


def _within(chunks: Tensor, number: Tensor, taps: Tensor) -> Tensor:
    """Σ taps[l] u[k−l] over what is of the chunk and the sequence of sample k: (channel, batch, count, size).

    From the left half of a block of samples to its right half only the sequence counts that the left half
    ends in: a mask on both sides of a product with one Toeplitz matrix. So for blocks of 2, 4, …, size.
    """
    size = chunks.shape[-1]
    y = taps[:, None, None, :1] * chunks
    for half in (1 << level for level in range(size.bit_length() - 1)):
        lag = half + torch.arange(half, device=taps.device)[:, None] - torch.arange(half, device=taps.device)
        left, right = chunks.view(*chunks.shape[:-1], -1, 2, half).unbind(-2)
        numbers, others = number.view(*number.shape[:-1], -1, 2, half).unbind(-2)
        crossing = numbers[..., -1:]
        sent = torch.where(numbers == crossing, left, 0.0).flatten(1, 3) @ taps[:, lag].mT
        received = torch.where(others == crossing, sent.view(right.shape), 0.0)
        y = y + torch.stack((torch.zeros_like(received), received), dim=-2).flatten(-3)
    return y


def _sequences(u: Tensor, segments: Tensor | None, size: int) -> Tensor:
    """Which sequence of its row each sample belongs to, from 0: (batch, size)."""
    batch, time, _ = u.shape
    if segments is None:
        return torch.zeros(batch, size, dtype=torch.int64, device=u.device)
    changes = (segments[:, 1:] != segments[:, :-1]).long().cumsum(1)
    number = pad(changes, (1, 0))
    return torch.cat((number, number[:, -1:].expand(-1, size - time)), dim=1)


def _final(
    chunks: Tensor,
    number: Tensor,
    before: Tensor,
    start: Tensor,
    lengths: Tensor,
    powers: tuple[Tensor, ...],
    B: Tensor,
) -> Tensor:
    """The state at each row's length: from the start of its chunk on, what is of the sequence it ends in."""
    batch, size = len(lengths), chunks.shape[-1]
    row = torch.arange(batch, device=chunks.device)
    which = (lengths - 1).clamp(min=0) // size
    rest = lengths - which * size
    own, numbers = chunks[:, row, which].permute(1, 2, 0), number[row, which]
    ending = numbers.gather(1, (rest - 1).clamp(min=0)[:, None])
    goes_on = (ending == before[row, which][:, None])[..., None]
    own = torch.where((numbers == ending)[..., None], own, 0.0)
    h = torch.where(goes_on, start[:, row, which].transpose(0, 1), 0.0)
    return final_state(own, powers, B, rest, initial_state=h)
