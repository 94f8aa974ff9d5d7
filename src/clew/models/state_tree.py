"""A state as named tensors, and back: how it is written to a file, and handed to an exported model."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

__all__ = ["named_leaves", "with_leaves"]


def named_leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a tree of (named) tuples, each with its path.

    Args:
        tree: a tensor, or a tuple of trees.
        prefix: what every path starts with.

    Yields:
        Names such as ``"backbone.0.real"``, and the tensors, in the order of the tree.

    >>> import torch
    >>> from clew.nn import S4D
    >>> [name for name, _ in named_leaves((S4D(4).initial_state(1), torch.zeros(1)), "state")]
    ['state.0.real', 'state.0.imag', 'state.1']
    """
    if isinstance(tree, Tensor):
        yield prefix, tree
        return
    fields = getattr(tree, "_fields", range(len(tree)))
    for field, branch in zip(fields, tree, strict=True):
        yield from named_leaves(branch, f"{prefix}.{field}" if prefix else str(field))


def with_leaves(like: Any, leaves: Mapping[str, Tensor], prefix: str = "") -> Any:
    """A tree of the structure of ``like`` with the tensors ``leaves``, which :func:`named_leaves` names.

    Raises:
        KeyError: for a name that is missing.
    """
    if isinstance(like, Tensor):
        return leaves[prefix]
    fields = getattr(like, "_fields", range(len(like)))
    branches = [
        with_leaves(branch, leaves, f"{prefix}.{field}" if prefix else str(field))
        for field, branch in zip(fields, like, strict=True)
    ]
    return type(like)(*branches) if hasattr(like, "_fields") else tuple(branches)
