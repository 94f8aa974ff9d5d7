"""The tokens that a model writes, one after another."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from clew.models.generation.context import Context
from clew.models.generation.draw import draw
from clew.models.generation.sampling import Sampling
from clew.models.generation.steps import Steps

__all__ = ["ENDED", "Continuation"]

ENDED = -1
"""What stands in place of the token of a row that has ended."""


class Continuation(Iterator[list[int]]):
    """The next tokens of a batch of texts, drawn and read as they are asked for.

    In memory that does not grow. A row ends with a stop token, which is not one of its tokens and is not
    read; after ``max_new_tokens``; or by :meth:`end`. What a row gives does not depend on the others.

    Args:
        model: what reads token by token, a model or a :class:`clew.models.Decoder` of it; what it computes
            from its parameters alone is computed here, once.
        context: the place to go on from, as :func:`clew.models.generation.read` gives it.
        sampling: how tokens are drawn.
        max_new_tokens: for each row; ``None`` for no end.
        stop_tokens: the tokens that end a row.

    Attributes:
        context: the place that is reached: after the last token that was given out. Going on from there is
            as if nothing had stopped, to the same bits. That of a row that has ended stays.
        ended: for each row, whether it has.

    Raises:
        ValueError: for a negative number of tokens; while iterating, for logits that are not finite.

    >>> from clew.models import LanguageModelConfig, build
    >>> from clew.models.generation import Sampling, read
    >>> _ = torch.manual_seed(0)
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=8, n_layers=1)).eval()
    >>> rows = Continuation(model, read(model, [[1], [2, 3]]), Sampling(temperature=0), max_new_tokens=3)
    >>> [len(tokens) for tokens in rows]  # a token for each row, three times
    [2, 2, 2]
    """

    def __init__(
        self,
        model: Steps,
        context: Context,
        sampling: Sampling | None = None,
        *,
        max_new_tokens: int | None = None,
        stop_tokens: Collection[int] = (),
    ) -> None:
        if max_new_tokens is not None and max_new_tokens < 0:
            raise ValueError(f"max_new_tokens is 0 or more; got {max_new_tokens}")
        self.context = context
        self.ended = [False] * len(context.logits)
        self._sampling = Sampling() if sampling is None else sampling
        self._left = max_new_tokens
        self._stop_tokens = frozenset(stop_tokens)
        step: Callable[..., tuple[Tensor, Any]] = model.step
        constants: Callable[[], Any] | None = getattr(model, "constants", None)
        with torch.inference_mode():
            self._step = step if constants is None else partial(step, constants=constants())

    def end(self, row: int) -> None:
        """End a row: the tokens after the last one are those of the other rows."""
        self.ended[row] = True

    @torch.inference_mode()
    def __next__(self) -> list[int]:
        """The next token of each row; ``ENDED`` for a row that has ended, this very moment or before."""
        if self._left == 0 or all(self.ended):
            raise StopIteration
        before = self.context
        drawn = draw(before.logits, before.seen, self._sampling, before.seeds, before.drawn)
        tokens = [
            ENDED if ended or token in self._stop_tokens else token
            for token, ended in zip(drawn.tolist(), self.ended, strict=True)
        ]
        going = [token != ENDED for token in tokens]
        if not all(going):
            self.ended = [not goes for goes in going]
            if all(self.ended):
                raise StopIteration
        self.context = self._after(before, drawn, going)
        if self._left is not None:
            self._left -= 1
        return tokens

    def _after(self, before: Context, token: Tensor, going: list[bool]) -> Context:
        """The place after one token more in the rows that are going on."""
        logits, state = self._step(token, before.state)
        seen = before.seen.scatter(1, token[:, None], True)
        numbers = before.drawn + 1 if self._sampling.temperature else before.drawn
        after = Context(state, logits, seen, before.seeds, numbers)
        return after if all(going) else after.where(torch.tensor(going, device=logits.device), before)
