"""A session, sample by sample.

Oracle: the model run over the whole sequence in parallel; for save and restore, a session that was never
interrupted. Tolerances: the table below; where none is named, equality of bits.
"""

import math
import os

import numpy as np
import pytest
import torch

from clew.models.fingerprint import fingerprint
from clew.stream import Session

TOLERANCES = {
    # float32 steps against the float32 parallel run, relative to probabilities of order 1: rounding of some
    # dozen operations a layer at 6e-8 each, through two layers.
    "steps against parallel": 2e-5,
    # Probabilities are a float32 softmax.
    "sum of probabilities": 1e-6,
}


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("mixer", ["s4d", "rnn"])
def test_after_the_last_sample_it_says_what_the_parallel_model_says(make_model, samples, mixer, pooling):
    model = make_model(mixer=mixer, pooling=pooling)
    session = Session(model, ("left", "middle", "right"), ("rest", "walk", "run"))
    for k, sample in enumerate(samples):
        prediction = session.push(sample)
        with torch.no_grad():
            expected = model(samples[None, : k + 1])[0].softmax(-1)[0]
        torch.testing.assert_close(
            torch.tensor(prediction.probabilities),
            expected,
            rtol=0,
            atol=TOLERANCES["steps against parallel"],
        )
        assert prediction.sample == k
        assert prediction.sequence == 0
        assert prediction.label == session.outputs[int(expected.argmax())]
        assert prediction.probability == max(prediction.probabilities)
        assert sum(prediction.probabilities) == pytest.approx(1, abs=TOLERANCES["sum of probabilities"])


def test_step_pooling_answers_each_sample(make_model, samples):
    model = make_model(pooling="step")
    session = Session(model, ("left", "middle", "right"), ("rest", "walk", "run"))
    stream = torch.tensor([session.push(sample).probabilities for sample in samples])
    with torch.no_grad():
        expected = model(samples[None])[0].softmax(-1)[0]
    torch.testing.assert_close(stream, expected, rtol=0, atol=TOLERANCES["steps against parallel"])


def test_a_sample_may_be_any_kind_of_numbers(session, samples):
    start = session.mark()
    row = samples[0]
    kinds = [row, row.double(), row.numpy(), row.tolist(), tuple(row.tolist()), row.clone().requires_grad_()]
    answers = set()
    for kind in kinds:
        session.rewind(start)
        answers.add(session.push(kind))
    assert len(answers) == 1
    session.rewind(start)
    assert session.push([1, 2, 3]) == (session.rewind(start), session.push([1.0, 2.0, 3.0]))[1]


def test_reset_starts_a_new_sequence(session, samples):
    first = [session.push(sample) for sample in samples[:5]]
    session.reset()
    session.reset()  # a sequence without samples does not count
    second = [session.push(sample) for sample in samples[:5]]
    assert [p.probabilities for p in first] == [p.probabilities for p in second]
    assert [p.sample for p in second] == [0, 1, 2, 3, 4]
    assert {p.sequence for p in first} == {0}
    assert {p.sequence for p in second} == {1}
    assert session.samples == 10


def test_rewind_goes_back_to_a_mark(session, samples):
    for sample in samples[:7]:
        session.push(sample)
    mark = session.mark()
    first = [session.push(sample) for sample in samples[7:]]
    session.rewind(mark)
    assert session.samples == 7
    assert [session.push(sample) for sample in samples[7:]] == first


