"""The copying task.

Oracle: the publication's layout, written frame by frame as a plain loop over symbols.
Tolerances: chance is met within 4 standard errors of the sample.
"""

import math

import pytest
import torch

from clew.data import IGNORE, load


def _by_definition(pattern: list[int], delay: int, symbols: int) -> tuple[list[int], list[int]]:
    """Shown and wanted, frame by frame: Arjovsky et al. 2016 with K = len(pattern), T = delay."""
    blank, recall = symbols, symbols + 1
    shown = pattern + [blank] * (delay - 1) + [recall] + [blank] * len(pattern)
    wanted = [IGNORE] * (delay + len(pattern)) + pattern
    assert len(shown) == len(wanted) == delay + 2 * len(pattern)
    return shown, wanted


@pytest.mark.parametrize(("length", "delay", "symbols"), [(10, 50, 8), (1, 1, 40), (3, 1, 6), (4, 7, 5)])
def test_frames_are_those_of_the_definition(length, delay, symbols):
    sizes = {"sequences": 20, "test_sequences": 10}
    data = load("delayed-copy", {"length": length, "delay": delay, "symbols": symbols, **sizes})
    assert data.channels == (*(f"symbol {s}" for s in range(symbols)), "blank", "recall")
    for split in (data.train, data.validation, data.test):
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            assert (sequence.sum(1) == 1).all()
            assert ((sequence == 0) | (sequence == 1)).all()
            shown, wanted = _by_definition(sequence.argmax(1)[:length].tolist(), delay, symbols)
            assert sequence.argmax(1).tolist() == shown
            assert target.tolist() == wanted


def test_sizes():
    data = load("delayed-copy", {"sequences": 100, "test_sequences": 30, "validation": 0.1})
    assert (len(data.train), len(data.validation), len(data.test)) == (90, 10, 30)
    assert len(load("delayed-copy", {"sequences": 9, "test_sequences": 0, "validation": 0}).test) == 0


def test_symbols_are_uniform():
    data = load("delayed-copy", {"sequences": 4000, "validation": 0})
    asked = torch.cat([target[target != IGNORE] for target in data.train.targets])
    for symbol in range(8):
        share = (asked == symbol).double().mean().item()
        assert abs(share - 1 / 8) < 4 * math.sqrt(1 / 8 * 7 / 8 / len(asked))


def test_every_pattern_may_be_used_up_and_none_twice():
    data = load("delayed-copy", {"length": 3, "symbols": 3, "sequences": 20, "test_sequences": 7})
    patterns = {
        tuple(target[target != IGNORE].tolist())
        for split in (data.train, data.validation, data.test)
        for target in split.targets
    }
    assert len(patterns) == 27


def test_the_draw_does_not_change():
    data = load("delayed-copy", {"length": 5, "sequences": 2, "test_sequences": 0, "validation": 0})
    assert [target[-5:].tolist() for target in data.train.targets] == [[6, 0, 0, 6, 3], [5, 6, 6, 5, 0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "'length' is at least 1, got 0"),
        ({"delay": 0}, "'delay' is at least 1, got 0"),
        ({"symbols": 1}, "'symbols' is at least 2, got 1"),
        ({"sequences": 0}, "'sequences' is at least 1, got 0"),
        ({"test_sequences": -1}, "'test_sequences' is at least 0, got -1"),
        ({"length": 2}, "8 symbols make 64 patterns of length 2, fewer than the 2500 sequences asked for"),
        ({"length": "ten"}, "'length' is a number"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        load("delayed-copy", options)


def test_sixteen_thousand_frames():
    """T + 2K = 16,384; the blanks and the place of "recall" are the same at any length."""
    data = load("delayed-copy", {"delay": 16364, "sequences": 4, "test_sequences": 1})
    shown, wanted = _by_definition(data.test.inputs[0].argmax(1)[:10].tolist(), 16364, 8)
    assert len(shown) == 16384
    assert data.test.inputs[0].argmax(1).tolist() == shown
    assert data.test.targets[0].tolist() == wanted
