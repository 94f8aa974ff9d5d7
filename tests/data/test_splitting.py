"""Which sequences are held out.

Oracle: the rule in words, in exact fractions; for the draw, what numpy gave once, written down here.
Tolerances: none.
"""

import math
from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clew.data.dataset import Split
from clew.data.splitting import hold_out, hold_out_together

CLASSES = ("a", "b", "c")


def _split(targets: list[int]) -> Split:
    """Sequences that know their own index."""
    inputs = tuple(torch.tensor([[float(index)]]) for index in range(len(targets)))
    return Split(inputs, tuple(torch.tensor(target) for target in targets))


def _indices(split: Split) -> list[int]:
    return [int(sequence) for sequence in split.inputs]


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=3),
    hundredths=st.integers(1, 99),
    seed=st.integers(0, 2**40),
)
def test_each_class_gives_its_share(counts, hundredths, seed):
    targets = [kind for kind, count in enumerate(counts) for _ in range(count)][::-1]
    kept, held = hold_out(_split(targets), hundredths / 100, seed=seed, classes=CLASSES)
    assert sorted(_indices(kept) + _indices(held)) == list(range(len(targets)))
    assert _indices(kept) == sorted(_indices(kept))
    assert _indices(held) == sorted(_indices(held))
    for part in (kept, held):
        assert [targets[index] for index in _indices(part)] == [int(target) for target in part.targets]
    got = Counter(int(target) for target in held.targets)
    for kind, count in enumerate(counts):
        exact = Fraction(hundredths, 100) * count
        allowed = {math.floor(exact + Fraction(1, 2))}
        if (exact + Fraction(1, 2)).denominator == 1:  # a half: 0.15 is not 15/100 in binary
            allowed.add(math.floor(exact))
        assert got[kind] in {min(max(number, 1), count - 1) for number in allowed}


def test_thirty_of_a_class_at_the_usual_share():
    _, held = hold_out(_split([0] * 30 + [1] * 30), 0.15, seed=0, classes=CLASSES)
    assert Counter(int(target) for target in held.targets) == {0: 5, 1: 5}


def test_the_draw_does_not_change():
    # A run directory rebuilds its split from the seed, so another draw would train on what it was stopped by.
    split = _split([0, 1, 2] * 8)
    held = [_indices(hold_out(split, 0.25, seed=seed, classes=CLASSES)[1]) for seed in (0, 1)]
    assert held == [[0, 4, 7, 17, 20, 21], [2, 4, 10, 11, 15, 21]]
    assert _indices(hold_out(split, 0.25, seed=0, classes=CLASSES, part="test")[1]) == [0, 6, 10, 14, 16, 23]


def test_frames_with_targets_are_one_group():
    inputs = tuple(torch.zeros(2, 1) for _ in range(10))
    targets = tuple(torch.tensor([index % 2, 0]) for index in range(10))
    kept, held = hold_out(Split(inputs, targets), 0.3, seed=0, classes=CLASSES)
    assert (len(kept), len(held)) == (7, 3)


def test_sequences_with_values_are_one_group():
    inputs = tuple(torch.zeros(2, 1) for _ in range(10))
    targets = tuple(torch.tensor([float(index)]) for index in range(10))
    kept, held = hold_out(Split(inputs, targets), 0.3, seed=0, classes=())
    assert (len(kept), len(held)) == (7, 3)
    with pytest.raises(ValueError, match="the data has only one sequence"):
        hold_out(Split(inputs[:1], targets[:1]), 0.3, seed=0, classes=())


def test_nothing_is_held_out_of_nothing_or_by_no_share():
    split = _split([0, 1, 0])
    kept, held = hold_out(split, 0, seed=0, classes=CLASSES)
    assert (_indices(kept), len(held)) == ([0, 1, 2], 0)
    assert [len(part) for part in hold_out(Split((), ()), 0.5, seed=0, classes=CLASSES)] == [0, 0]


def test_a_class_too_rare():
    with pytest.raises(ValueError, match=r"class 'b' has only one sequence to learn from.*or set test=0"):
        hold_out(_split([0, 0, 1, 0]), 0.2, seed=0, classes=CLASSES, part="test")


def test_a_single_sequence_of_frames():
    with pytest.raises(ValueError, match="the data has only one sequence to learn from"):
        hold_out(Split((torch.zeros(2, 1),), (torch.tensor([0, 1]),)), 0.2, seed=0, classes=CLASSES)


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30), seed=st.integers(0, 2**40))
def test_whole_groups(groups, seed):
    names = set(groups)
    if len(names) < 2:
        with pytest.raises(ValueError, match="there is only one group"):
            hold_out_together(_split([0] * len(groups)), groups, 0.3, seed=seed)
        return
    kept, held = hold_out_together(_split([0] * len(groups)), groups, 0.3, seed=seed)
    assert sorted(_indices(kept) + _indices(held)) == list(range(len(groups)))
    assert _indices(kept) == sorted(_indices(kept))
    assert _indices(held) == sorted(_indices(held))
    of_kept, of_held = ({groups[index] for index in _indices(part)} for part in (kept, held))
    assert not of_kept & of_held
    assert len(of_held) == min(max(math.floor(0.3 * len(names) + 0.5), 1), len(names) - 1)


def test_whole_groups_of_nothing():
    assert [len(part) for part in hold_out_together(_split([]), [], 0.3, seed=0)] == [0, 0]
    assert len(hold_out_together(_split([0, 0]), ["a", "a"], 0, seed=0)[0]) == 2
    with pytest.raises(ValueError, match="'test' is the share held out"):
        hold_out_together(_split([0, 0]), ["a", "b"], 1, seed=0, part="test")
