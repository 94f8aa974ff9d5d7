"""One system over many spans of time.

Oracle: scipy's matrix exponential of [A B; 0 0], span by span; closed forms at the ends and for the gradient.
Tolerances: TOLERANCES.
"""

import numpy as np
import pytest
import scipy.linalg
import torch

from clew.maths.flow import flow

TOLERANCES = {
    "exponential": 1e-12,  # relative to the largest entry: some thirty products in float64
    "short": 1e-15,  # the same for a step so short that I hides it: held to its own size by e^X − I
    "gradient": 1e-6,  # central differences of 1e-6
}


def system(order, damping=0.5):
    torch.manual_seed(order)
    A = torch.randn(order, order, dtype=torch.float64)
    return A - A.T - damping * torch.eye(order), torch.randn(order, dtype=torch.float64)


def norm(A):
    return float(A.abs().sum(0).max())


def augmented(A, B, t):
    both = np.zeros((len(A) + 1, len(A) + 1))
    both[:-1, :-1], both[:-1, -1] = A.numpy(), B.numpy()
    exponential = scipy.linalg.expm(both * t)
    return exponential[:-1, :-1], exponential[:-1, -1]


@pytest.mark.parametrize("order", [1, 2, 9])
def test_it_is_the_matrix_exponential(order):
    A, B = system(order)
    times = torch.tensor([[0.0, 1e-6, 0.3], [1.0, 7.0, 20.0]], dtype=torch.float64)
    E, integral = flow(A, B, times, norm(A) * 20.0 + 1e-3)
    assert (E.shape, integral.shape) == ((2, 3, order, order), (2, 3, order))
    for at in np.ndindex(2, 3):
        wanted = augmented(A, B, float(times[at]))
        np.testing.assert_allclose(E[at].numpy(), wanted[0], rtol=0, atol=TOLERANCES["exponential"])
        np.testing.assert_allclose(
            integral[at].numpy(),
            wanted[1],
            rtol=0,
            atol=TOLERANCES["exponential"] * max(1, abs(wanted[1]).max()),
        )


def test_a_longer_bound_changes_no_digit_to_speak_of():
    A, B = system(5)
    times = torch.tensor([0.1], dtype=torch.float64)
    short, long = (flow(A, B, times, longest) for longest in (norm(A) * 0.1, norm(A) * 1e4))
    for one, other in zip(short, long, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=TOLERANCES["exponential"])


def test_no_time_changes_nothing():
    A, B = system(4)
    E, integral = flow(A, B, torch.zeros((), dtype=torch.float64), 100.0)
    assert torch.equal(E, torch.eye(4, dtype=torch.float64))
    assert not integral.any()


def test_a_short_time_keeps_its_digits():
    """∫₀ᵗ e^{sA} ds B ≈ t B for t = 1e-12, to all digits of its own."""
    A, B = system(4)
    _, integral = flow(A, B, torch.tensor(1e-12, dtype=torch.float64), norm(A) * 64)
    torch.testing.assert_close(integral, 1e-12 * B, rtol=1e-10, atol=TOLERANCES["short"] * 1e-12)


def test_gradient_of_the_times():
    A, B = system(3)
    times = torch.tensor([0.0, 0.4, 3.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda t: flow(A, B, t, norm(A) * 4), times, atol=TOLERANCES["gradient"], rtol=TOLERANCES["gradient"]
    )
