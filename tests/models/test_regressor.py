"""The regressor: values in the units of the data, learned at scale 1.

Oracles: for the head its equation in float64 numpy; for steps and chunks the model run another way; the
classifier, whose layers it shares. Tolerances: TOLERANCES.
"""

import numpy as np
import pytest
import torch

from clew.models import Classifier, ModelConfig, Regressor, build
from clew.models.scaled import ScaledLinear

TOLERANCES = {
    "float64": 1e-11,  # the same operations in another order
    "units": 1e-9,  # of values of 1e4, the same
}
MEAN, STD = torch.tensor([2e4, -0.001]), torch.tensor([100.0, 1e-5])


def regressor(**changes) -> Regressor:
    torch.manual_seed(0)
    model = build(ModelConfig(3, n_values=2, d_model=6, mixer_options={"d_state": 4}, **changes))
    model.standardize(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([2.0, 0.5, 1.0]))
    model.standardize_values(MEAN, STD)
    return model.double()


def test_a_configuration_with_values_is_a_regressor():
    assert type(regressor()) is Regressor
    assert type(build(ModelConfig(3, 2))) is Classifier
    assert (Regressor.answers, Classifier.answers) == ("values", "logits")
    assert (ModelConfig(3, n_values=2).n_outputs, ModelConfig(3, 5).n_outputs) == (2, 5)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            {"n_classes": 2, "n_values": 1},
            "a model tells classes apart or gives values; got n_classes=2 and n_val",
        ),
        ({"n_values": -1}, "n_values is at least 1; got -1"),
        ({}, "n_classes is at least 1; got 0"),
    ],
)
def test_sizes_that_are_none(sizes, message):
    with pytest.raises(ValueError, match=message):
        build(ModelConfig(3, **sizes))


def test_only_the_head_tells_it_from_a_classifier():
    torch.manual_seed(0)
    other = build(ModelConfig(3, 2, d_model=6, mixer_options={"d_state": 4}))
    other.standardize(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([2.0, 0.5, 1.0]))
    weights = regressor().float().state_dict()
    assert {"head.mean", "head.std"} == weights.keys() - other.state_dict().keys()
    for name, tensor in other.state_dict().items():
        assert torch.equal(weights[name], tensor), name
    x = torch.randn(4, 9, 3, dtype=torch.float64)
    values, logits = regressor()(x)[0], other.double()(x)[0]
    torch.testing.assert_close((values - MEAN) / STD, logits, rtol=0, atol=TOLERANCES["units"])


@pytest.mark.parametrize("pooling", ["mean", "last", "step"])
def test_steps_and_chunks_are_the_whole(pooling):
    model, x = regressor(pooling=pooling), torch.randn(4, 9, 3, dtype=torch.float64)
    whole, _ = model(x)
    state, steps = model.initial_state(4), []
    for x_k in x.unbind(1):
        values, state = model.step(x_k, state)
        steps.append(values)
    wanted = whole if pooling == "step" else whole[:, None]
    stepped = torch.stack(steps, 1) if pooling == "step" else steps[-1][:, None]
    for index, unit in enumerate(STD.tolist()):
        torch.testing.assert_close(
            stepped[..., index], wanted[..., index], rtol=0, atol=TOLERANCES["float64"] * unit + 1e-11
        )
    _, state = model(x[:, :4])
    values, _ = model(x[:, 4:], state)
    wanted = whole[:, 4:] if pooling == "step" else whole
    torch.testing.assert_close(values, wanted, rtol=TOLERANCES["units"], atol=0)


def test_values_past_a_length_are_zero():
    values, _ = regressor(pooling="step")(torch.randn(2, 5, 3).double(), lengths=torch.tensor([5, 2]))
    assert (values[1, 2:] == 0).all()
    assert (values[1, :2] != 0).all()


def test_the_head_is_its_equation():
    layer = ScaledLinear(5, 2).double()
    layer.standardize(MEAN, STD)
    x = torch.randn(7, 5, dtype=torch.float64)
    weight, bias = (parameter.detach().numpy() for parameter in (layer.weight, layer.bias))
    wanted = MEAN.double().numpy() + STD.double().numpy() * (x.numpy() @ weight.T + bias)
    np.testing.assert_allclose(layer(x).detach(), wanted, rtol=1e-13)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (torch.zeros(3), torch.ones(3), r"mean is \(n_values,\) = \(2,\); got shape \(3,\)"),
        (torch.zeros(2), torch.ones(1), r"std is \(n_values,\) = \(2,\); got shape \(1,\)"),
        (torch.zeros(2), torch.zeros(2), "mean and std must be finite, and std positive"),
        (torch.full((2,), torch.nan), torch.ones(2), "mean and std must be finite, and std positive"),
    ],
)
def test_moments_that_are_none_are_refused(mean, std, message):
    model = regressor()
    with pytest.raises(ValueError, match=message):
        model.standardize_values(mean, std)
    assert torch.equal(model.head.mean, MEAN.double())
