"""Models that give values, exported.

Oracle: the model, run on the same samples. Tolerances: those of ``cases``, on values of order 1.
"""

import json

import pytest
import torch
from tests.export.cases import BATCHES, CHANNELS, LENGTHS, STEPS, TOLERANCES, onnx_call, samples

from clew.export import interface, to_onnx
from clew.models import ModelConfig, build
from clew.models.state_tree import named_leaves

NAMES = ("sum", "share")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = build(ModelConfig(CHANNELS, n_values=2, d_model=8, n_layers=1, mixer_options={"d_state": 4}))
    model.standardize_values(torch.tensor([1.0, -3.0]), torch.tensor([0.1, 2.0]))
    return model.eval()


def close(given, wanted):
    torch.testing.assert_close(given, wanted, rtol=0, atol=TOLERANCES["float32"] * 5)


@torch.no_grad()
def test_the_model_gives_values_under_their_name(model):
    assert interface(model).answers == "values"
    proto = to_onnx(model, outputs=NAMES)
    call = onnx_call(proto)
    for batch in BATCHES:
        for time in LENGTHS:
            x, lengths = samples(batch, time), torch.full((batch,), time)
            close(call({"x": x, "lengths": lengths})["values"], model(x, lengths=lengths)[0])
    (described,) = (json.loads(entry.value) for entry in proto.metadata_props if entry.key == "clew")
    assert (described["classes"], described["values"]) == ([], list(NAMES))


@torch.no_grad()
def test_the_step_gives_values(model):
    call, state = onnx_call(to_onnx(model, "step")), model.initial_state(1)
    carried = dict(named_leaves(state, "state"))
    for x_k in samples(STEPS, 1):
        given = call({"x_k": x_k, **carried})
        values, state = model.step(x_k, state)
        close(given["values"], values)
        carried = {name: given[name.replace("state.", "next.", 1)] for name in carried}


def test_names_that_do_not_fit_are_refused(model):
    with pytest.raises(ValueError, match="the model has 2 values, got the names of 3"):
        to_onnx(model, outputs=(*NAMES, "more"))
