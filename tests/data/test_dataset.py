"""What a Split and a Dataset refuse, and the corners of batches and moments.

Oracle: small cases worked out by hand. Tolerances: none.
"""

import numpy as np
import pytest
import torch

from clew.data import IGNORE, Dataset, Split


def _split(*lengths: int, channels: int = 2) -> Split:
    sequences = tuple(torch.full((length, channels), float(index)) for index, length in enumerate(lengths))
    return Split(sequences, tuple(torch.tensor(index % 2) for index in range(len(lengths))))


def _dataset(train: Split, **changes) -> Dataset:
    facts = {
        "name": "made up",
        "options": {},
        "description": "d",
        "source": "s",
        "licence": "l",
        "channels": ("x", "y"),
        "classes": ("a", "b"),
        "target": "sequence",
        "train": train,
        "validation": Split((), ()),
        "test": Split((), ()),
    }
    return Dataset(**{**facts, **changes})


FRAME = torch.zeros(3, 2)
A = torch.tensor(0)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ((FRAME,), (), "1 sequences and 0 targets"),
        ((FRAME.double(),), (A,), r"sequence 0 is \(3, 2\) torch.float64"),
        ((FRAME, FRAME[:, 0]), (A, A), r"sequence 1 is \(3,\)"),
        ((FRAME, FRAME[:0]), (A, A), r"sequence 1 is \(0, 2\)"),
        ((FRAME[:, :0],), (A,), r"sequence 0 is \(3, 0\)"),
        ((FRAME, FRAME[:, :1]), (A, A), "sequence 1 has 1 channels, sequence 0 has 2"),
        ((FRAME,), (A.int(),), r"target 0 is \(\) torch.int32"),
        ((FRAME, FRAME), (A, A.expand(3)), r"target 1 is \(3,\) torch.int64"),
        ((FRAME,), (A.expand(2),), r"target 0 is \(2,\); wanted \(\) or \(3,\)"),
        ((FRAME, FRAME + torch.nan), (A, A), "sequence 1 holds NaN or infinity"),
        ((FRAME, FRAME, FRAME - torch.inf), (A, A, A), "sequence 2 holds NaN or infinity"),
    ],
)
def test_a_split_refuses(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        Split(inputs, targets)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("a",)}, "made up: at least two classes are needed, got a"),
        ({"classes": ()}, "at least two classes are needed, got none"),
        ({"train": Split((), ())}, "the training split is empty"),
        ({"channels": ("x",)}, "train split: 2 channels, but 1 are named"),
        ({"test": _split(2, channels=1)}, "test split: 1 channels, but 2 are named"),
        ({"target": "step"}, "train split: the targets are not one per step"),
        (
            {"validation": Split((FRAME,), (torch.tensor(2),))},
            "validation split: a target is none of the classes 0 to 1",
        ),
        (
            {"test": Split((FRAME,), (torch.tensor(IGNORE),))},
            "test split: a target is none of the classes 0 to 1",
        ),
    ],
)
def test_a_dataset_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        _dataset(**{"train": _split(2, 3), **changes})


ONE, TWO = torch.zeros(1), torch.zeros(2)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ((FRAME, FRAME), (ONE, A), r"target 1 is \(\) torch.int64; wanted float32"),
        ((FRAME, FRAME), (A, ONE), r"target 1 is \(1,\) torch.float32; wanted int64"),
        ((FRAME,), (ONE.double(),), r"target 0 is \(1,\) torch.float64"),
        (
            (FRAME, FRAME),
            (ONE, TWO),
            r"target 1 is \(2,\) torch.float32; wanted float32, all of them \(value,\)",
        ),
        ((FRAME, FRAME), (TWO, TWO.expand(3, 2)), r"target 1 is \(3, 2\) torch.float32"),
        ((FRAME,), (ONE[0],), r"target 0 is \(\); wanted \(value,\) or \(3, value\)"),
        ((FRAME,), (TWO[:0],), r"target 0 is \(0,\); wanted \(value,\) or \(3, value\)"),
        ((FRAME,), (TWO.expand(2, 2),), r"target 0 is \(2, 2\); wanted \(value,\) or \(3, value\)"),
        ((FRAME,), (ONE + torch.inf,), "target 0 holds infinity"),
    ],
)
def test_a_split_of_values_refuses(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        Split(inputs, targets)


def _values(*targets, **changes) -> Dataset:
    split = Split((FRAME,) * len(targets), tuple(torch.tensor(target) for target in targets))
    return _dataset(split, **{"classes": (), "values": ("p", "q"), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("a", "b")}, "made up: it asks for classes or for values, got names of both"),
        ({"values": ()}, "at least two classes are needed, got none"),
        ({"values": (), "classes": ("a", "b")}, "train split: the targets are values"),
        ({"values": ("p",)}, "train split: 2 values a target, but 1 are named"),
        ({"target": "step"}, "train split: the targets are not one per step"),
        ({"test": _split(2)}, "test split: the targets are classes"),
    ],
)
def test_a_dataset_of_values_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        _values([1.0, 2.0], **changes)


