"""Selective copying.

Oracle: a loop over the frames, written from the description of the task, that writes down what is not noise.
Tolerances: shares and means are met within 4 standard errors of the sample.
"""

import math

import pytest
import torch

from clew.data import IGNORE, load

SIZES = {"sequences": 40, "test_sequences": 10}


@pytest.mark.parametrize(
    ("length", "memorize", "symbols"), [(256, 16, 14), (5, 5, 5), (7, 1, 60), (12, 3, 6)]
)
def test_frames_are_those_of_the_definition(length, memorize, symbols):
    data = load("selective-copying", {"length": length, "memorize": memorize, "symbols": symbols, **SIZES})
    assert data.channels == (*(f"symbol {s}" for s in range(symbols)), "noise", "recall")
    for split in (data.train, data.validation, data.test):
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            assert (sequence.sum(1) == 1).all()
            assert ((sequence == 0) | (sequence == 1)).all()
            seen = []
            for frame in sequence.tolist()[:length]:
                shown = data.channels[frame.index(1)]
                assert shown != "recall"
                if shown != "noise":
                    seen.append(int(shown.removeprefix("symbol ")))
            assert len(seen) == memorize
            assert sequence.argmax(1)[length:].tolist() == [symbols + 1] * memorize
            assert target.tolist() == [IGNORE] * length + seen


def test_places_and_symbols_are_uniform():
    """A frame shows a symbol with probability M / L; all symbols alike."""
    options = {"length": 20, "memorize": 5, "symbols": 8, "sequences": 4000, "validation": 0}
    shown = torch.stack(load("selective-copying", options).train.inputs)[:, :20].double()
    by_place = shown[..., :8].sum(-1).mean(0)
    assert (by_place - 5 / 20).abs().max() < 4 * math.sqrt(5 / 20 * 15 / 20 / 4000)
    by_symbol = shown[..., :8].sum((0, 1)) / 20000
    assert (by_symbol - 1 / 8).abs().max() < 4 * math.sqrt(1 / 8 * 7 / 8 / 20000)


def test_the_draw_does_not_change():
    options = {"length": 6, "memorize": 3, "sequences": 2, "test_sequences": 0, "validation": 0}
    shown = [sequence.argmax(1)[:6].tolist() for sequence in load("selective-copying", options).train.inputs]
    assert shown == [[13, 3, 14, 14, 9, 14], [14, 3, 14, 11, 8, 14]]


def test_the_published_size():
    """Gu and Dao (2023), appendix E.1: length 4096, 16 symbols to remember, a vocabulary of 16."""
    data = load("selective-copying", {"length": 4096, "sequences": 4, "test_sequences": 1})
    assert data.d_input == 16
    assert int((data.train.targets[0] != IGNORE).sum()) == 16
    assert len(data.train.inputs[0]) == 4096 + 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "'length' is at least 1, got 0"),
        ({"memorize": 0}, "'memorize' is at least 1, got 0"),
        ({"length": 8, "memorize": 9}, "'memorize' is at most 'length', 8, got 9"),
        ({"symbols": 1}, "'symbols' is at least 2, got 1"),
        ({"sequences": 0}, "'sequences' is at least 1, got 0"),
        ({"test_sequences": -1}, "'test_sequences' is at least 0, got -1"),
        ({"memorize": 2}, "14 symbols make 196 patterns of length 2, fewer than the 2500 sequences"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        load("selective-copying", options)
