"""The HiPPO matrices.

Oracle: the definition by quadrature. With Legendre polynomials scaled to the interval (0, t) and
orthonormal for the uniform measure on it, dc/dt of c_n(t) = ⟨f, p_n(·, t)⟩ is computed from a test function
by mpmath, without the matrices. Tolerances: TOLERANCES.
"""

import mpmath
import pytest
import torch

import clew.hippo

TOLERANCES = {
    "derivative": 1e-12  # mpmath works with 30 digits; the matrices are float64 of size below 100
}


def coefficients(order, time):
    """c_n(t) = √(2n+1) ∫₀¹ f(t s) P_n(2s − 1) ds: f on (0, t) in orthonormal Legendre polynomials."""

    def coefficient(n):
        integrand = lambda s: signal(time * s) * mpmath.legendre(n, 2 * s - 1)  # noqa: E731
        return mpmath.sqrt(2 * n + 1) * mpmath.quad(integrand, [0, 1])

    return [coefficient(n) for n in range(order)]


def signal(moment):
    return mpmath.sin(3 * moment) + moment**2


def test_legs_satisfies_its_differential_equation():
    order, time = 6, mpmath.mpf("1.7")
    with mpmath.workdps(30):
        slope = [
            mpmath.diff(lambda t, n=n: coefficients(n + 1, t)[n], time, h=mpmath.mpf("1e-8"))
            for n in range(order)
        ]
        c = coefficients(order, time)
        force = signal(time)
    A, B = clew.hippo.transition("legs", order)
    c = torch.tensor([float(value) for value in c], dtype=torch.float64)
    predicted = (A @ c + B[:, 0] * float(force)) / float(time)
    wanted = torch.tensor([float(value) for value in slope], dtype=torch.float64)
    torch.testing.assert_close(predicted, wanted, rtol=0, atol=TOLERANCES["derivative"])


def test_shapes_and_dtype():
    A, B = clew.hippo.transition("legs", 5)
    assert A.shape == (5, 5)
    assert B.shape == (5, 1)
    assert A.dtype == B.dtype == torch.float64


def test_an_unknown_measure_gets_the_nearest_name():
    with pytest.raises(ValueError, match="did you mean 'legs'"):
        clew.hippo.transition("leg", 4)


def test_an_order_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1; got 0"):
        clew.hippo.transition("legs", 0)
