"""What every data set keeps to, whatever it is made of.

Oracle: the contract in ``Dataset`` and ``Split``, checked with plain numpy and sets of bytes, and the data
set built a second time from its own options.
Tolerances: equality everywhere, bit for bit, except

| what | relative | why |
| --- | --- | --- |
| mean, std | 1e-6 | ours are float64 sums rounded once to float32: half a unit in the last place is 6e-8 |
"""

import inspect
import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
from tests.data.conformance_cases import CASES, FIXED_TEST, ONE_DEVIATION

from clew.data import IGNORE, Dataset, Split, datasets, load

RTOL_MOMENTS = 1e-6
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module", params=CASES)
def case(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def built(case, tmp_path_factory) -> Dataset:
    name, prepare = CASES[case]
    return load(name, prepare(tmp_path_factory.mktemp("data")))


def _same(one: Split, other: Split) -> bool:
    return len(one) == len(other) and all(
        a.dtype == b.dtype and torch.equal(a, b)
        for a, b in zip((*one.inputs, *one.targets), (*other.inputs, *other.targets), strict=True)
    )


def _same_data(one: Dataset, other: Dataset) -> bool:
    facts = ("name", "options", "description", "source", "licence", "channels", "outputs", "target")
    return all(getattr(one, fact) == getattr(other, fact) for fact in facts) and all(
        _same(getattr(one, split), getattr(other, split)) for split in SPLITS
    )


def _bytes(split: Split) -> list[bytes]:
    return [sequence.numpy().tobytes() for sequence in split.inputs]


def test_every_data_set_has_a_case():
    assert {name for name, _ in CASES.values()} == set(datasets)


def test_facts(built, case):
    assert built.name == CASES[case][0]
    assert all(text.strip() for text in (built.description, built.source, built.licence))
    for names in (built.channels, built.outputs):
        assert isinstance(names, tuple)
        assert len(set(names)) == len(names)
        assert all(isinstance(name, str) and name for name in names)
    assert built.d_input == len(built.channels) >= 1
    assert (built.n_classes, built.n_values) == (len(built.classes), len(built.values))
    assert (built.n_classes >= 2) != (built.n_values >= 1)
    assert "\n" not in repr(built)
    assert len(repr(built)) < 200


@pytest.mark.parametrize("name", SPLITS)
def test_shapes_and_types(built, name):
    split = getattr(built, name)
    assert len(split) == len(split.inputs) == len(split.targets) > 0
    seen = set()
    for sequence, target in zip(split.inputs, split.targets, strict=True):
        assert sequence.dtype == torch.float32
        assert sequence.ndim == 2
        assert len(sequence) >= 1
        assert sequence.shape[1] == built.d_input
        assert sequence.isfinite().all()
        frames = (len(sequence),) if built.target == "step" else ()
        if built.values:
            assert target.dtype == torch.float32
            assert target.shape == (*frames, built.n_values)
            assert not target.isinf().any()
            continue
        assert target.dtype == torch.int64
        assert target.shape == frames
        seen |= set(target.flatten().tolist())
    assert seen - {IGNORE} <= set(range(built.n_classes))
    assert built.target == "step" or IGNORE not in seen
    if name == "train" and built.classes:
        assert seen - {IGNORE} == set(range(built.n_classes))
    assert split.lengths.dtype == torch.int64
    assert split.lengths.tolist() == [len(sequence) for sequence in split.inputs]


def test_splits_have_no_sequence_in_common(built):
    train, validation, test = (_bytes(getattr(built, name)) for name in SPLITS)
    assert not set(train) & set(validation)
    assert not set(train) & set(test)
    assert not set(validation) & set(test)


def test_validation_is_taken_from_training_alone(built):
    whole = load(built.name, {**built.options, "validation": 0})
    assert len(whole.validation) == 0
    assert whole.validation.batch([]).inputs.shape[0] == 0
    assert _same(whole.test, built.test)
    held_out = set(_bytes(built.validation))
    assert [sequence for sequence in _bytes(whole.train) if sequence not in held_out] == _bytes(built.train)
    assert [sequence for sequence in _bytes(whole.train) if sequence in held_out] == _bytes(built.validation)


def test_validation_is_stratified(built):
    def counts(split: Split) -> Counter:
        together = built.target == "step" or built.values
        return Counter(None if together else int(target) for target in split.targets)

    whole = load(built.name, {**built.options, "validation": 0})
    wanted = {kind: math.floor(0.15 * count + 0.5) for kind, count in counts(whole.train).items()}
    assert dict(counts(built.validation)) == wanted
    assert min(wanted.values()) >= 1


def test_the_seed_chooses_the_validation_share(built, case):
    other = load(built.name, {**built.options, "seed": 2})
    assert _bytes(other.validation) != _bytes(built.validation)
    assert (_bytes(other.test) == _bytes(built.test)) == (case in FIXED_TEST)


def test_options_give_the_same_data_again(built):
    assert set(built.options) == set(inspect.signature(datasets[built.name]).parameters)
    assert _same_data(load(built.name, json.loads(json.dumps(built.options))), built)


def test_options_may_be_text(built):
    as_text = {key: str(value) for key, value in built.options.items()}
    assert _same_data(load(built.name, as_text), built)


def test_building_draws_from_no_global_generator_and_depends_on_none(built):
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the generator that must be left alone
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert _same_data(load(built.name, built.options), built)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


def test_an_unknown_option_names_the_nearest(built):
    with pytest.raises(ValueError, match="did you mean 'validation'"):
        load(built.name, {**built.options, "valdation": 0.1})


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, math.nan])
def test_a_share_that_is_none(built, share):
    with pytest.raises(ValueError, match="'validation' is the share held out, from 0 up to but not 1; got"):
        load(built.name, {**built.options, "validation": share})


