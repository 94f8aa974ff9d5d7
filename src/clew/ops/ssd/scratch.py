"""Memory for intermediate results that is asked for once and used again by every piece."""

import torch
from torch import Tensor

__all__ = ["Scratch"]


class Scratch:
    """Lends tensors by name; what was in them is lost when the name is lent again.

    Asking the system for fresh pages costs more than the arithmetic on them.

    Args:
        like: of what dtype and on what device they are.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._lent: dict[tuple[str, torch.Size], Tensor] = {}

    def lend(self, name: str, shape: torch.Size) -> Tensor:
        """The tensor of this name and shape, contiguous, of undefined values."""
        key = (name, shape)
        if key not in self._lent:
            self._lent[key] = self._like.new_empty(shape)
        return self._lent[key]
