"""To and from python-control, whose discrete systems output before they update.

ORACLE: control's own simulation (``forced_response``) and frequency response.
TOLERANCES: "closed form" in the table of conftest.py, 1e-12.
"""

import builtins

import control
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch

from clew.errors import MissingExtraError
from clew.systems import DiscreteStateSpace, StateSpace


def simulated(theirs, x: np.ndarray, state=0) -> np.ndarray:
    """(L, M), for x (L, P)."""
    times = np.arange(len(x)) * theirs.dt
    return np.atleast_2d(control.forced_response(theirs, times, x.T, state, squeeze=False).outputs).T


def test_continuous_round_trip(make, agree):
    system = StateSpace(*make(3, 2, 4))
    theirs = system.to_control()
    assert theirs.isctime(strict=True)
    for one, two in zip(StateSpace.from_control(theirs).matrices, system.matrices, strict=True):
        agree(one, two, "closed form")
    agree(system.frequency_response(1.5), theirs(1.5j), "closed form")


def test_unused_states_stay():
    system = StateSpace([[0, 0], [0, -1]], [[0], [1]], [[0, 1]])
    assert system.to_control().nstates == 2


@hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(sizes=st.tuples(*[st.integers(1, 5)] * 3), seed=st.integers(0, 10**6))
def test_discrete_both_ways(make, agree, sizes, seed):
    matrices = make(*sizes, seed=seed)
    x = np.random.default_rng(seed).normal(size=(20, sizes[1]))
    state = np.random.default_rng(seed + 1).normal(size=sizes[0])
    system = DiscreteStateSpace(*matrices, dt=0.5)
    agree(system.run(x, state)[0], simulated(system.to_control(), x, state), "closed form")
    theirs = control.StateSpace(*(matrix.numpy() for matrix in matrices), 0.5)
    ours = DiscreteStateSpace.from_control(theirs)
    assert ours.dt == 0.5
    agree(ours.run(x)[0], simulated(theirs, x), "closed form")
    agree(ours.run(x)[0], simulated(ours.to_control(), x), "closed form")


def test_frequency_responses_agree(make, agree):
    system = DiscreteStateSpace(*make(3, 2, 2, radius=0.8), dt=0.5)
    agree(system.frequency_response(1.2), system.to_control()(np.exp(0.6j)), "closed form")


def test_pure_delay(agree):
    theirs = control.StateSpace([[0, 0], [1, 0]], [[1], [0]], [[0, 1]], [[0]], 1.0)
    ours = DiscreteStateSpace.from_control(theirs)
    x = np.random.default_rng(0).normal(size=(12, 1))
    agree(ours.run(x)[0], np.concatenate((np.zeros((2, 1)), x[:-2])), "closed form")
    agree(ours.run(x)[0], simulated(ours.to_control(), x), "closed form")


def test_transfer_functions(agree):
    continuous = StateSpace.from_control(control.tf([1.0], [1.0, 2.0]))
    agree(continuous.frequency_response(3.0), [[1 / (2 + 3j)]], "closed form")
    discrete = DiscreteStateSpace.from_control(control.tf([1.0], [1.0, -0.5], True))
    assert discrete.dt == 1.0
    agree(discrete.kernel(4)[:, 0, 0] + discrete.D[0, 0] * torch.tensor([1, 0, 0, 0]), [0, 1, 0.5, 0.25])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: StateSpace.from_control(control.ss(0, 1, 1, 0, 0.1)),
            "a continuous system, got one with dt=0.1",
        ),
        (
            lambda: DiscreteStateSpace.from_control(control.ss(0, 1, 1, 0, 0)),
            "a discrete system, got one with dt=0",
        ),
        (
            lambda: DiscreteStateSpace.from_control(control.ss(0, 1, 1, 0, None)),
            "a discrete system, .* dt=None",
        ),
        (lambda: StateSpace.from_control(3.0), r"got builtins\.float"),
        (lambda: StateSpace(torch.zeros(3, 1, 1), [[1]], [[1]]).to_control(), r"batch of shape \(3,\)"),
        (lambda: DiscreteStateSpace([[1j]], [[1]], [[1]]).to_control(), "real systems only"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_control(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == "control":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"'control'.*pip install 'clew\[control\]'"):
        StateSpace([[0]], [[1]], [[1]]).to_control()
