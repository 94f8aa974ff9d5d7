"""What is done to the logits before a token is drawn.

Oracle: the processors of the package ``transformers``. Tolerances: none, the same tokens stay with the same
logits; the order of the steps is that of its ``generate``.
"""

import pytest
import torch
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from clew.models.generation import Sampling
from clew.models.generation.draw import draw
from clew.models.generation.filters import keep_top_k, keep_top_p, penalise

BATCH, TOKENS = 5, 50


@pytest.fixture
def logits(seed) -> torch.Tensor:
    """Of both signs, with ties, one row all equal and one with a token that is certain."""
    generator = torch.Generator().manual_seed(seed)
    drawn = (3 * torch.randn(BATCH, TOKENS, generator=generator) * 4).round() / 4
    drawn[3] = 0.5
    drawn[4, 7] = 100
    return drawn


@pytest.mark.parametrize("k", [1, 2, 10, TOKENS, 1000])
def test_top_k(logits, k):
    assert torch.equal(keep_top_k(logits, k), TopKLogitsWarper(k)(None, logits))


@pytest.mark.parametrize("p", [1e-9, 0.1, 0.5, 0.9, 0.999])
def test_top_p(logits, p):
    assert torch.equal(keep_top_p(logits, p), TopPLogitsWarper(p)(None, logits))


@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.3])
def test_repetition_penalty(logits, penalty):
    text = torch.randint(TOKENS, (BATCH, 20))
    seen = torch.zeros(BATCH, TOKENS, dtype=torch.bool).scatter(1, text, True)
    expected = RepetitionPenaltyLogitsProcessor(penalty)(text, logits.clone())
    assert torch.equal(penalise(logits, seen, penalty), expected)


def test_all_together_in_the_order_of_transformers(logits, seed):
    """Of many draws, the tokens that come are those that its processors, one after another, leave."""
    text = torch.randint(TOKENS, (BATCH, 20), generator=torch.Generator().manual_seed(seed))
    seen = torch.zeros(BATCH, TOKENS, dtype=torch.bool).scatter(1, text, True)
    logits[3] += torch.arange(TOKENS) / 50  # ties at a border may be rounded apart
    left = RepetitionPenaltyLogitsProcessor(1.7)(text, logits.clone())
    for step in (TemperatureLogitsWarper(2.5), TopKLogitsWarper(6), TopPLogitsWarper(0.8)):
        left = step(text, left)
    draws = 400
    tokens = draw(
        logits.repeat(draws, 1),
        seen.repeat(draws, 1),
        Sampling(2.5, 6, 0.8, 1.7),
        torch.full((BATCH * draws,), seed),
        torch.arange(BATCH * draws),
    ).view(draws, BATCH)
    for row in range(BATCH):
        assert set(tokens[:, row].tolist()) == set(torch.isfinite(left[row]).nonzero()[:, 0].tolist())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": -0.1}, "temperature is 0 or more; got -0.1"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"top_k": -1}, "top_k is 0"),
        ({"top_p": 0.0}, "top_p is more than 0 and at most 1; got 0.0"),
        ({"top_p": 1.1}, "top_p"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is more than 0"),
    ],
)
def test_numbers_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**change)
