"""Steps that are large or nothing, decays that underflow, neighbours that overflow: no NaN, the right value.

Oracle: limits in closed form: after a long time only the last input is left, after none the state is as it
was; for strong decays oracles.py in float64.
Tolerances: exact, but TOLERANCES[torch.float32] from cases.py where stated.
"""

import pytest
import torch
from tests.ops.cases import (
    CASES,
    TOLERANCES,
    assert_near,
    every,
    every_backend,
    every_backend_of,
    gradients,
    leaves,
    to_numpy,
)

from clew.ops import selective_scan, ssd, use_backend

SELECTIVE = ["selective_scan", "ssd"]
NAMED = {case.name: case for case in CASES}


def every_selective(function):
    """Parametrise by the two selective operations and their backends."""
    together = [
        (operation, backend) for operation in SELECTIVE for backend in every_backend_of(operation).args[1]
    ]
    return pytest.mark.parametrize(("operation", "backend"), together, indirect=["backend"])(function)


def run(operation, arguments, backend, **more):
    with use_backend(backend):
        return NAMED[operation].run(arguments | more)


@every_selective
@pytest.mark.parametrize("dt", [1e4, 1e30])
def test_after_a_long_time_only_the_last_input_is_left(operation, backend, dt):
    arguments = leaves(NAMED[operation].build(130, torch.float32))
    with torch.no_grad():
        arguments["dt"].fill_(dt)
        arguments["dt_bias"].zero_()
        arguments["A"].fill_(-1)
    y, state = run(operation, arguments, backend)
    found = gradients((y / dt, state / dt), arguments)
    assert all(gradient.isfinite().all() for gradient in found.values())
    inputs, matrix = arguments["x"][:, -1], arguments["B"][:, -1]
    if operation == "ssd":
        expected = dt * inputs[..., None] * matrix[:, :, None]
    else:
        expected = dt * inputs[..., None] * matrix[:, None]
    assert_near(state, expected, TOLERANCES[torch.float32])


@every_backend
@every()
def test_what_is_not_a_number_is_not_swallowed(case, backend):
    arguments = case.build(70, torch.float32)
    for name, value in arguments.items():
        if not value.numel():
            continue
        broken = value.clone()
        broken[(0,) * value.ndim] = torch.nan
        with use_backend("reference"):
            expected = case.run(arguments | {name: broken})
        with use_backend(backend):
            results = case.run(arguments | {name: broken})
        assert any(wanted.isnan().any() for wanted in expected), name
        for index, (result, wanted) in enumerate(zip(results, expected, strict=True)):
            assert result[wanted.isnan()].isnan().all(), f"{name} in result {index}"


@every_selective
@pytest.mark.parametrize("strength", [0.1, 1.0, 8.0, 50.0])
def test_decays_of_every_strength(operation, backend, strength):
    arguments = NAMED[operation].build(130, torch.float32)
    arguments["A"] *= strength
    results = run(operation, arguments, backend)
    expected = NAMED[operation].expected(to_numpy(arguments))
    for result, wanted in zip(results, expected, strict=True):
        assert_near(result, wanted, TOLERANCES[torch.float32])


@every_selective
def test_no_time_leaves_the_state_alone(operation, backend):
    arguments = leaves(NAMED[operation].build(70, torch.float32))
    with torch.no_grad():
        arguments["dt"].fill_(-torch.inf)
    y, state = run(operation, arguments, backend)
    assert torch.equal(state, arguments["initial_state"])
    found = gradients((y, state), arguments)
    assert all(gradient.isfinite().all() for gradient in found.values())
    assert not found["dt"].any()
    assert not found["B"].any()


@every_selective
def test_a_loud_neighbour_is_not_heard(operation, backend):
    arguments = NAMED[operation].build(130, torch.float32)
    segments = (torch.arange(130) >= 70).long().expand(3, -1)
    loud = {name: value.clone() for name, value in arguments.items()}
    for name in ("x", "dt", "B", "C"):
        loud[name][:, :70] *= 1e25
    expected, _ = run(operation, arguments, backend, segments=segments)
    y, _ = run(operation, loud, backend, segments=segments)
    assert torch.equal(y[:, 70:], expected[:, 70:])


def test_a_decay_between_far_samples_keeps_its_digits():
    # The sum of exponents over a chunk is a thousand times what lies between neighbours.
    exponent = torch.full((1, 64, 1), -16.0)
    exponent[:, 40] = -1e-3
    one = torch.ones(1, 64, 1, 1)
    y, _ = ssd(one, -exponent / 1e3, torch.tensor([-1e3]), one, one, dt_softplus=False)
    steps = (-exponent / 1e3).double().flatten()
    expected = steps[40] + steps[39] * torch.exp(torch.tensor(-1e-3, dtype=torch.float64))
    assert_near(y[0, 40].double().flatten(), expected.reshape(1), 3e-7)


def test_mamba_discretises_B_by_eulers_rule():
    one = torch.ones(1, 1, 1)
    y, _ = selective_scan(one, 0.5 * one, -torch.ones(1, 1), one, one, dt_softplus=False)
    assert y.item() == 0.5
