"""A model's state in one piece of memory, and still what every model takes."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import torch
from torch import Tensor

from clew.nn.backbone import States

__all__ = ["PackedState", "packed_state"]

Shapes = tuple[tuple[int, ...], ...]


class PackedState(Sequence[tuple[Tensor, ...]]):
    """The states of a model's blocks, all of whose tensors are views of one; made when they are looked at.

    Decoding hands them from step to step unopened: views of some fifty tensors take as long as a twentieth of
    a step of a model of a hundred million weights.

    Args:
        packed: (batch, numbers): the tensors of each row one after the other.
        shapes: of the tensors of a row.
        kinds: the named tuple of each block.

    >>> from clew.nn.mamba import MambaState
    >>> state = PackedState(torch.arange(20.0).view(2, 10), ((3, 2), (2, 2)), (MambaState,))
    >>> state[0].scan[1].tolist()
    [[16.0, 17.0], [18.0, 19.0]]
    """

    def __init__(self, packed: Tensor, shapes: Shapes, kinds: Sequence[type[Any]]) -> None:
        self.packed, self.shapes, self._kinds = packed, shapes, kinds

    @cached_property
    def _blocks(self) -> tuple[Any, ...]:
        batch = len(self.packed)
        parts = torch.split(self.packed, [math.prod(shape) for shape in self.shapes], 1)
        leaves = iter([part.view(batch, *shape) for part, shape in zip(parts, self.shapes, strict=True)])
        return tuple(kind(*(next(leaves) for _ in kind._fields)) for kind in self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    @overload
    def __getitem__(self, block: int) -> tuple[Tensor, ...]: ...

    @overload
    def __getitem__(self, block: slice) -> tuple[tuple[Tensor, ...], ...]: ...

    def __getitem__(self, block: int | slice) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._blocks[block]
        return found

    def __repr__(self) -> str:
        return repr(self._blocks)


def packed_state(state: States, shapes: Shapes) -> Tensor:
    """The state in one tensor (batch, numbers) float32; no copy of one that lies so already.

    Args:
        state: the blocks' states, batch first.
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