def test_the_moments_of_values_leave_out_what_nothing_was_asked_of():
    data = _values([1.0, 7.0], [torch.nan, 7.0], [2.0, torch.nan], [6.0, 7.0])
    assert data.target_mean.tolist() == [3.0, 7.0]
    assert data.target_std.tolist() == [np.float32(np.std([1, 2, 6])), 1.0]
    assert repr(data) == "Dataset('made up', 4 train, 0 validation, 0 test, 2 channels, 2 values)"
    assert data.outputs == ("p", "q")
    nothing = _values([torch.nan, 1.0])
    assert (nothing.target_mean.tolist(), nothing.target_std.tolist()) == ([0.0, 1.0], [1.0, 1.0])
    classes = _dataset(_split(2, 3))
    assert classes.target_mean.shape == classes.target_std.shape == (0,)
    assert classes.outputs == ("a", "b")


def test_values_per_frame_are_padded_with_nan():
    targets = (torch.ones(3, 2), torch.full((1, 2), 2.0))
    data = _dataset(Split((FRAME, FRAME[:1]), targets), classes=(), values=("p", "q"), target="step")
    batch = data.train.batch([1, 0])
    assert batch.targets.shape == (2, 3, 2)
    assert torch.equal(batch.targets[0, :1], targets[1])
    assert batch.targets[0, 1:].isnan().all()
    assert torch.equal(batch.targets[1], targets[0])
    assert data.train.batch([], 4).targets.shape == (0, 4, 2)
    assert data.train.per_frame
    assert data.target_mean.tolist() == [1.25, 1.25]


def test_a_frame_may_ask_for_nothing():
    target = torch.tensor([0, IGNORE, 1])
    data = _dataset(Split((FRAME,), (target,)), target="step")
    assert data.train.batch([0]).targets.tolist() == [[0, IGNORE, 1]]


def test_sequences_need_not_be_contiguous():
    sequence = torch.arange(12.0).reshape(2, 6).T[::2]
    assert not sequence.is_contiguous()
    batch = Split((sequence, FRAME), (A, A)).batch([0])
    assert batch.inputs.tolist() == [[[0.0, 6.0], [2.0, 8.0], [4.0, 10.0]]]


def test_one_sequence_of_one_frame():
    batch = _split(1).batch([0])
    assert (batch.inputs.shape, batch.lengths.tolist(), batch.mask.tolist()) == ((1, 1, 2), [1], [[True]])


def test_select_keeps_the_order_asked_for():
    chosen = _split(1, 2, 3).select(torch.tensor([2, 0]))
    assert chosen.lengths.tolist() == [3, 1]
    assert [int(target) for target in chosen.targets] == [0, 0]


def test_a_mask_is_no_index():
    with pytest.raises(ValueError, match="the numbers of sequences, got a mask"):
        _split(1, 2).batch(torch.tensor([False, True]))
    with pytest.raises(TypeError):
        _split(1, 2).batch([0.5])


def test_an_index_that_is_not_there():
    with pytest.raises(IndexError):
        _split(1, 2).batch([2])


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e30, 1e-40])
def test_the_std_of_a_constant_channel_is_one(constant):
    frames = torch.tensor([[constant, 1.0], [constant, 3.0], [constant, 5.0]])
    data = _dataset(Split((frames, frames[:2]), (A, A)))
    assert data.mean[0] == frames[0, 0]
    assert data.std[0] == 1
    assert data.std[1] == np.float32(np.std([1, 3, 5, 1, 3]))


def test_the_std_of_a_long_constant_channel_is_one():
    frames = torch.full((100_003, 3), 0.1)
    assert _dataset(Split((frames,), (A,)), channels=("x", "y", "z")).std.tolist() == [1, 1, 1]


@pytest.mark.parametrize("at_once", [1, 40, 100])
def test_moments_in_pieces_are_those_of_the_whole(monkeypatch, at_once):
    sequences = [
        torch.randn(length, 3) * 1e-3 + torch.tensor([5.0, -2e4, 0.1]) for length in (1, 9, 13, 2, 5)
    ]
    for sequence in sequences:
        sequence[:, 2] = 0.1
    split = Split(tuple(sequences), (A,) * 5)
    monkeypatch.setattr("clew.data.moments._AT_ONCE", at_once)
    data = _dataset(split, channels=("x", "y", "z"))
    frames = torch.cat(sequences).double().numpy()
    assert data.mean.tolist() == frames.mean(0).astype(np.float32).tolist()
    np.testing.assert_allclose(data.std[:2], frames.std(0)[:2], rtol=1e-6)
    assert data.std[2] == 1


def test_a_std_below_the_smallest_float32_is_one():
    frames = torch.tensor([[0.0, 0.0], [1e-45, 1e-38]])
    std = _dataset(Split((frames, frames), (A, A))).std
    assert std[0] == 1
    assert std[1] == np.float32(5e-39)


def test_moments_of_large_values_do_not_overflow():
    frames = torch.tensor([[3e38, 0.0], [-3e38, 1.0]])
    data = _dataset(Split((frames,), (A,)))
    assert data.mean.tolist() == [0.0, 0.5]
    assert data.std.isfinite().all()


def test_values_are_frozen():
    data = _dataset(_split(2, 3))
    with pytest.raises(AttributeError):
        data.name = "other"
    with pytest.raises(AttributeError):
        data.train.inputs = ()
