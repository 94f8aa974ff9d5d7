"""From logits to the next tokens, each row with random numbers of its own."""

import numpy as np
import torch
from torch import Tensor

from clew.models.generation.filters import keep_top_k, keep_top_p, penalise
from clew.models.generation.sampling import Sampling

__all__ = ["draw", "uniform"]


def uniform(seed: int, number: int) -> float:
    """The ``number``-th random number of ``seed``, at least 0 and below 1, in steps of 2⁻⁵³.

    It depends on these two alone: so a row draws the same whoever its neighbours are, and where a text
    stopped, two integers are the whole state.

    Source: Philox4x64-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), with the key
    ``seed`` and the counter ``number``: the first of its four words.
    """
    (word,) = np.random.Philox(key=seed, counter=number).random_raw(1)
    return int(word >> np.uint64(11)) * 2.0**-53


def draw(logits: Tensor, seen: Tensor, sampling: Sampling, seeds: Tensor, drawn: Tensor) -> Tensor:
    """The next token of each row.

    Args:
        logits: (batch, token).
        seen: (batch, token) bool: the tokens that the text has already.
        sampling: how to draw.
        seeds: (batch,) int64.
        drawn: (batch,) int64: how many random numbers were drawn before.

    Returns:
        (batch,) int64: the first token whose cumulative probability, in float64, is above the random number.

    Raises:
        ValueError: for logits that are NaN or infinite.
    """
    if sampling.repetition_penalty != 1:
        logits = penalise(logits, seen, sampling.repetition_penalty)
    highest, token = logits.max(-1)
    if not bool(torch.isfinite(highest).all()):
        raise ValueError("the model's logits are not finite: its weights, or its state, are damaged")
    if sampling.temperature == 0:
        return token
    # Differences first: divided by a low temperature the logits themselves would overflow.
    logits = (logits - highest[:, None]) / sampling.temperature
    if sampling.top_k:
        logits = keep_top_k(logits, sampling.top_k)
    if sampling.top_p < 1:
        logits = keep_top_p(logits, sampling.top_p)
    cumulative = logits.double().exp().cumsum(-1)
    total = cumulative[..., -1:]
    numbers = [uniform(*row) for row in zip(seeds.tolist(), drawn.tolist(), strict=True)]
    place = torch.tensor(numbers, dtype=torch.float64, device=logits.device)[:, None] * total
    # A product that was rounded up to the total would be above every cumulative probability.
    place = torch.minimum(place, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(cumulative, place, right=True)[:, 0]
