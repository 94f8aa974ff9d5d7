"""Japanese Vowels as the UCI Machine Learning Repository describes it.

Oracle: the facts on its page (270 and 370 utterances, 30 a speaker and 31 35 88 44 29 24 40 50 29, 12
coefficients, 7 to 29 frames), two frames copied from its files, and the checksum beside the file that ships.
Tolerances: none; six decimals read as float32.
"""

import hashlib
import re
from collections import Counter

import pytest
import torch

from clew.data import load
from clew.data.japanese_vowels import FILE


@pytest.fixture(scope="module")
def whole():
    return load("japanese-vowels", {"validation": 0})


def test_the_official_split(whole):
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (270, 0, 370)
    assert [int(target) for target in whole.train.targets] == [
        speaker for speaker in range(9) for _ in range(30)
    ]
    test = Counter(int(target) for target in whole.test.targets)
    assert [test[speaker] for speaker in range(9)] == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert [int(target) for target in whole.test.targets] == sorted(test.elements())


def test_channels_frames_and_speakers(whole):
    lengths = torch.cat([whole.train.lengths, whole.test.lengths])
    assert (whole.d_input, whole.n_classes) == (12, 9)
    assert (int(lengths.min()), int(lengths.max())) == (7, 29)


def test_the_first_and_the_last_frame(whole):
    first = [1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167]
    first += [-0.277557, 0.025668, 0.126701, -0.306756, -0.213076, 0.088728]
    last = [1.177449, -0.40408, 0.052026, -0.284812, 0.42984, -0.203484]
    last += [-0.072393, -0.080955, -0.244424, -0.001849, -0.016634, 0.224688]
    assert torch.equal(whole.train.inputs[0][0], torch.tensor(first))
    assert torch.equal(whole.test.inputs[-1][-1], torch.tensor(last))
    assert (len(whole.train.inputs[0]), len(whole.test.inputs[-1])) == (20, 11)


def test_the_file_is_the_one_that_is_described():
    source = (FILE.parent / "SOURCE.md").read_text()
    digest = re.search(r"`utterances.safetensors`, sha256 `([0-9a-f]{64})`", source).group(1)
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == digest
    for fact in ("UCI Machine Learning", "CC BY 4.0", "Kudo", "Toyama", "Shimbo", "1999", "10.24432/C5NS47"):
        assert fact in source


def test_the_usual_validation_share():
    data = load("japanese-vowels")
    assert (len(data.train), len(data.validation), len(data.test)) == (225, 45, 370)
