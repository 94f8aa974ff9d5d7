"""What every test of the suite starts from: parametrisation, inputs, states, comparison."""

import pytest
import torch
from tests.nn.conformance.member import CHANNELS, TOLERANCES
from tests.nn.conformance.members import MEMBERS, takes

BATCH, TIME = 3, 23


def every(*features, slow=()):
    """Parametrise ``member`` by those that have every one of ``features``; those in ``slow`` are slow."""
    chosen = [
        pytest.param(member, id=member.name, marks=[pytest.mark.slow] if member.name in slow else [])
        for member in MEMBERS
        if all(takes(member, feature) for feature in features)
    ]
    return pytest.mark.parametrize("member", chosen)


def build(member, dtype=torch.float64):
    return member.build().to(dtype)


def random_input(dtype=torch.float64, batch=BATCH, time=TIME):
    return torch.randn(batch, time, CHANNELS, dtype=torch.float64).to(dtype)


def random_state(layer, batch=BATCH):
    """A state, or ``None`` for a layer that has none."""
    if layer.bidirectional:
        return None
    zero = layer.initial_state(batch)
    return type(zero)(*(torch.randn_like(part) for part in zero))


def parts(state):
    """The tensors of a state, of which there are none in none."""
    return () if state is None else tuple(state)


def fresh(state):
    """The same numbers as leaves that gather gradients."""
    if state is None:
        return None
    return type(state)(*(part.detach().clone().requires_grad_() for part in state))


def random_segments(batch=BATCH, time=TIME):
    """Runs of the numbers 0 and 1 of every length, so that numbers come back and a run may be one sample."""
    return (torch.rand(batch, time) < 0.3).long().cumsum(1) % 2


def random_dt(dtype=torch.float64, batch=BATCH, time=TIME):
    return (torch.rand(batch, time, dtype=torch.float64) * 2 + 0.1).to(dtype)


def leaves(layer):
    """The parameters as float64 leaves for the published equations."""
    return {
        name: value.detach().double().clone().requires_grad_() for name, value in layer.named_parameters()
    }


def difference(actual, expected):
    """max |actual − expected| / max |expected|; absolute if the expected is zero everywhere."""
    assert actual.shape == expected.shape
    if expected.numel() == 0:
        return 0.0
    actual, expected = actual.detach(), expected.detach()
    scale = expected.double().abs().max()
    return float((actual.double() - expected.double()).abs().max() / (scale if scale > 0 else 1.0))


def assert_close(actual, expected, tolerance):
    """Tensors, or tuples of them, agree to ``TOLERANCES[tolerance]``."""
    if isinstance(actual, torch.Tensor):
        actual, expected = (actual,), (expected,)
    for one, other in zip(actual, expected, strict=True):
        assert torch.isfinite(one).all()
        assert difference(one, other) <= TOLERANCES[tolerance], f"{difference(one, other):.2e} ({tolerance})"


def assert_same(actual, expected):
    """Equal bit by bit."""
    if isinstance(actual, torch.Tensor):
        actual, expected = (actual,), (expected,)
    for one, other in zip(actual, expected, strict=True):
        assert torch.equal(one, other)


def every_way(layer, x, state, dt=None):
    """Output and final state in parallel, and by steps if it has them."""
    ways = [layer(x, state) if dt is None else layer(x, state, dt=dt)]
    return ways if layer.bidirectional else [*ways, by_steps(layer, x, state, dt)]


def by_steps(layer, x, state, dt=None, constants=None):
    """Output and final state by :meth:`step` alone."""
    outputs = []
    for k, x_k in enumerate(x.unbind(1)):
        y_k, state = layer.step(x_k, state, dt=None if dt is None else dt[:, k], constants=constants)
        outputs.append(y_k)
    return torch.stack(outputs, dim=1), state
