"""What generation needs of whatever computes the next token."""

from typing import Any, Protocol

from torch import Tensor

__all__ = ["Prefills", "Steps"]


class Steps(Protocol):
    """Reads token by token: a :class:`clew.models.LanguageModel`, or a :class:`clew.models.Decoder` of one.

    A state is a tree of (named) tuples of tensors, batch first. Where there is a method ``constants``,
    what it returns is computed once and given to each step as ``constants=``.
    """

    def step(self, token: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read one more token (batch,): the logits (batch, n_tokens) of the one after it, and the state."""


class Prefills(Steps, Protocol):
    """Reads whole prompts as well."""

    training: bool

    def prefill(
        self, tokens: Tensor, state: Any = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Read (batch, time) tokens: the logits (batch, n_tokens) of the ones after them, and the state."""

    def initial_state(self, batch_size: int) -> Any:
        """The state before the first token."""
