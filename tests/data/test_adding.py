"""The adding problem.

Oracle: the publication's definition, sequence by sequence in plain Python; the variance of a sum of two
uniform numbers, 1/6.
Tolerances: the baseline is met within 4 standard errors of the sample; sums are float32, rounded once.
"""

import math

import numpy as np
import pytest
import torch

from clew.data import load


@pytest.mark.parametrize("length", [2, 3, 9, 100])
def test_a_target_is_the_sum_of_two_marked_values_one_in_each_half(length):
    data = load("adding", {"length": length, "sequences": 40, "test_sequences": 10})
    assert (data.channels, data.values, data.classes) == (("value", "marker"), ("sum",), ())
    for split in (data.train, data.validation, data.test):
        for sequence, target in zip(split.inputs, split.targets, strict=True):
            values, markers = (channel.tolist() for channel in sequence.T)
            assert len(values) == length
            assert all(0 <= value <= 1 for value in values)
            assert sorted(markers) == [0.0] * (length - 2) + [1.0, 1.0]
            first = markers.index(1.0)
            second = markers.index(1.0, first + 1)
            assert first < length // 2 <= second
            assert target.tolist() == [float(np.float32(values[first] + values[second]))]


def test_every_place_of_each_half_is_marked():
    data = load("adding", {"length": 7, "sequences": 400, "test_sequences": 0})
    places = torch.cat([sequence[:, 1].nonzero()[:, 0][None] for sequence in data.train.inputs])
    assert set(places[:, 0].tolist()) == {0, 1, 2}
    assert set(places[:, 1].tolist()) == {3, 4, 5, 6}


def test_the_mean_is_one_and_its_mean_squared_error_a_sixth():
    data = load("adding", {"sequences": 4000, "validation": 0})
    sums = torch.cat(data.train.targets).double()
    # The fourth central moment of the sum, 2 · 1/80 + 6 / 144, gives the spread of the variance.
    assert abs(sums.mean().item() - 1) < 4 * math.sqrt(1 / 6 / 4000)
    assert abs((sums - 1).square().mean().item() - 1 / 6) < 4 * math.sqrt((1 / 40 + 1 / 24 - 1 / 36) / 4000)
    assert data.target_mean.item() == pytest.approx(sums.mean().item(), rel=1e-6)
    assert data.target_std.item() == pytest.approx(sums.numpy().std(), rel=1e-6)


def test_values_are_uniform():
    data = load("adding", {"sequences": 100, "validation": 0})
    values = torch.cat([sequence[:, 0] for sequence in data.train.inputs]).double()
    shares = torch.histc(values, 10, 0, 1) / len(values)
    assert (shares - 0.1).abs().max().item() < 4 * math.sqrt(0.1 * 0.9 / len(values))


def test_the_draw_does_not_change():
    data = load("adding", {"length": 3, "sequences": 2, "test_sequences": 0, "validation": 0})
    assert [sequence.tolist() for sequence in data.train.inputs] == [
        [[0.31828874349594116, 1.0], [0.763424277305603, 0.0], [0.806576669216156, 1.0]],
        [[0.6402956247329712, 1.0], [0.29716670513153076, 0.0], [0.2152717411518097, 1.0]],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 1}, "'length' is at least 2, got 1"),
        ({"sequences": 0}, "'sequences' is at least 1, got 0"),
        ({"test_sequences": -1}, "'test_sequences' is at least 0, got -1"),
        ({"length": "ten"}, "'length' is a number"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        load("adding", options)
