"""Rows of different lengths in one batch: which samples count."""

import torch
from torch import Tensor

__all__ = ["valid_samples"]


def valid_samples(lengths: Tensor, batch: int, time: int) -> Tensor:
    """Which samples come before the end of their row: k < lengths[b].

    Args:
        lengths: (batch,), any integer dtype.
        batch: the wanted size.
        time: samples a row.

    Returns:
        (batch, time), bool.

    Raises:
        ValueError: if the shape or the dtype is another.

    >>> valid_samples(torch.tensor([0, 2]), 2, 3).tolist()
    [[False, False, False], [True, True, False]]
    """
    if lengths.shape != (batch,) or lengths.is_floating_point() or lengths.is_complex():
        raise ValueError(
            f"lengths has shape {tuple(lengths.shape)} and dtype {lengths.dtype}; "
            f"wanted (batch,) = ({batch},) integers"
        )
    return torch.arange(time, device=lengths.device) < lengths[:, None]
