"""How many bits a language model takes for each byte of a text."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from clew.data import IGNORE, TextSplit
from clew.models import LanguageModel
from clew.train.evaluate import evaluating
from clew.train.text.carried import handed_on
from clew.train.text.rows import window

__all__ = ["TextEvaluation", "evaluate_text", "nats"]

CHUNK = 512
"""Tokens that are read at a time in each lane; no result depends on it, but for rounding."""

MOST_LOGITS = 2**23
"""No more numbers than these are held as logits at a time."""


@dataclass(frozen=True)
class TextEvaluation:
    """How good a language model is on a text.

    Attributes:
        nats: the whole code length, −Σ ln p.
        tokens: how many there were.
        n_bytes: how many bytes the text has.
    """

    nats: float
    tokens: int
    n_bytes: int

    @property
    def bits_per_byte(self) -> float:
        """The code length in bits for each byte of the text, whatever its tokens: −Σ log₂ p / bytes."""
        return self.nats / math.log(2) / self.n_bytes

    @property
    def loss(self) -> float:
        """The mean cross entropy of a token, in nats."""
        return self.nats / self.tokens


def evaluate_text(model: LanguageModel, split: TextSplit, lanes: int = 1) -> TextEvaluation:
    """Measure ``model`` on ``split``, on the model's own device.

    The text is read once from end to end, the state carried on from chunk to chunk, so that each token is
    predicted from everything before it in its document. The first token of a document, which nothing comes
    before, takes log₂ n_tokens bits: 8 for a byte. So every byte is paid for, and the code length is that of
    a compressor that was given the model.

    Args:
        model: left as it was found, in training or in evaluation mode.
        split: the text.
        lanes: so many stretches of the text are read side by side, which is faster; each but the first
            starts in the middle of the text without a memory of what came before, and so takes a few bits
            more.

    Raises:
        ValueError: if there is nothing to measure, or ``lanes`` is below 1.
    """
    if not len(split):
        raise ValueError("there is nothing to evaluate: the text is empty")
    if lanes < 1:
        raise ValueError(f"lanes is at least 1, got {lanes}")
    firsts = len(split.starts) * math.log(model.config.n_tokens)
    return TextEvaluation(nats(model, split, lanes, range(lanes)) + firsts, len(split), split.n_bytes)


def nats(model: LanguageModel, split: TextSplit, lanes: int, chosen: range) -> float:
    """The code length, in nats, of all tokens in some lanes but the first of each document.

    Args:
        model: as in :func:`evaluate_text`.
        split: the text.
        lanes: how many lanes of equal length the text is cut into.
        chosen: which of them to read.

    Returns:
        The sum, in float64 from the logits on.
    """
    lane = -(-len(split) // lanes)
    starts = np.array(chosen, dtype=np.int64) * lane
    starts = starts[starts < len(split)]
    if not len(starts):
        return 0.0
    device = model.embedding.weight.device
    chunk = max(1, min(CHUNK, MOST_LOGITS // (len(starts) * model.config.n_tokens)))
    total, state = torch.zeros((), dtype=torch.float64, device=device), None
    with evaluating(model):
        for place in range(0, lane, chunk):
            inputs, targets, segments, fresh = window(split, starts + place, min(chunk, lane - place))
            if state is not None:
                state = handed_on(model, state, fresh)
            logits, state = model(
                inputs.to(device), state, segments=None if segments is None else segments.to(device)
            )
            total += functional.cross_entropy(
                logits.flatten(0, 1).double(),
                targets.flatten().to(device),
                ignore_index=IGNORE,
                reduction="sum",
            )
    return float(total)
