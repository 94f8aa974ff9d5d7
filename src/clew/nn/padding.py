"""Rows of different lengths in one batch: what lies past a row's length never counts."""

import torch
from torch import Tensor

__all__ = ["continues", "last_valid", "right_aligned", "valid", "zero_padding"]


def valid(lengths: Tensor, time: int) -> Tensor:
    """Which samples count: (batch, time) bool, true before each row's length (batch,)."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def zero_padding(x: Tensor, lengths: Tensor | None) -> Tensor:
    """``x`` (batch, time, channel) with zeros past each row's length; as it is for ``None``."""
    if lengths is None:
        return x
    return torch.where(
        valid(lengths, x.shape[1])[..., None], x, torch.zeros((), dtype=x.dtype, device=x.device)
    )


def continues(segments: Tensor) -> Tensor:
    """Which samples continue the one before, sample 0 the state given: (batch, time) bool."""
    first = torch.ones_like(segments[:, :1], dtype=torch.bool)
    return torch.cat((first, segments[:, 1:] == segments[:, :-1]), dim=1)


def right_aligned(x: Tensor, lengths: Tensor) -> Tensor:
    """Each row of ``x`` (batch, time, channel) moved right to end at its last valid sample; zeros before."""
    time = x.shape[1]
    source = torch.arange(time, device=x.device) - (time - lengths[:, None])
    moved = torch.gather(x, 1, source.clamp(min=0)[..., None].expand_as(x))
    return torch.where(source[..., None] >= 0, moved, torch.zeros((), dtype=x.dtype, device=x.device))


def last_valid(x: Tensor, lengths: Tensor, otherwise: Tensor) -> Tensor:
    """Each row's last valid entry of ``x`` (batch, time, ...); that of ``otherwise`` for length 0."""
    if x.shape[1] == 0:
        return otherwise
    shape = (-1, 1) + (1,) * (x.dim() - 2)
    index = (lengths - 1).clamp(min=0).view(shape).expand(-1, 1, *x.shape[2:])
    picked = torch.gather(x, 1, index).squeeze(1)
    return torch.where((lengths > 0).view(-1, *(1,) * (x.dim() - 2)), picked, otherwise)
