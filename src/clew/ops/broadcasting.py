"""What leading dimensions broadcast to."""

from collections.abc import Mapping

import torch

__all__ = ["leading_shape"]


def leading_shape(shapes: Mapping[str, torch.Size]) -> torch.Size:
    """What the leading dimensions of several arguments broadcast to.

    Args:
        shapes: leading dimensions by the argument's name (for the message).

    Raises:
        ValueError: if they do not broadcast.

    >>> leading_shape({"A": torch.Size([2, 1]), "inputs": torch.Size([3])})
    torch.Size([2, 3])
    """
    try:
        return torch.Size(torch.broadcast_shapes(*shapes.values()))  # type: ignore[no-untyped-call]
    except RuntimeError:
        given = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
        raise ValueError(f"the leading dimensions do not broadcast: {given}") from None
