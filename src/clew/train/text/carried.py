"""States that go on from one stretch of text to the next."""

from typing import Any

import torch
from torch import Tensor

from clew.models import LanguageModel
from clew.models.state_tree import named_leaves, with_leaves

__all__ = ["gathered", "handed_on", "rows_of_state"]


def handed_on(model: LanguageModel, state: Any, fresh: Tensor) -> Any:
    """``state`` without gradients, with the rows ``fresh`` (row,) bool set to the state before any token."""
    start = dict(named_leaves(model.initial_state(len(fresh))))

    def after(name: str, leaf: Tensor) -> Tensor:
        rows = fresh.to(leaf.device).reshape(-1, *(1,) * (leaf.dim() - 1))
        return torch.where(rows, start[name], leaf.detach())

    return with_leaves(state, {name: after(name, leaf) for name, leaf in named_leaves(state)})


def rows_of_state(state: Any, rows: slice) -> Any:
    """The rows ``rows`` of every tensor of ``state``."""
    return with_leaves(state, {name: leaf[rows] for name, leaf in named_leaves(state)})


def gathered(state: Any, rows: slice, count: int) -> Any:
    """``state``, which is of the rows ``rows`` of ``count``, with zeros for the others: parts that add up."""

    def whole(leaf: Tensor) -> Tensor:
        every = leaf.new_zeros(count, *leaf.shape[1:])
        every[rows] = leaf
        return every

    return with_leaves(state, {name: whole(leaf) for name, leaf in named_leaves(state)})
