"""Induction heads.

Oracle: a loop over the frames, written from the description of the task: what follows the special symbol.
Tolerances: shares are met within 4 standard errors of the sample.
"""

import math

import pytest
import torch

from clew.data import IGNORE, load

SIZES = {"sequences": 40, "test_sequences": 10}


@pytest.mark.parametrize(
    ("length", "test_length", "symbols"), [(256, None, 15), (16, 64, 15), (3, 5, 40), (9, 9, 4)]
)
def test_frames_are_those_of_the_definition(length, test_length, symbols):
    data = load(
        "induction-heads", {"length": length, "test_length": test_length, "symbols": symbols, **SIZES}
    )
    assert data.channels == (*(f"symbol {s}" for s in range(symbols)), "special")
    for split in (data.train, data.validation, data.test):
        frames = test_length or length if split is data.test else length
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            assert (sequence.sum(1) == 1).all()
            assert ((sequence == 0) | (sequence == 1)).all()
            names = [data.channels[frame.index(1)] for frame in sequence.tolist()]
            assert len(names) == frames
            assert names.count("special") == 2
            assert names[-1] == "special"
            answer = names[names.index("special") + 1]
            assert answer != "special"
            assert target.tolist() == [IGNORE] * (frames - 1) + [int(answer.removeprefix("symbol "))]


def test_sequences_of_another_length_to_test_on_may_be_none():
    data = load("induction-heads", {"length": 8, "test_length": 16, "sequences": 20, "test_sequences": 0})
    assert len(data.test) == 0
    assert len(data.train) + len(data.validation) == 20


def test_places_and_symbols_are_uniform():
    options = {"length": 12, "symbols": 8, "sequences": 4000, "validation": 0, "test_sequences": 0}
    train = load("induction-heads", options).train
    shown = torch.stack(train.inputs).double()
    places = shown[:, :-1, 8].mean(0)
    assert not places[-1]
    assert (places[:-1] - 1 / 10).abs().max() < 4 * math.sqrt(1 / 10 * 9 / 10 / 4000)
    answers = torch.stack(train.targets)[:, -1].bincount(minlength=8) / 4000
    assert (answers - 1 / 8).abs().max() < 4 * math.sqrt(1 / 8 * 7 / 8 / 4000)
    assert (shown[..., :8].sum((0, 1)) / 40000 - 1 / 8).abs().max() < 4 * math.sqrt(1 / 8 * 7 / 8 / 40000)


def test_the_test_length_changes_nothing_of_what_is_learned():
    short, long = (load("induction-heads", {**SIZES, "test_length": length}) for length in (64, 1024))
    assert all(map(torch.equal, short.train.inputs, long.train.inputs))
    assert set(long.test.lengths.tolist()) == {1024}


def test_every_sequence_may_be_used_up_and_none_twice():
    """Of length 4 with two symbols: two places, two symbols at the other two: 8."""
    data = load("induction-heads", {"length": 4, "symbols": 2, "sequences": 6, "test_sequences": 2})
    rows = [x.argmax(1).tolist() for split in (data.train, data.validation, data.test) for x in split.inputs]
    assert len({tuple(row) for row in rows}) == len(rows) == 8


def test_the_draw_does_not_change():
    options = {"length": 6, "sequences": 2, "test_sequences": 0, "validation": 0}
    assert [x.argmax(1).tolist() for x in load("induction-heads", options).train.inputs] == [
        [11, 4, 4, 15, 6, 15],
        [1, 9, 2, 15, 7, 15],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 2}, "'length' is at least 3, got 2"),
        ({"test_length": 2}, "'test_length' is at least 3, got 2"),
        ({"symbols": 1}, "'symbols' is at least 2, got 1"),
        ({"sequences": 0}, "'sequences' is at least 1, got 0"),
        ({"length": 4, "symbols": 2, "sequences": 9}, "there are 8 sequences of length 4 with 2 symbols"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        load("induction-heads", options)
