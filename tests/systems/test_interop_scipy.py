"""To and from ``scipy.signal``, whose discrete systems output before they update.

ORACLE: scipy's own simulation (``dlsim``), and the matrices put back together.
TOLERANCES: "closed form" in the table of conftest.py, 1e-12.
"""

import builtins

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.signal
import torch

from clew.errors import MissingExtraError
from clew.systems import DiscreteStateSpace, StateSpace

DELAY = [[0, 0], [1, 0]], [[1], [0]], [[0, 1]], [[0]]  # y[k] = x[k − 2] in scipy's convention


def simulated(theirs, x: np.ndarray, state: np.ndarray | None = None) -> np.ndarray:
    return scipy.signal.dlsim(theirs, x, x0=state)[1]


def same(system, other, agree):
    for one, two in zip(system.matrices, other.matrices, strict=True):
        agree(one, two, "closed form")


def test_continuous_round_trip(make, agree):
    system = StateSpace(*make(3, 2, 4))
    theirs = system.to_scipy()
    assert isinstance(theirs, scipy.signal.lti)
    same(StateSpace.from_scipy(theirs), system, agree)


def test_continuous_transfer_function(agree):
    system = StateSpace.from_scipy(scipy.signal.TransferFunction([1.0], [1.0, 0.4, 4.0]))
    omega = np.array([0.5, 2.0, 9.0])
    agree(system.frequency_response(omega)[:, 0, 0], 1 / (4 - omega**2 + 0.4j * omega), "closed form")


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(sizes=st.tuples(*[st.integers(1, 5)] * 3), seed=st.integers(0, 10**6))
def test_discrete_to_scipy(make, agree, sizes, seed):
    system = DiscreteStateSpace(*make(*sizes, seed=seed), dt=0.5)
    x = np.random.default_rng(seed).normal(size=(30, sizes[1]))
    state = np.random.default_rng(seed + 1).normal(size=sizes[0])
    theirs = system.to_scipy()
    assert theirs.dt == 0.5
    agree(system.run(x, state)[0], simulated(theirs, x, state), "closed form")


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(sizes=st.tuples(*[st.integers(1, 5)] * 3), seed=st.integers(0, 10**6))
def test_discrete_from_scipy(make, agree, sizes, seed):
    matrices = [matrix.numpy() for matrix in make(*sizes, seed=seed)]
    theirs = scipy.signal.StateSpace(*matrices, dt=0.5)
    ours = DiscreteStateSpace.from_scipy(theirs)
    x = np.random.default_rng(seed).normal(size=(30, sizes[1]))
    agree(ours.run(x)[0], simulated(theirs, x), "closed form")
    agree(ours.run(x)[0], simulated(ours.to_scipy(), x), "closed form")
    assert ours.dt == 0.5
    assert ours.order == sizes[0] * (1 if np.linalg.cond(matrices[0]) <= 1000 else 2)


def test_discrete_round_trip(agree):
    A = [[0.9, 0.2, 0.0], [-0.2, 0.9, 0.1], [0.0, 0.0, 0.5]]
    system = DiscreteStateSpace(
        A, torch.randn(3, 2).double(), torch.randn(2, 3).double(), torch.randn(2, 2).double(), 2
    )
    same(DiscreteStateSpace.from_scipy(system.to_scipy()), system, agree)


def test_pure_delay(agree):
    theirs = scipy.signal.StateSpace(*(np.array(matrix, dtype=float) for matrix in DELAY), dt=1.0)
    ours = DiscreteStateSpace.from_scipy(theirs)
    x = np.random.default_rng(0).normal(size=(12, 1))
    assert ours.order == 4
    agree(ours.run(x)[0], np.concatenate((np.zeros((2, 1)), x[:-2])), "closed form")
    again = DiscreteStateSpace.from_scipy(ours.to_scipy())
    agree(again.run(x)[0], simulated(theirs, x), "closed form")


def test_nearly_a_delay(agree):
    """The inverse of this A exists, and would cost ten digits."""
    theirs = scipy.signal.StateSpace([[1e-10, 0.3], [0.9, 1.0]] @ np.diag([1e-10, 1.0]), *DELAY[1:], dt=1.0)
    ours = DiscreteStateSpace.from_scipy(theirs)
    x = np.random.default_rng(0).normal(size=(12, 1))
    assert ours.order == 4
    agree(ours.run(x)[0], simulated(theirs, x), "closed form")


def test_our_delay_goes_there_and_back(agree):
    ours = DiscreteStateSpace(*DELAY)
    x = np.random.default_rng(0).normal(size=(12, 1))
    agree(ours.run(x)[0], simulated(ours.to_scipy(), x), "closed form")
    agree(DiscreteStateSpace.from_scipy(ours.to_scipy()).run(x)[0], ours.run(x)[0], "closed form")


def test_static_gain(agree):
    theirs = scipy.signal.TransferFunction([3.0], [1.0], dt=1.0)
    x = np.random.default_rng(0).normal(size=(5, 1))
    agree(DiscreteStateSpace.from_scipy(theirs).run(x)[0], 3 * x, "closed form")
    agree(StateSpace.from_scipy(scipy.signal.TransferFunction([3.0], [1.0])).frequency_response(1.0), [[3]])


def test_unspecified_step_is_one():
    theirs = scipy.signal.dlti(*(np.array(matrix, dtype=float) for matrix in DELAY))
    assert theirs.dt is True
    assert DiscreteStateSpace.from_scipy(theirs).dt == 1.0


def test_complex_and_float32(make, agree):
    system = DiscreteStateSpace(*make(3, 1, 1, dtype=torch.complex128))
    x = np.random.default_rng(0).normal(size=(9, 1))
    A, B, C, D = (np.asarray(matrix) for matrix in (getattr(system.to_scipy(), name) for name in "ABCD"))
    state, outputs = np.zeros(3), []
    for x_k in x:
        outputs.append(C @ state + D @ x_k)
        state = A @ state + B @ x_k
    agree(system.run(x)[0], np.array(outputs), "closed form")
    assert DiscreteStateSpace(*make(3, 1, 1, dtype=torch.float32)).to_scipy().A.dtype == np.float64


def test_gradients_are_left_behind(make):
    matrices = [matrix.requires_grad_() for matrix in make(3, 1, 1)]
    assert isinstance(DiscreteStateSpace(*matrices).to_scipy().A, np.ndarray)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: StateSpace.from_scipy(scipy.signal.dlti([1.0], [1.0, 0.5])),
            "a continuous system .* got scipy",
        ),
        (
            lambda: DiscreteStateSpace.from_scipy(scipy.signal.lti([1.0], [1.0, 0.5])),
            "a discrete system .* got sci",
        ),
        (lambda: StateSpace.from_scipy(3.0), r"got builtins\.float"),
        (lambda: StateSpace(torch.zeros(3, 1, 1), [[1]], [[1]]).to_scipy(), r"batch of shape \(3,\)"),
        (
            lambda: DiscreteStateSpace(torch.zeros(2, 1, 1), [[1]], [[1]], dt=[0.1, 0.2]).to_scipy(),
            r"batch of shape \(2,\)",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_scipy(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == "scipy":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"'scipy'.*pip install 'clew\[control\]'"):
        StateSpace([[0]], [[1]], [[1]]).to_scipy()
