"""What a step computes from the parameters alone, as numbers in an exported model."""

from typing import Any

from torch import Tensor, nn

from clew.models.state_tree import named_leaves, with_leaves

__all__ = ["Constants"]


class Constants(nn.Module):
    """A tree of tensors kept as buffers, so that they are written with the weights and not computed again.

    Args:
        tree: what ``constants()`` of a mixer or a model returned.
    """

    def __init__(self, tree: Any) -> None:
        super().__init__()
        self._like = tree
        for name, leaf in named_leaves(tree):
            self.register_buffer(_buffer(name), leaf.detach().clone())

    def forward(self) -> Any:
        """The tree."""
        leaves: dict[str, Tensor] = {
            name: self.get_buffer(_buffer(name)) for name, _ in named_leaves(self._like)
        }
        return with_leaves(self._like, leaves)


def _buffer(name: str) -> str:
    return name.replace(".", "_")  # a buffer's name has no dots
