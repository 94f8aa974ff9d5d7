"""The continuous system: responses, simulation, discretisation.

ORACLE: ``scipy.signal`` (freqresp, lsim, cont2discrete) and ``scipy.linalg.expm``; closed forms of the
first-order lag and the oscillator; for the discrete frequency response, the sum of the kernel times e^{−iωl}.
TOLERANCES: the table in conftest.py.
"""

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import torch

from clew.systems import DiscreteStateSpace, StateSpace


@pytest.fixture
def matrices(make) -> list[torch.Tensor]:
    """Poles left of −0.2."""
    A, B, C, D = make(4, 2, 3, radius=0.8)
    return [A - torch.eye(4), B, C, D]


def test_frequency_response_is_scipys(matrices, agree):
    omega = np.array([0.0, 0.3, -2.0, 50.0])
    H = StateSpace(*matrices).frequency_response(omega)
    assert H.shape == (4, 3, 2)
    for channel in range(2):
        A, B, C, D = (matrix.numpy() for matrix in matrices)
        for row in range(3):
            single = A, B[:, [channel]], C[[row]], D[[row]][:, [channel]]
            _, expected = scipy.signal.freqresp(single, omega)
            agree(H[:, row, channel], expected, "closed form")


def test_frequency_response_of_one_frequency_and_of_a_batch(matrices, agree):
    A, B, C, D = matrices
    batch = StateSpace(torch.stack((A, 2 * A)), B, C, D)
    assert batch.frequency_response(1.0).shape == (2, 3, 2)
    agree(batch.frequency_response([1.0, 2.0])[1, 0], StateSpace(2 * A, B, C, D).frequency_response(1))
    inputs_only = StateSpace(A, torch.stack((B, 2 * B, B)), C, D)
    assert inputs_only.frequency_response([1.0, 2.0]).shape == (3, 2, 3, 2)
    assert (
        StateSpace(*(matrix.float() for matrix in matrices)).frequency_response(1.0).dtype == torch.complex64
    )


def test_discrete_frequency_response_is_the_kernels_transform(make, agree):
    A, B, C, D = make(3, 2, 4, radius=0.7)
    dt, omega = 0.2, torch.tensor([0.0, 1.0, 7.0, np.pi / 0.2], dtype=torch.float64)
    system = DiscreteStateSpace(A, B, C, D, dt=dt)
    lags = torch.arange(200, dtype=torch.float64)
    expected = (
        torch.einsum("lmp,fl->fmp", system.kernel(200) + 0j, torch.exp(-1j * omega[:, None] * lags * dt)) + D
    )
    agree(system.frequency_response(omega), expected, "closed form")


def test_discrete_frequency_response_with_steps_of_a_batch(make, agree):
    A, B, C, D = make(3, 2, 4, batch=(2,))
    steps = torch.tensor([0.1, 0.5])
    whole = DiscreteStateSpace(A, B, C, D, dt=steps).frequency_response([0.0, 2.0, 3.0])
    assert whole.shape == (2, 3, 4, 2)
    for k in range(2):
        alone = DiscreteStateSpace(A[k], B[k], C[k], D[k], dt=steps[k].item())
        agree(whole[k], alone.frequency_response([0.0, 2.0, 3.0]))
        agree(whole[k, 1], alone.frequency_response(2.0))


def test_impulse_response_is_scipys_exponential(matrices, agree):
    A, B, C, D = matrices
    t = np.array([0.0, 0.1, 3.0, 20.0])
    response = StateSpace(A, B, C, D).impulse_response(t)
    expected = np.stack([C.numpy() @ scipy.linalg.expm(A.numpy() * each) @ B.numpy() for each in t])
    agree(response, expected, "closed form")
    agree(StateSpace(A, B, C, D).impulse_response(3.0), expected[2], "closed form")
    assert StateSpace(torch.stack((A, A)), B, C, D).impulse_response(t).shape == (2, 4, 3, 2)


def test_impulse_response_of_an_oscillator(agree):
    t = torch.linspace(0, 10, 50, dtype=torch.float64)
    response = StateSpace([[0, 3], [-3, 0]], [[0], [1]], [[1, 0]]).impulse_response(t)
    agree(response[:, 0, 0], torch.sin(3 * t), "closed form")


