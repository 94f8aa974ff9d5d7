"""Which tokens a step sees: a pure function of seed and step, so that nothing need be kept."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from clew.data import IGNORE, TextSplit

__all__ = ["Rows", "Window", "window"]


class Rows:
    """Where the rows of each step begin in a text of ``count`` tokens.

    Row and target are ``length`` tokens each, the target one token further on. A pass goes through the text
    once and starts at a place of its own, drawn anew, so that rows end elsewhere in each pass; less than two
    rows of tokens are left out of it.

    Without ``carry``, a pass is every row of the text in a random order, and a step takes the next
    ``batch_size`` of them, across the border of two passes too. With it, the text is cut into ``batch_size``
    equal lanes, and the rows of a step are the next ones of each lane.

    Args:
        count: tokens in the text.
        length: tokens in a row.
        batch_size: rows in a step.
        seed: of the run.
        carry: whether the rows of a step go on where those of the step before ended.

    Raises:
        ValueError: if the text is too short.

    >>> Rows(count=100, length=10, batch_size=2, seed=0, carry=True).starts(1) - 10
    array([ 0, 49])
    """

    def __init__(self, count: int, length: int, batch_size: int, seed: int, carry: bool) -> None:
        self._lanes = batch_size if carry else 1
        self._lane = (count - 1) // self._lanes
        rows = self._lane // length
        if rows < 1:
            each = f" for each of {batch_size} rows side by side" if carry else ""
            smaller = "length or batch size" if carry else "length"
            raise ValueError(
                f"the training part has {count:,} tokens: too few for a row of {length:,}{each}; take a "
                f"smaller {smaller}"
            )
        self._rows = max(1, rows - 1)
        self._length, self._batch, self._seed, self._carry = length, batch_size, seed, carry

    def starts(self, step: int) -> np.ndarray:
        """The position (row,) of the first token of each row of ``step``, from 0."""
        if self._carry:
            passed, row = divmod(step, self._rows)
            lanes: np.ndarray = np.arange(self._batch) * self._lane
            return lanes + self._offset(passed) + row * self._length
        numbers = np.arange(step * self._batch, (step + 1) * self._batch)
        starts = np.empty(self._batch, dtype=np.int64)
        for passed in np.unique(numbers // self._rows):
            here = numbers // self._rows == passed
            order = self._generator(passed, 1).permutation(self._rows)
            starts[here] = self._offset(passed) + order[numbers[here] % self._rows] * self._length
        return starts

    def begins(self, step: int) -> bool:
        """Whether the rows of ``step`` go on from no step before."""
        return not self._carry or step % self._rows == 0

    def _offset(self, passed: int) -> int:
        """Where a pass begins in its lane; the first one with carried state begins where the text does."""
        spare = self._lane - self._rows * self._length
        return int(self._generator(passed, 0).integers(spare + 1)) if passed or not self._carry else 0

    def _generator(self, passed: int, what: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, int(passed), what))


class Window(NamedTuple):
    """Rows of a text, side by side.

    Attributes:
        inputs: (row, time) int64: tokens.
        targets: (row, time) int64: the token after each; ``IGNORE`` where a document begins, which nothing
            precedes, and past the end of the text.
        segments: (row, time) int64: the document that each token is in; none where no row has two.
        fresh: (row,) bool: whether a document begins with the row.
    """

    inputs: Tensor
    targets: Tensor
    segments: Tensor | None
    fresh: Tensor


def window(split: TextSplit, starts: np.ndarray, length: int) -> Window:
    """The rows of ``length`` tokens of ``split`` that begin at ``starts``.

    Args:
        split: the text.
        starts: (row,): positions of tokens. Past the end, a row is filled up with tokens that nothing is
            asked of.
        length: tokens in a row.
    """
    places = starts[:, None] + np.arange(length + 1)
    inside = np.minimum(places, len(split) - 1)
    tokens = split.tokens[inside].astype(np.int64)
    documents = split.document_of(inside)
    asked = (documents[:, 1:] == documents[:, :-1]) & (places[:, 1:] < len(split))
    segments = documents[:, :-1]
    single = bool((segments[:, 0] == segments[:, -1]).all())
    fresh = np.isin(starts, split.starts)
    return Window(
        torch.from_numpy(tokens[:, :-1].copy()),
        torch.from_numpy(np.where(asked, tokens[:, 1:], IGNORE)),
        None if single else torch.from_numpy(segments.copy()),
        torch.from_numpy(fresh),
    )
