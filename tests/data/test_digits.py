"""The digits that scikit-learn ships, as sequences.

Oracle: ``sklearn.datasets.load_digits`` itself. Tolerances: none; pixels are small whole numbers.
"""

import sys
from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

from clew.data import load
from clew.errors import MissingExtraError


def test_every_image_is_in_one_split_with_its_label():
    data, bunch = load("digits"), load_digits()
    wanted = Counter((image.tobytes(), label) for image, label in zip(bunch.data, bunch.target, strict=True))
    got = Counter(
        (sequence.numpy().astype(np.float64).tobytes(), int(target))
        for split in (data.train, data.validation, data.test)
        for sequence, target in zip(split.inputs, split.targets, strict=True)
    )
    assert got == wanted
    assert sum(got.values()) == 1797


def test_the_pixels_are_read_row_by_row():
    data, bunch = load("digits", {"validation": 0}), load_digits()
    first = data.train.inputs[0]
    assert first.shape == (64, 1)
    (index,) = np.flatnonzero((bunch.data == first[:, 0].numpy()).all(axis=1))
    assert first[8 * 3 + 2] == bunch.images[index][3, 2]


def test_a_fifth_of_each_digit_is_tested_on():
    test = Counter(int(target) for target in load("digits").test.targets)
    digits = Counter(load_digits().target.tolist())
    assert {digit: round(0.2 * count) for digit, count in digits.items()} == test


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'clew\[tables\]'"):
        load("digits")


def test_a_stride_keeps_the_last_of_so_many_pixels_and_the_splits():
    whole, half = load("digits"), load("digits", {"stride": "3"})
    for part in ("train", "validation", "test"):
        there, here = getattr(whole, part), getattr(half, part)
        assert all((one[2::3] == other).all() for one, other in zip(there.inputs, here.inputs, strict=True))
        assert there.targets == here.targets
    assert half.test.inputs[0].shape == (21, 1)


@pytest.mark.parametrize("stride", [0, 65])
def test_no_other_stride(stride):
    with pytest.raises(ValueError, match=f"stride is from 1 to 64, the pixels of an image; got {stride}"):
        load("digits", {"stride": stride})
