"""From a feature for each sample to what the head reads, with what is carried from chunk to chunk."""

from typing import Literal

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.nn.padding import last_valid, zero_padding

__all__ = ["POOLINGS", "pool", "pooled_width"]

POOLINGS = ("mean", "last", "step")

Pooling = Literal["mean", "last", "step"]


def pooled_width(pooling: str, channels: int) -> int:
    """Channels that are carried: none where every sample is answered alone.

    Raises:
        ValueError: for an unknown pooling.
    """
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    return 0 if pooling == "step" else channels


def pool(
    pooling: Pooling, features: Tensor, lengths: Tensor | None, pooled: Tensor, count: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Pool a chunk of features, going on from what was pooled before.

    The sum behind a mean is carried in float64: a float32 sum of a million samples has lost its last digits.

    Args:
        pooling: ``"mean"``, ``"last"`` or ``"step"``.
        features: (batch, time, channel).
        lengths: (batch,), or ``None`` for all of time.
        pooled: (batch, channel) float64: the sum of the samples before, or the last of them; (batch, 0) for
            ``"step"``.
        count: (batch,) int64: how many there were.

    Returns:
        What the head reads, in the dtype of ``features``: (batch, channel), or ``features`` for ``"step"``;
        and ``pooled`` and ``count`` after the chunk. The mean of no sample at all is zero, and so is the
        last of none.
    """
    time = features.shape[1]
    count = count + (time if lengths is None else lengths)
    if pooling == "step":
        return features, pooled, count
    if pooling == "mean":
        pooled = pooled + zero_padding(features, lengths).sum(1, dtype=torch.float64)
        return (pooled / count.clamp(min=1)[:, None]).to(features.dtype), pooled, count
    ends = torch.full_like(count, time) if lengths is None else lengths
    pooled = last_valid(features.double(), ends, pooled)
    return pooled.to(features.dtype), pooled, count
