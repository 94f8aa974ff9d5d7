"""How much memory a stream holds on to: the bytes of its state."""

from typing import Any

from torch import Tensor

from clew.models import LanguageModel, SequenceModel

__all__ = ["state_bytes", "tree_bytes"]


def state_bytes(model: SequenceModel | LanguageModel) -> int:
    """What one stream of ``model`` keeps between two samples, in bytes, counted tensor by tensor.

    The weights and the constants computed from them are shared by all streams and not counted.
    """
    return tree_bytes(model.initial_state(1))


def tree_bytes(tree: Any) -> int:
    """The bytes of the tensors at the leaves of nested tuples.

    >>> import torch
    >>> tree_bytes((torch.zeros(2, 3), (torch.zeros(4, dtype=torch.float64),)))
    56
    """
    if isinstance(tree, Tensor):
        return tree.numel() * tree.element_size()
    return sum(tree_bytes(branch) for branch in tree)