def test_simulation_is_scipys_held_input(matrices, agree):
    """scipy holds sample k over the interval that begins at t[k], ours over the one that ends there."""
    system = StateSpace(*matrices)
    t = np.arange(1, 31) * 0.1
    x, state = np.random.default_rng(0).normal(size=(30, 2)), np.array([1.0, -1.0, 0.5, 2.0])
    y, final = system.simulate(x, t, state)
    held = np.concatenate((x, np.zeros((1, 2))))
    _, expected, states = scipy.signal.lsim(
        tuple(matrix.numpy() for matrix in matrices), held, np.concatenate(([0], t)), state, interp=False
    )
    D = matrices[3].numpy()
    # lsim's y[k + 1] has D x[k + 1], ours D x[k].
    agree(y, expected[1:] - held[1:] @ D.T + x @ D.T, "float64")
    agree(final, states[-1], "float64")


def test_simulation_is_the_discretised_run(matrices, agree):
    system = StateSpace(*matrices)
    x, state = torch.randn(3, 25, 2, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    y, final = system.simulate(x, 0.25 * torch.arange(1, 26), state)
    expected = system.discretize(0.25).run(x, state)
    agree(y, expected[0])
    agree(final, expected[1])


def test_simulation_between_uneven_times(agree):
    """A first-order lag: h relaxes towards x[k] over the k-th interval; times may repeat, and start at 0."""
    t = [0.0, 0.3, 0.3, 1.0, 5.0]
    x = [2.0, -1.0, 4.0, 0.5, 3.0]
    h, expected, now = 0.7, [], 0.0
    for t_k, x_k in zip(t, x, strict=True):
        h = x_k + (h - x_k) * np.exp(-(t_k - now))
        now = t_k
        expected.append([h])
    y, final = StateSpace([[-1]], [[1]], [[1]]).simulate(np.array(x)[:, None], t, [0.7])
    agree(y, expected, "closed form")
    agree(final, expected[-1], "closed form")


def test_simulation_in_two_parts(matrices, agree):
    system = StateSpace(*matrices)
    x, t = torch.randn(10, 2, dtype=torch.float64), torch.rand(10, dtype=torch.float64).cumsum(0)
    y, final = system.simulate(x, t)
    first, state = system.simulate(x[:4], t[:4])
    second, state = system.simulate(x[4:], t[4:] - t[3], state)
    agree(torch.cat((first, second)), y)
    agree(state, final)


def test_simulation_of_nothing(matrices):
    state = torch.ones(4, dtype=torch.float64)
    y, final = StateSpace(*matrices).simulate(torch.zeros(0, 2), [], state)
    assert y.shape == (0, 3)
    assert torch.equal(final, state)


def test_simulation_keeps_float32(matrices):
    y, final = StateSpace(*(matrix.float() for matrix in matrices)).simulate(
        torch.ones(5, 2), [1, 2, 3, 4, 5]
    )
    assert y.dtype == final.dtype == torch.float32


def test_gradients(matrices):
    leaves = [matrix.requires_grad_() for matrix in matrices]
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    t = torch.tensor([0.5, 0.7, 1.0, 1.5], dtype=torch.float64, requires_grad=True)
    state = torch.randn(4, dtype=torch.float64, requires_grad=True)

    def simulate(A, B, C, D, x, t, state):
        return StateSpace(A, B, C, D).simulate(x, t, state)

    def respond(A, B, C, D, t):
        system = StateSpace(A, B, C, D)
        return torch.view_as_real(system.frequency_response(t)), system.impulse_response(t)

    assert torch.autograd.gradcheck(simulate, (*leaves, x, t, state))
    assert torch.autograd.gradcheck(respond, (*leaves, t))


@pytest.mark.parametrize("method", ["zoh", "bilinear", "forward_euler", "backward_euler"])
def test_discretisation_is_scipys(matrices, method, agree):
    names = {"forward_euler": "euler", "backward_euler": "backward_diff"}
    system = StateSpace(*matrices).discretize(0.1, method)
    A, B, *_ = scipy.signal.cont2discrete(
        [m.numpy() for m in matrices], 0.1, method=names.get(method, method)
    )
    agree(system.A, A, "closed form")
    agree(system.B, B, "closed form")
    assert system.C is matrices[2]
    assert system.D is matrices[3]
    assert system.dt == 0.1


def test_discretisation_with_steps_of_a_batch(matrices, agree):
    system = StateSpace(*matrices).discretize([0.1, 0.2, 0.4])
    assert system.batch_shape == (3,)
    assert system.A.shape == (3, 4, 4)
    agree(system.A[1], system.A[0] @ system.A[0])
    agree(system.A[2], system.A[1] @ system.A[1])
    assert torch.equal(system.dt, torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64))


def test_gradient_of_the_step(matrices):
    dt = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    x = torch.randn(6, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda step: StateSpace(*matrices).discretize(step).run(x, mode="scan"), dt
    )