def test_a_negative_seed(built):
    with pytest.raises(ValueError, match=r"'seed'.*-1"):
        load(built.name, {**built.options, "seed": -1})


def test_moments_are_those_of_the_training_frames(built, case):
    frames = np.concatenate([sequence.numpy() for sequence in built.train.inputs]).astype(np.float64)
    std = np.sqrt(((frames - frames.mean(0)) ** 2).mean(0))
    if case in ONE_DEVIATION:
        std[:] = np.sqrt((std**2).mean())
    else:
        std[np.ptp(frames, axis=0) == 0] = 1
    assert built.mean.dtype == built.std.dtype == torch.float32
    assert built.mean.shape == built.std.shape == (built.d_input,)
    np.testing.assert_allclose(built.mean, frames.mean(0), rtol=RTOL_MOMENTS)
    np.testing.assert_allclose(built.std, std, rtol=RTOL_MOMENTS)


@pytest.mark.parametrize("extra", [None, 0, 3])
@pytest.mark.parametrize("as_indices", [list, torch.tensor, tuple])
def test_a_batch_is_its_sequences_and_padding(built, as_indices, extra):
    split = built.train
    indices = [3, 0, len(split) - 1, 5, 3]
    sequences = [split.inputs[i] for i in indices]
    longest = max(len(sequence) for sequence in sequences)
    batch = split.batch(as_indices(indices), *([] if extra is None else [longest + extra]))
    assert batch.inputs.shape == (5, longest + (extra or 0), built.d_input)
    assert batch.inputs.dtype == torch.float32
    assert batch.lengths.dtype == torch.int64
    assert batch.targets.dtype == (torch.float32 if built.values else torch.int64)
    assert batch.lengths.tolist() == [len(sequence) for sequence in sequences]
    assert batch.mask.dtype == torch.bool
    assert batch.mask.shape == batch.inputs.shape[:2]
    for row, index in enumerate(indices):
        length = len(split.inputs[index])
        assert torch.equal(batch.inputs[row, :length], split.inputs[index])
        assert not batch.inputs[row, length:].any()
        assert batch.mask[row].tolist() == [True] * length + [False] * (batch.inputs.shape[1] - length)
        if built.target == "step":
            assert torch.equal(batch.targets[row, :length], split.targets[index])
            padding = batch.targets[row, length:]
            assert (padding.isnan() if built.values else padding == IGNORE).all()
        else:
            assert torch.equal(batch.targets[row], split.targets[index])
    frames = batch.inputs.shape[1:2] if built.target == "step" else ()
    assert batch.targets.shape == (5, *frames, *([built.n_values] if built.values else []))


def test_a_batch_is_a_copy(built):
    before = built.train.inputs[0].clone()
    built.train.batch([0]).inputs.zero_()
    assert torch.equal(built.train.inputs[0], before)


def test_a_batch_cannot_be_shorter_than_its_sequences(built):
    with pytest.raises(
        ValueError, match=r"time=1 is shorter than the longest of these sequences, \d+ frames"
    ):
        built.train.batch([0], 1)


def test_an_empty_batch(built):
    batch = built.train.batch([], 4)
    assert batch.inputs.shape == (0, 4, built.d_input)
    assert batch.lengths.shape == (0,)
    frames = [4] if built.target == "step" else []
    assert batch.targets.shape == (0, *frames, *([built.n_values] if built.values else []))
    assert batch.mask.shape == (0, 4)
