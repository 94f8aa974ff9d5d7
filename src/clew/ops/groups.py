"""Channels or heads in groups that share something."""

from torch import Tensor

__all__ = ["in_groups"]


def in_groups(tensor: Tensor, dim: int, groups: int) -> Tensor:
    """A view in which the axis ``dim`` is two: the group, and the place in the group.

    >>> import torch
    >>> in_groups(torch.arange(4), 0, 2).tolist()
    [[0, 1], [2, 3]]
    """
    view: Tensor = tensor.unflatten(dim, (groups, tensor.shape[dim] // groups))  # type: ignore[no-untyped-call]
    return view
