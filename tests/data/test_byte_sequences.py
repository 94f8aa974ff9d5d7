"""Texts that are kept as bytes behave as the one-hot tensors that they stand for.

Oracle: the same texts as a tuple of tensors, one-hot by a loop. Tolerances: none, but 1e-6, relative, for
moments: float32 of what is exact in float64.
"""

import pytest
import torch

from clew.data import ByteSequences, Split

TEXTS = (b"one", b"\x00\xff\t", b"three five", b"2")
TARGETS = tuple(torch.tensor(index % 2) for index in range(len(TEXTS)))


def _frames(text: bytes) -> torch.Tensor:
    frames = torch.zeros(len(text), 256)
    for time, number in enumerate(text):
        frames[time, number] = 1
    return frames


@pytest.fixture
def split() -> Split:
    return Split(ByteSequences(TEXTS), TARGETS)


@pytest.fixture
def tensors() -> Split:
    return Split(tuple(map(_frames, TEXTS)), TARGETS)


def test_sequences(split, tensors):
    assert len(split.inputs) == 4
    for index, wanted in enumerate(tensors.inputs):
        assert split.inputs[index].dtype == torch.float32
        assert split.inputs[index].equal(wanted)
    assert split.inputs[-1].equal(tensors.inputs[-1])
    assert split.inputs[1:3].texts == TEXTS[1:3]
    assert (split.inputs[:1] + split.inputs[1:]).texts == TEXTS
    with pytest.raises(IndexError):
        split.inputs[4]


def test_batches(split, tensors):
    assert split.lengths.equal(tensors.lengths)
    for indices, time in (([2, 0, 2], None), ([1], 7), ([], 5), (range(4), None)):
        for one, other in zip(split.batch(indices, time), tensors.batch(indices, time), strict=True):
            assert one.dtype == other.dtype
            assert one.equal(other)


def test_a_selection_stays_bytes(split):
    chosen = split.select([3, 1])
    assert chosen.inputs.texts == (TEXTS[3], TEXTS[1])
    assert chosen.targets == (TARGETS[3], TARGETS[1])


def test_moments(split, tensors):
    frames = torch.cat(tensors.inputs).double()
    mean, std = split.inputs.mean_and_std()
    torch.testing.assert_close(mean.double(), frames.mean(0), rtol=1e-6, atol=0)
    wanted = frames.var(0, correction=0).mean().sqrt()
    torch.testing.assert_close(std.double(), wanted.expand(256), rtol=1e-6, atol=0)
    assert ByteSequences((b"aa", b"a")).mean_and_std()[1].equal(torch.ones(256))


def test_what_is_refused():
    with pytest.raises(ValueError, match="text 1 is empty"):
        ByteSequences((b"a", b""))
    with pytest.raises(ValueError, match="a split has 1 sequences and 0 targets"):
        Split(ByteSequences((b"a",)), ())
    with pytest.raises(ValueError, match=r"target 0 is \(2,\); wanted \(\) or \(1,\)"):
        Split(ByteSequences((b"a",)), (torch.zeros(2, dtype=torch.int64),))
