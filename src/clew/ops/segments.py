"""Several sequences packed into one row: where each begins."""

import torch
from torch import Tensor

__all__ = ["reset_mask"]


def reset_mask(segments: Tensor, batch: int, time: int) -> Tensor:
    """Where the state starts anew: reset[b, k] = segments[b, k] ≠ segments[b, k−1], and reset[b, 0] is false.

    Sample 0 continues the given state whatever its number is; each later sample with a new number starts at
    zero.

    Args:
        segments: (batch, time), any integer dtype: the number of the sequence that each sample belongs to.
        batch: the wanted size.
        time: the wanted size.

    Returns:
        (batch, time), bool.

    Raises:
        ValueError: if the shape or the dtype is another.

    >>> reset_mask(torch.tensor([[7, 7, 8, 7]]), 1, 4).tolist()
    [[False, False, True, True]]
    """
    if segments.shape != (batch, time):
        raise ValueError(
            f"segments has shape {tuple(segments.shape)}; wanted (batch, time) = ({batch}, {time}), "
            "the number of each sample's sequence"
        )
    if segments.is_floating_point() or segments.is_complex():
        raise ValueError(f"segments has dtype {segments.dtype}; wanted integers")
    changes = segments[:, 1:] != segments[:, :-1]
    return torch.cat((changes.new_zeros(batch, min(time, 1)), changes), dim=1)
