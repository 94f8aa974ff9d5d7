"""The place that texts have reached: everything that what comes next depends on."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["Context", "over_leaves"]


class Context(NamedTuple):
    """What was read, as far as it matters for what comes next: tensors, a row for each text.

    Its size does not grow with the texts. It is a value: whatever goes on from it leaves it as it is, so it
    can be kept, saved (:func:`clew.models.generation.save`) and gone on from as often as wanted.

    Attributes:
        state: of the model, a tree of tensors.
        logits: (batch, n_tokens): of the next token.
        seen: (batch, n_tokens) bool: which tokens were read, for the repetition penalty.
        seeds: (batch,) int64: of each row's random numbers.
        drawn: (batch,) int64: how many of them were drawn.
    """

    state: Any
    logits: Tensor
    seen: Tensor
    seeds: Tensor
    drawn: Tensor

    def rows(self, rows: Sequence[int]) -> "Context":
        """Some of the texts, in any order, one as often as wanted.

        >>> from clew.models import LanguageModelConfig, build
        >>> from clew.models.generation import read
        >>> model = build(LanguageModelConfig(n_tokens=256, d_model=8, n_layers=1)).eval()
        >>> once = read(model, [list(b"A long introduction")])
        >>> once.rows([0, 0, 0]).seeded(7).seeds  # three continuations, read once
        tensor([7, 8, 9])
        """
        picked = torch.tensor(rows, dtype=torch.int64, device=self.logits.device)
        return Context(*over_leaves(lambda leaf: leaf.index_select(0, picked), self))

    def seeded(self, seed: int) -> "Context":
        """The same place with new random numbers: row r draws those of ``seed`` + r from the first on.

        Raises:
            ValueError: for a negative seed, or one of more than 62 bits.
        """
        if not 0 <= seed < 1 << 62:
            raise ValueError(f"seed is a whole number from 0 to 2**62 - 1; got {seed}")
        seeds = seed + torch.arange(len(self.logits), device=self.logits.device)
        return self._replace(seeds=seeds, drawn=torch.zeros_like(seeds))

    def where(self, rows: Tensor, other: "Context") -> "Context":
        """This place for the rows that are true in ``rows`` (batch,), and that of ``other`` for the rest."""

        def chosen(here: Tensor, there: Tensor) -> Tensor:
            return torch.where(rows.view(-1, *(1,) * (here.dim() - 1)), here, there)

        return Context(*over_leaves(chosen, self, other))


def over_leaves(function: Callable[..., Tensor], *trees: Any) -> Any:
    """A tree of what ``function`` gives for the tensors at the same leaf of each of ``trees``."""
    first = trees[0]
    if isinstance(first, Tensor):
        return function(*trees)
    branches = [over_leaves(function, *parts) for parts in zip(*trees, strict=True)]
    return type(first)(*branches) if hasattr(first, "_fields") else tuple(branches)
