"""The next token from its probabilities.

Oracles: the probabilities themselves, by Pearson's chi-square; the greedy choice; exact limits.
Tolerances: TOLERANCES.
"""

import itertools

import pytest
import torch
from scipy import stats

from clew.models.generation import Sampling
from clew.models.generation.draw import draw, uniform

TOLERANCES = {
    # Seeds are fixed, so that a right sampler passes always; of so many draws a wrong one's is nearly 0.
    "p-value": 1e-3,
}
DRAWS = 10_000


def drawn(logits, sampling, seeds, first=0):
    """One token for each seed, from the same logits (token,)."""
    rows = logits.expand(len(seeds), -1)
    count = torch.full((len(seeds),), first)
    return draw(rows, torch.zeros_like(rows, dtype=torch.bool), sampling, torch.as_tensor(seeds), count)


def fits(tokens, probabilities):
    counts = torch.bincount(tokens, minlength=len(probabilities)).double()
    possible = probabilities > 0
    assert not counts[~possible].any()
    expected = probabilities[possible] * len(tokens)
    assert expected.min() > 5  # or the statistic is none
    return stats.chisquare(counts[possible], expected).pvalue > TOLERANCES["p-value"]


@pytest.mark.parametrize("along", ["the numbers of a seed", "the first numbers of seeds"])
def test_random_numbers_are_uniform(along):
    by_seed = along == "the numbers of a seed"
    numbers = [uniform(3, k) if by_seed else uniform(k, 0) for k in range(DRAWS)]
    assert 0 <= min(numbers) < max(numbers) < 1
    assert stats.kstest(numbers, "uniform").pvalue > TOLERANCES["p-value"]
    pairs = torch.tensor([int(4 * a) * 4 + int(4 * b) for a, b in itertools.pairwise(numbers)])
    assert fits(pairs, torch.full((16,), 1 / 16))


def test_a_random_number_is_the_published_generator_s():
    """Philox4x64-10 with key 0 and counter 0: the first of the known answers of Salmon et al.'s code.

    numpy counts up before it gives the first block, so the one of counter 0 is that of counter 2²⁵⁶ − 1 here.
    """
    import numpy as np

    (word,) = np.random.Philox(key=0, counter=2**256 - 1).random_raw(1)
    assert int(word) == 0x16554D9ECA36314C


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.5),
        Sampling(temperature=3.0),
        Sampling(top_k=4),
        Sampling(top_p=0.7),
        Sampling(temperature=1.5, top_k=6, top_p=0.9),
    ],
    ids=str,
)
def test_tokens_come_as_often_as_is_probable(sampling):
    logits = torch.tensor([0.3, -1.0, 2.0, 1.5, -0.5, 0.0, 1.0, 0.9])
    probabilities = (logits.double() / sampling.temperature).softmax(-1)
    if sampling.top_k:
        probabilities[probabilities.argsort(descending=True)[sampling.top_k :]] = 0
        probabilities /= probabilities.sum()
    if sampling.top_p < 1:
        ranked, order = probabilities.sort(descending=True)
        needed = int((ranked.cumsum(0) < sampling.top_p).sum()) + 1
        probabilities[order[needed:]] = 0
        probabilities /= probabilities.sum()
    assert fits(drawn(logits, sampling, range(DRAWS)), probabilities)


def test_a_token_depends_on_the_seed_and_the_count_of_its_row_alone():
    logits = torch.randn(50)
    alone = [int(drawn(logits, Sampling(), [seed], first=4)) for seed in range(20)]
    assert drawn(logits, Sampling(), range(20), first=4).tolist() == alone
    assert len(set(alone)) > 5


def test_without_temperature_it_is_the_most_probable_one():
    logits = torch.randn(6, 50)
    none = torch.zeros(6, dtype=torch.int64)
    seen = torch.zeros_like(logits, dtype=torch.bool)
    assert torch.equal(draw(logits, seen, Sampling(temperature=0), none, none), logits.argmax(-1))
    assert torch.equal(draw(logits, seen, Sampling(temperature=1e-42), none, none), logits.argmax(-1))
    assert torch.equal(draw(logits, seen, Sampling(top_k=1), none, none), logits.argmax(-1))


def test_a_repeated_token_gives_way():
    logits = torch.tensor([[2.0, 1.9, -3.0]])
    none = torch.zeros(1, dtype=torch.int64)
    greedy = Sampling(temperature=0, repetition_penalty=1.2)
    assert draw(logits, torch.tensor([[True, False, False]]), greedy, none, none).tolist() == [1]
    assert draw(logits, torch.tensor([[False, False, True]]), greedy, none, none).tolist() == [0]


@pytest.mark.parametrize("number", [0.0, 1 - 2.0**-53])
def test_the_ends_of_the_random_numbers_give_tokens_that_are_possible(number, monkeypatch):
    monkeypatch.setattr("clew.models.generation.draw.uniform", lambda seed, count: number)
    for size in range(1, 60):
        logits = torch.randn(1, size)
        logits[0, 0] = logits[0, -1] = float("-inf") if size > 2 else 0.0
        none = torch.zeros(1, dtype=torch.int64)
        (token,) = draw(logits, torch.zeros(1, size, dtype=torch.bool), Sampling(), none, none).tolist()
        assert torch.isfinite(logits[0, token])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_an_error(bad, temperature):
    logits = torch.zeros(2, 5)
    logits[1, 3] = bad
    none = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ValueError, match="not finite"):
        draw(logits, torch.zeros(2, 5, dtype=torch.bool), Sampling(temperature), none, none)
