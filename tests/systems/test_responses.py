"""Step and impulse responses, and time constants.

ORACLE: ``scipy.signal`` (lsim, dstep) and closed forms; a run of ones, or of one impulse, for discrete ones.
TOLERANCES: the table in conftest.py.
"""

import math

import numpy as np
import pytest
import scipy.signal
import torch

from clew.systems import DiscreteStateSpace, StateSpace


@pytest.fixture
def matrices(make) -> list[torch.Tensor]:
    """Poles left of −0.2."""
    A, B, C, D = make(4, 2, 3, radius=0.8)
    return [A - torch.eye(4), B, C, D]


def test_continuous_step_response_is_scipys(matrices, agree):
    t = np.linspace(0, 5, 21)
    found = StateSpace(*matrices).step_response(t)
    assert found.shape == (21, 3, 2)
    A, B, C, D = (matrix.numpy() for matrix in matrices)
    for channel in range(2):
        held = np.ones((len(t), 1))  # B has one column at a time, and D beside it
        _, expected, _ = scipy.signal.lsim((A, B[:, [channel]], C, D[:, [channel]]), held, t, interp=False)
        agree(found[..., channel], expected, "float64")


def test_continuous_step_response_of_an_integrator_and_of_one_time(agree):
    integrator = StateSpace([[0, 1], [0, 0]], [[0], [1]], [[1, 0]], [[3]])
    t = torch.tensor([0.0, 0.5, 4.0], dtype=torch.float64)
    agree(integrator.step_response(t)[:, 0, 0], 3 + t**2 / 2, "closed form")
    assert integrator.step_response(0.5).shape == (1, 1)
    batch = StateSpace(torch.zeros(5, 1, 1, 1), [[1]], [[1]])
    assert batch.step_response(t).shape == (5, 1, 3, 1, 1)


def test_discrete_responses_are_runs(make, agree):
    system = DiscreteStateSpace(*make(3, 2, 4, batch=(2,)))
    for channel in range(2):
        x = torch.zeros(20, 2, dtype=torch.float64)
        x[:, channel] = 1
        agree(system.step_response(20)[..., channel], system.run(x)[0])
        x[1:] = 0
        agree(system.impulse_response(20)[..., channel], system.run(x)[0])
    assert system.impulse_response(0).shape == (2, 0, 4, 2)
    assert system.step_response(0).shape == (2, 0, 4, 2)


def test_discrete_step_response_is_scipys(make, agree):
    system = DiscreteStateSpace(*make(3, 1, 1), dt=0.5)
    _, (expected,) = scipy.signal.dstep(system.to_scipy(), n=30)
    agree(system.step_response(30)[..., 0], expected)


def test_time_constants(agree):
    continuous = StateSpace(
        torch.diag(torch.tensor([-0.5, 0.0, 0.25, -4.0])), torch.ones(4, 1), torch.ones(1, 4)
    )
    expected = {-0.5: 2.0, 0.0: math.inf, 0.25: -4.0, -4.0: 0.25}
    wanted = torch.tensor([expected[round(pole.item().real, 2)] for pole in continuous.poles()])
    torch.testing.assert_close(continuous.time_constants(), wanted)
    oscillator = StateSpace([[-0.1, 5], [-5, -0.1]], [[1], [0]], [[1, 0]])
    agree(oscillator.time_constants(), [10.0, 10.0], "closed form")
    # One e-fold stays one e-fold in samples, and in time.
    agree(oscillator.discretize(0.3).time_constants(), [10.0, 10.0], "closed form")
    steps = StateSpace([[-2.0]], [[1]], [[1]]).discretize([0.1, 0.7])
    agree(steps.time_constants(), [[0.5], [0.5]], "closed form")


def test_time_constants_at_the_ends():
    system = DiscreteStateSpace([[0, 0, 0], [0, 1, 0], [0, 0, 2]], [[1], [1], [1]], [[1, 1, 1]])
    found = dict(zip(system.poles().real.tolist(), system.time_constants().tolist(), strict=True))
    assert found == {0.0: 0.0, 1.0: math.inf, 2.0: pytest.approx(-1 / math.log(2))}


def test_gradients(matrices):
    leaves = [matrix.requires_grad_() for matrix in matrices]
    t = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)

    def respond(A, B, C, D, t):
        return StateSpace(A, B, C, D).step_response(t), DiscreteStateSpace(A, B, C, D).step_response(4)

    assert torch.autograd.gradcheck(respond, (*leaves, t))
