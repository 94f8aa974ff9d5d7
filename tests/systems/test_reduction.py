"""Gramians, Hankel singular values and balanced truncation.

ORACLE: ``scipy.linalg``'s Lyapunov solvers; the singular values of the Hankel matrix itself, built from the
kernel; the proven bound on the error.
TOLERANCES: the table in conftest.py.
"""

import numpy as np
import pytest
import scipy.linalg
import torch

import clew.hippo
from clew.systems import DiscreteStateSpace, StateSpace, balanced_truncation, hankel_singular_values
from clew.systems.gramians import continuous_factor, discrete_factor


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("inputs", [1, 2, 9])
def test_gramians_are_scipys(dtype, inputs, make, agree):
    A, B, *_ = make(6, inputs, 1, radius=0.97, dtype=dtype)
    Z = discrete_factor(A, B)
    agree(Z @ Z.mH, scipy.linalg.solve_discrete_lyapunov(A.numpy(), (B @ B.mH).numpy()))
    A = A - torch.eye(6)
    Z = continuous_factor(A, B)
    agree(Z @ Z.mH, scipy.linalg.solve_continuous_lyapunov(A.numpy(), -(B @ B.mH).numpy()))


def test_gramians_of_nothing_that_lasts_and_of_a_batch(agree):
    delay = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    B = torch.tensor([[2.0], [0.0]], dtype=torch.float64)
    Z = discrete_factor(torch.stack((delay, 0 * delay)), torch.stack((B, B)))
    agree(Z @ Z.mH, [[[4, 0], [0, 4]], [[4, 0], [0, 0]]], "closed form")


def hankel_matrix(kernel, size, first):
    K = kernel.numpy()
    blocks = [[K[i + j + first] for j in range(size)] for i in range(size)]
    return np.block(blocks)


def test_hankel_singular_values_of_a_discrete_system(make, agree):
    system = DiscreteStateSpace(*make(5, 2, 3, radius=0.7))
    wanted = np.linalg.svd(hankel_matrix(system.kernel(201), 100, 1), compute_uv=False)[:5]
    agree(hankel_singular_values(system), wanted)
    present = np.linalg.svd(hankel_matrix(system.kernel(201), 100, 0), compute_uv=False)[:5]
    agree(balanced_truncation(system, 2).singular_values, present)


def test_hankel_singular_values_do_not_depend_on_the_convention(make, agree):
    """Of our system with D = 0 and of scipy's copy of it, whose C is another and whose D is not 0."""
    system = DiscreteStateSpace(*make(4, 1, 1, radius=0.8))
    again = DiscreteStateSpace.from_scipy(system.to_scipy())
    agree(hankel_singular_values(again), hankel_singular_values(system))


def test_hankel_singular_values_are_the_roots_of_both_gramians(make, agree):
    A, B, C, D = make(5, 2, 3, radius=0.8)
    A = A - torch.eye(5)
    reached = scipy.linalg.solve_continuous_lyapunov(A.numpy(), -(B @ B.T).numpy())
    shown = scipy.linalg.solve_continuous_lyapunov(A.numpy().T, -(C.T @ C).numpy())
    wanted = np.sqrt(np.sort(np.linalg.eigvals(reached @ shown).real)[::-1])
    agree(hankel_singular_values(StateSpace(A, B, C, D)), wanted)


def test_small_singular_values_keep_their_digits():
    """A state that is hardly reached and hardly shown: 1e-12 of the rest, which a Gramian would lose."""
    system = StateSpace(
        torch.diag(-torch.tensor([1.0, 2.0], dtype=torch.float64)), [[1.0], [1e-6]], [[1.0, 1e-6]]
    )
    # Symmetric: the eigenvalues of the cross-Gramian [[1/2, e/3], [e/3, e²/4]], e = 1e-6.
    wanted = np.abs(np.linalg.eigvalsh(np.array([[0.5, 1e-6 / 3], [1e-6 / 3, 1e-12 / 4]])))[0]
    exact = 0.5 * 0.25 - 1 / 9  # the determinant over e²
    assert hankel_singular_values(system)[1].item() == pytest.approx(exact * 1e-12 / 0.5, rel=1e-6)
    assert wanted > 0


@pytest.mark.parametrize("kind", [StateSpace, DiscreteStateSpace])
@pytest.mark.parametrize("order", [1, 3, 6])
def test_the_error_is_within_its_bound(kind, order, make):
    A, B, C, D = make(6, 2, 3, radius=0.9)
    system = kind(A - torch.eye(6), B, C, D) if kind is StateSpace else kind(A, B, C, D, dt=0.5)
    reduced, values, bound = balanced_truncation(system, order)
    assert type(reduced) is kind
    assert (reduced.order, len(values)) == (order, 6)
    assert reduced.is_stable()
    omega = torch.linspace(0, 6.28, 400, dtype=torch.float64)
    error = torch.linalg.svdvals(reduced.frequency_response(omega) - system.frequency_response(omega)).max()
    assert error <= bound + 1e-10
    assert order == 6 or error > 0.01 * bound
    if kind is DiscreteStateSpace:
        assert reduced.dt == 0.5


def test_a_redundant_state_goes_without_loss(make, agree):
    A, B, C, D = make(3, 1, 1, radius=0.8)
    zero = torch.zeros(3, 3, dtype=torch.float64)
    twice = torch.cat((torch.cat((A, zero), 1), torch.cat((zero, A), 1)))
    system = DiscreteStateSpace(twice, torch.cat((B, B)), torch.cat((C, C), 1), D)
    reduced, _, bound = balanced_truncation(system, 3)
    assert bound < 1e-12
    agree(reduced.kernel(50), system.kernel(50))
    with pytest.raises(ValueError, match="fewer than 4 states are both reached and shown"):
        balanced_truncation(system, 4)


def test_batches_dtypes_and_hippo():
    A, B = clew.hippo.transition("legs", 32)
    C = torch.randn(4, 1, 32, dtype=torch.float64)
    system = StateSpace(A, B, C)
    values = hankel_singular_values(system)
    assert values.shape == (4, 32)
    for k in range(4):
        torch.testing.assert_close(values[k], hankel_singular_values(StateSpace(A, B, C[k])))
    reduced = balanced_truncation(system.to(torch.float32), 8)
    assert (reduced.system.batch_shape, reduced.system.dtype) == ((4,), torch.float32)
    assert reduced.bound.shape == (4,)


@pytest.mark.parametrize("call", [hankel_singular_values, lambda system: balanced_truncation(system, 1)])
@pytest.mark.parametrize(
    "system",
    [StateSpace([[0.0]], [[1.0]], [[1.0]]), DiscreteStateSpace([[1.0]], [[1.0]], [[1.0]])],
)
def test_unstable_systems_are_refused(call, system):
    with pytest.raises(ValueError, match="not stable"):
        call(system)


@pytest.mark.parametrize("order", [0, 2, 1.0, True])
def test_orders_out_of_range(order):
    with pytest.raises(ValueError, match="order is from 1 to 1"):
        balanced_truncation(StateSpace([[-1.0]], [[1.0]], [[1.0]]), order)
