"""AdamW over the model's groups.

Oracle: what the mixers say of their parameters; and AdamW's update written out in float64 (Loshchilov and
Hutter, "Decoupled weight decay regularization", 2019, algorithm 2).
Tolerances: 2e-6 relative to the size of the update, for float32.
"""

from pathlib import Path

import pytest
import torch
from tests.train.toy import toy_model
from torch.testing import assert_close

from clew.nn import Mixer
from clew.train import TrainConfig
from clew.train.optimiser import build_optimiser, optimiser_tensors, restore_optimiser

TOLERANCE = 2e-6
CONFIG = TrainConfig(learning_rate=0.01, dynamics_learning_rate=0.002, weight_decay=0.3)


def _settings(model, optimiser):
    """Learning rate and decay of each parameter, by name."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }


def test_the_dynamics_have_their_own_rate_and_no_decay():
    model = toy_model()
    dynamics = {
        f"{prefix}.{name}"
        for prefix, module in model.named_modules()
        if isinstance(module, Mixer)
        for name in module.dynamics_parameters()
    }
    settings = _settings(model, build_optimiser(model, CONFIG))
    assert len(dynamics) >= 3
    assert settings.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        if name in dynamics:
            assert settings[name] == (0.002, 0.0)
        else:
            assert settings[name] == (0.01, 0.3 if parameter.dim() > 1 else 0.0)


def test_a_group_too_few_is_seen(monkeypatch):
    model = toy_model()
    groups = model.parameter_groups(1, 1, 1)
    monkeypatch.setattr(model, "parameter_groups", lambda *_: groups[1:])
    with pytest.raises(AssertionError):
        build_optimiser(model, CONFIG)


def _gradients(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def test_two_steps_are_those_of_the_algorithm():
    model = toy_model()
    optimiser = build_optimiser(model, CONFIG)
    settings = _settings(model, optimiser)
    wanted = {name: parameter.detach().double().clone() for name, parameter in model.named_parameters()}
    first = {name: torch.zeros_like(value) for name, value in wanted.items()}
    second = {name: torch.zeros_like(value) for name, value in wanted.items()}
    for step in (1, 2):
        _gradients(model, step)
        for name, parameter in model.named_parameters():
            rate, decay = settings[name]
            gradient = parameter.grad.double()
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            mean, square = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
            wanted[name] -= rate * (mean / (square.sqrt() + 1e-8) + decay * wanted[name])
        optimiser.step()
    for name, parameter in model.named_parameters():
        size = 1.0 + float(wanted[name].abs().max())
        assert_close(parameter.detach().double(), wanted[name], rtol=0, atol=TOLERANCE * size)


@pytest.mark.parametrize("steps", [0, 2])
def test_a_restored_optimiser_takes_the_same_steps(steps):
    model, twin = toy_model(), toy_model()
    optimiser = build_optimiser(model, CONFIG)
    for step in range(steps):
        _gradients(model, step)
        optimiser.step()
    twin.load_state_dict(model.state_dict())
    restored = build_optimiser(twin, CONFIG)
    kept = {name: tensor.clone() for name, tensor in optimiser_tensors(optimiser, model).items()}
    restore_optimiser(restored, twin, kept, Path("file"), steps)
    for each, its in ((model, optimiser), (twin, restored)):
        _gradients(each, 77)
        its.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, twin.get_parameter(name))


def test_the_state_of_another_model_is_refused():
    model, other = toy_model(), toy_model(width=4)
    optimiser = build_optimiser(model, CONFIG)
    _gradients(model, 0)
    optimiser.step()
    kept = optimiser_tensors(optimiser, model)
    with pytest.raises(ValueError, match="file does not belong here: its tensor"):
        restore_optimiser(build_optimiser(other, CONFIG), other, kept, Path("file"), 1)
    with pytest.raises(ValueError, match="file does not belong here: it has no tensor"):
        restore_optimiser(build_optimiser(model, CONFIG), model, {}, Path("file"), 1)
