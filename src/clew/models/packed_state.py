"""A model's state in one piece of memory, and still the tuple that every model takes."""

import math
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from clew.nn.backbone import States

__all__ = ["PackedState", "packed_state"]

Shapes = tuple[tuple[int, ...], ...]


class PackedState(tuple[tuple[Tensor, ...], ...]):
    """A tuple over the blocks of their states, all of whose tensors are views of one.

    Attributes:
        packed: (batch, numbers): the tensors of each row one after the other.
        shapes: of the tensors of a row.
    """

    packed: Tensor
    shapes: Shapes

    @classmethod
    def of(cls, packed: Tensor, shapes: Shapes, kinds: Sequence[type[Any]]) -> Self:
        """The state that lies in ``packed``.

        Args:
            packed: (batch, numbers).
            shapes: of the tensors of a row.
            kinds: the named tuple of each block.

        >>> from clew.nn.mamba import MambaState
        >>> state = PackedState.of(torch.arange(20.0).view(2, 10), ((3, 2), (2, 2)), (MambaState,))
        >>> state[0].scan[1].tolist()
        [[16.0, 17.0], [18.0, 19.0]]
        """
        batch = len(packed)
        parts = torch.split(packed, [math.prod(shape) for shape in shapes], 1)
        leaves = iter([part.view(batch, *shape) for part, shape in zip(parts, shapes, strict=True)])
        state = cls(kind(*(next(leaves) for _ in kind._fields)) for kind in kinds)
        state.packed, state.shapes = packed, shapes
        return state


def packed_state(state: States, shapes: Shapes) -> Tensor:
    """The state in one tensor (batch, numbers) float32; no copy of one that lies so already.

    Args:
        state: a tuple over the blocks of their states, batch first.
        shapes: what the tensors of a row have to be.

    Raises:
        ValueError: for tensors of other shapes, or rows of different numbers.
    """
    if isinstance(state, PackedState) and state.shapes == shapes:
        return state.packed
    leaves = [leaf for block in state for leaf in block]
    found = [tuple(leaf.shape[1:]) for leaf in leaves]
    if found != list(shapes) or len({len(leaf) for leaf in leaves}) > 1:
        raise ValueError(
            f"the state is not one of this model: its rows have the shapes {found}; wanted {list(shapes)}"
        )
    return torch.cat([leaf.detach().flatten(1).float() for leaf in leaves], 1)