@pytest.mark.parametrize("pooling", ["mean", "last", "step"])
@pytest.mark.parametrize("mixer", ["s4d", "rnn"])
def test_saved_and_restored_it_goes_on_to_the_same_bits(make_model, samples, tmp_path, mixer, pooling):
    names = ("left", "middle", "right"), ("rest", "walk", "run")
    model = make_model(mixer=mixer, pooling=pooling)
    whole = Session(model, *names)
    whole.push(samples[0])
    whole.reset()
    undisturbed = [whole.push(sample) for sample in samples]
    interrupted = Session(model, *names)
    interrupted.push(samples[0])
    interrupted.reset()
    answers = []
    for k, sample in enumerate(samples):
        if k % 7 == 3:
            interrupted.save(tmp_path / "state")
            interrupted = Session(model, *names)
            interrupted.restore(tmp_path / "state")
        answers.append(interrupted.push(sample))
    assert answers == undisturbed
    assert interrupted.samples == len(samples) + 1
    assert os.listdir(tmp_path) == ["state"]


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ([1.0, 2.0], r"shape \(3,\), one number a channel; got \(2,\)"),
        ([[1.0, 2.0, 3.0]], r"got \(1, 3\)"),
        (1.0, r"got \(\)"),
        ([1.0, math.nan, 3.0], r"value 2 \(middle\) is nan, not a finite float32"),
        ([1.0, 2.0, math.inf], r"value 3 \(right\) is inf"),
        ([-math.inf, 2.0, 3.0], r"value 1 \(left\) is -inf"),
        ([1.0, 1e39, 3.0], r"value 2 \(middle\) is 1e\+39, not a finite float32"),
        (["a", "b", "c"], "a sample is 3 numbers"),
        ([1.0, [2.0], 3.0], "a sample is 3 numbers"),
        ([1j, 2.0, 3.0], "a sample is 3 numbers"),
        (torch.tensor([1.0, math.nan, 3.0]), "middle"),
        (np.array([1.0, 2.0]), r"got \(2,\)"),
    ],
)
def test_what_is_no_sample_is_refused_and_changes_nothing(session, samples, sample, message):
    session.push(samples[0])
    before = session.mark()
    with pytest.raises(ValueError, match=message):
        session.push(sample)
    assert session.mark() is before
    follows = session.push(samples[1])
    session.rewind(before)
    assert session.push(samples[1]) == follows


def test_an_output_that_is_not_finite_is_refused(make_model, samples):
    model = make_model()
    with torch.no_grad():
        model.head.weight.fill_(math.inf)
    session = Session(model, ("left", "middle", "right"), ("rest", "walk", "run"))
    with pytest.raises(ValueError, match="output is not finite"):
        session.push(samples[0])
    assert session.samples == 0


def test_names_and_mode_must_fit_the_model(make_model):
    model = make_model()
    with pytest.raises(ValueError, match="the model has 3 channels and 3 classes"):
        Session(model, ("left", "right"), ("rest", "walk", "run"))
    with pytest.raises(ValueError, match="training mode"):
        Session(model.train(), ("left", "middle", "right"), ("rest", "walk", "run"))


def test_the_fingerprint_is_that_of_weights_and_configuration(make_model):
    model = make_model()
    same = make_model()
    assert fingerprint(model) == fingerprint(same)
    with torch.no_grad():
        same.head.bias[0] += 1e-6
    assert fingerprint(model) != fingerprint(same)
    # The same weights, read by the head in another way.
    assert fingerprint(make_model(pooling="mean")) != fingerprint(make_model(pooling="last"))


def test_a_state_of_another_model_is_refused(make_model, session, samples, tmp_path):
    session.push(samples[0])
    session.save(tmp_path / "state")
    other = Session(make_model(seed=1), session.channels, session.outputs)
    with pytest.raises(ValueError, match="is the state of a stream of another model"):
        other.restore(tmp_path / "state")
    assert other.samples == 0


def test_a_damaged_or_foreign_state_is_refused(session, samples, tmp_path):
    session.push(samples[0])
    path = tmp_path / "state"
    session.save(path)
    whole = path.read_bytes()
    for cut in (0, 1, 8, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="damaged or no safetensors file"):
            session.restore(path)
    path.write_bytes(b"sample,left\n1,2\n" * 100)
    with pytest.raises(ValueError, match="damaged or no safetensors file"):
        session.restore(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        session.restore(tmp_path / "nowhere")


def test_other_tensors_are_no_state(session, make_model, tmp_path):
    from clew.files.tensors import tensors_to_bytes

    path = tmp_path / "model.safetensors"
    path.write_bytes(tensors_to_bytes(make_model().state_dict()))
    with pytest.raises(ValueError, match="is not the state of a stream"):
        session.restore(path)


def test_a_save_that_fails_leaves_the_old_state(session, samples, tmp_path, monkeypatch):
    path = tmp_path / "state"
    session.push(samples[0])
    session.save(path)
    before = path.read_bytes()
    session.push(samples[1])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        session.save(path)
    assert path.read_bytes() == before


def test_the_state_does_not_grow(session, samples, tmp_path):
    session.push(samples[0])
    session.save(tmp_path / "early")
    for _ in range(5):
        for sample in samples:
            session.push(sample)
    session.save(tmp_path / "late")
    assert (tmp_path / "early").stat().st_size == (tmp_path / "late").stat().st_size
