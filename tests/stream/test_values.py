"""Streams of a model that gives values.

Oracle: the model over the whole sequence; the json module. Tolerances: TOLERANCE.
"""

import json
import os

import numpy as np
import pytest
import torch

from clew.models import ModelConfig, Regressor, build
from clew.stream import Estimate, Session, Signals, serve

TOLERANCE = 1e-5  # of values of order 1 in float32, by steps and in parallel
CHANNELS, VALUES = ("left", "middle", "right"), ('share "%d"', "height")


@pytest.fixture
def model() -> Regressor:
    torch.manual_seed(0)
    model = build(ModelConfig(3, n_values=2, d_model=8, mixer_options={"d_state": 8})).eval()
    model.standardize_values(torch.tensor([1.0, -3.0]), torch.tensor([0.1, 2.0]))
    return model


def test_the_last_estimate_is_that_of_the_whole_sequence(model, samples):
    session = Session(model, CHANNELS, VALUES)
    for sequence in (samples[:9], samples[9:]):
        estimates = [session.push(sample) for sample in sequence]
        assert all(isinstance(estimate, Estimate) for estimate in estimates)
        assert [estimate.sample for estimate in estimates] == list(range(len(sequence)))
        with torch.no_grad():
            wanted = model(sequence[None])[0][0]
        np.testing.assert_allclose(estimates[-1].values, wanted, rtol=TOLERANCE, atol=TOLERANCE)
        session.reset()
    assert estimates[-1].sequence == 1


def test_a_place_is_gone_on_from_to_the_same_bits(model, samples, tmp_path):
    whole = Session(model, CHANNELS, VALUES)
    wanted = [whole.push(sample) for sample in samples]
    session = Session(model, CHANNELS, VALUES)
    for sample in samples[:20]:
        session.push(sample)
    session.save(tmp_path / "place")
    again = Session(model, CHANNELS, VALUES)
    again.restore(tmp_path / "place")
    assert [again.push(sample) for sample in samples[20:]] == wanted[20:]


def test_values_are_written_by_their_names_and_read_back_to_the_same_float32(model, samples, tmp_path):
    (tmp_path / "in").write_text("".join(f"{json.dumps(sample.tolist())}\n" for sample in samples))
    source = os.open(tmp_path / "in", os.O_RDONLY)
    sink = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    try:
        with Signals() as signals:
            serve(Session(model, CHANNELS, VALUES), source, sink, signals)
    finally:
        os.close(source)
        os.close(sink)
    session = Session(model, CHANNELS, VALUES)
    lines = (tmp_path / "out").read_text().splitlines()
    assert len(lines) == len(samples)
    for number, (line, sample) in enumerate(zip(lines, samples, strict=True)):
        answer = json.loads(line)
        assert list(answer) == ["sequence", "sample", "values"]
        assert (answer["sequence"], answer["sample"]) == (0, number)
        assert list(answer["values"]) == list(VALUES)
        read = np.array(list(answer["values"].values()), np.float32)
        assert read.tolist() == list(session.push(sample).values)


def test_names_that_do_not_fit_are_refused(model):
    with pytest.raises(ValueError, match="3 channels and 2 values, got the names of 3 channels and 1 values"):
        Session(model, CHANNELS, VALUES[:1])


def test_a_value_that_is_not_finite_is_refused_and_the_place_kept(model):
    session = Session(model, CHANNELS, VALUES)
    session.push([0.0, 0.0, 0.0])
    model.head.mean.fill_(torch.inf)
    with pytest.raises(ValueError, match="the model's output is not finite after this sample"):
        session.push([0.0, 0.0, 0.0])
    assert session.samples == 1
