"""The HiPPO matrices and basis functions.

ORACLE: for LegS the definition, by quadrature in mpmath: with Legendre polynomials scaled to the interval
(0, t) and orthonormal for the uniform measure on it, dc/dt of c_n(t) = ⟨f, p_n(·, t)⟩ is computed from a test
function, without the matrices. For the other measures integration by parts, in numpy.polynomial and
scipy.special: c_n = ∫ f(t − s) ψ_n(s) ds has the derivative ψ_n(0) f(t) − ψ_n(1) f(t − 1) +
∫ f(t − s) ψ_n′(s) ds, in which f(t − s) is expanded in the basis.
TOLERANCES: TOLERANCES.
"""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import torch
from numpy.polynomial import Chebyshev, Legendre

import clew.hippo

TOLERANCES = {
    "derivative": 1e-12,  # mpmath works with 30 digits; the matrices are float64 of size below 100
    "matrices": 1e-10,  # integrals of polynomials of degree below 40 by Gauss's quadrature, entries below 100
    "similar": 1e-8,  # eigenvalues of matrices that are far from normal
}

MEASURES = ["legs", "legt", "lagt", "fout", "chebt"]
POINTS, WEIGHTS = np.polynomial.legendre.leggauss(60)
POINTS, WEIGHTS = (POINTS + 1) / 2, WEIGHTS / 2  # of s from 0 (now) to 1


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


def polynomial_memory(polynomials):
    """A and B for ψ_n(s) = polynomials[n](1 − 2s), by parts, f(t − 1) read from a polynomial."""
    psi = np.array([p(1 - 2 * POINTS) for p in polynomials])
    slope = np.array([-2 * p.deriv()(1 - 2 * POINTS) for p in polynomials])
    monomials = [Legendre.basis(k) for k in range(len(polynomials))]
    at_points = np.array([p(1 - 2 * POINTS) for p in monomials])
    at_end = np.array([p(-1.0) for p in monomials])
    moments = (psi * WEIGHTS) @ at_points.T  # coefficients of each Legendre polynomial
    moving = (slope * WEIGHTS) @ at_points.T - np.outer([p(-1.0) for p in polynomials], at_end)
    return moving @ np.linalg.inv(moments), np.array([p(1.0) for p in polynomials])


@pytest.mark.parametrize("order", [1, 2, 5, 20])
def test_legt_by_parts(order):
    A, B = polynomial_memory([math.sqrt(2 * n + 1) * Legendre.basis(n) for n in range(order)])
    found = clew.hippo.transition("legt", order)
    np.testing.assert_allclose(found[0], A, rtol=0, atol=TOLERANCES["matrices"] * np.abs(A).max())
    np.testing.assert_allclose(found[1][:, 0], B, rtol=0, atol=TOLERANCES["matrices"])


@pytest.mark.parametrize("order", [1, 2, 5, 20])
def test_chebt_by_parts(order):
    kernel = math.sqrt(8) / math.pi
    A, B = polynomial_memory(
        [kernel * (math.sqrt(2) if n else 1.0) * Chebyshev.basis(n) for n in range(order)]
    )
    found = clew.hippo.transition("chebt", order)
    np.testing.assert_allclose(found[0], A, rtol=0, atol=TOLERANCES["matrices"] * np.abs(A).max())
    np.testing.assert_allclose(found[1][:, 0], B, rtol=0, atol=TOLERANCES["matrices"])


def test_chebt_is_legt_in_other_coordinates():
    poles = [torch.linalg.eigvals(clew.hippo.transition(name, 12)[0]) for name in ("legt", "chebt")]
    distance = (poles[0][:, None] - poles[1]).abs().min(0).values
    assert distance.max() < TOLERANCES["similar"] * poles[0].abs().max()


@pytest.mark.parametrize("order", [2, 4, 20])
def test_fout_by_parts(order):
    angle = 2 * np.pi * np.arange(order // 2)
    scale = np.where(np.arange(order // 2), math.sqrt(2), 1.0)
    A, B, now = np.zeros((order, order)), np.zeros(order), np.zeros(order)
    now[0::2] = scale
    # ψ′ of scale·cos(angle s) is −angle times its sine, and of scale·sin(angle s) angle times its cosine.
    for n in range(order // 2):
        A[2 * n, 2 * n + 1], A[2 * n + 1, 2 * n] = -angle[n], angle[n]
    # ψ(0) f(t) − ψ(1) f(t − 1) with f(t − 1) = 2 Σ c g(0) − f(t), for the series takes the mean at its ends.
    A, B = A - np.outer(now, 2 * now), now + now
    found = clew.hippo.transition("fout", order)
    np.testing.assert_allclose(found[0], A, rtol=0, atol=TOLERANCES["matrices"])
    np.testing.assert_allclose(found[1][:, 0], B, rtol=0, atol=TOLERANCES["matrices"])


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 1.0), (0.0, 0.25), (0.5, 1.0), (0.3, 2.0)])
def test_lagt_basis_is_orthonormal_for_its_weight(alpha, beta):
    order = 8
    # ∫ g_n g_k s^{−α} e^{−βs} ds / ζ; of s^α e^{−s} is Gauss's, the rest is a polynomial times s^α e^{−s}.
    points, weights = scipy.special.roots_genlaguerre(40, alpha)
    g = clew.hippo.basis("lagt", order, 1.0 - points, alpha=alpha, beta=beta).numpy()
    total = math.gamma(1 - alpha) * beta ** (alpha - 1)
    ratio = points ** (-2 * alpha) * np.exp((1 - beta) * points) / total
    found = (g * (weights * ratio)[:, None]).T @ g
    np.testing.assert_allclose(found, np.eye(order), rtol=0, atol=TOLERANCES["matrices"])


@pytest.mark.parametrize("measure", ["legs", "legt", "fout"])
def test_basis_is_orthonormal(measure):
    g = clew.hippo.basis(measure, 10, 1.0 - POINTS).numpy()
    wanted = np.diag([1.0, 0.0] + [1.0] * 8) if measure == "fout" else np.eye(10)
    np.testing.assert_allclose((g * WEIGHTS[:, None]).T @ g, wanted, rtol=0, atol=TOLERANCES["matrices"])


def test_chebt_basis_is_dual_to_its_coefficients():
    order = 9
    b = clew.hippo.basis("chebt", order, 1.0 - POINTS).numpy()
    p = np.array([(math.sqrt(2) if n else 1.0) * Chebyshev.basis(n)(1 - 2 * POINTS) for n in range(order)])
    found = math.sqrt(8) / math.pi * (p * WEIGHTS) @ b
    np.testing.assert_allclose(found, np.eye(order), rtol=0, atol=TOLERANCES["matrices"])


def test_lmu_is_legt_scaled():
    """The Legendre Memory Unit as published: A[i, j] = (2i+1) (−1 if i < j else (−1)^{i−j+1})."""
    order = 7
    i, j = np.meshgrid(np.arange(order), np.arange(order), indexing="ij")
    A_lmu = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    B_lmu = (2 * i[:, 0] + 1) * (-1.0) ** i[:, 0]
    scale = (-1.0) ** i[:, 0] * np.sqrt(2 * i[:, 0] + 1)
    A, B = (each.numpy() for each in clew.hippo.transition("legt", order))
    np.testing.assert_allclose(scale[:, None] * A / scale, A_lmu, atol=TOLERANCES["matrices"])
    np.testing.assert_allclose(scale * B[:, 0], B_lmu, atol=TOLERANCES["matrices"])


@pytest.mark.parametrize("measure", ["legt", "fout"])
def test_s4s_halved_matrices_have_a_window_of_two(measure):
    """The systems as S4's published code writes them, on which ours is twice: theirs spans two units."""
    order = 8
    n = np.arange(order)
    if measure == "legt":
        root = np.sqrt(2 * n + 1)
        A = -0.5 * np.outer(root, root) * np.where(n[:, None] < n, (-1.0) ** (n[:, None] - n), 1.0)
        B = 0.5 * root
    else:
        d = np.stack([np.zeros(order // 2), np.arange(order // 2)], axis=-1).reshape(-1)[1:]
        B = np.where(n % 2, 0.0, math.sqrt(2))
        B[0] = 1.0
        A = math.pi * (-np.diag(d, 1) + np.diag(d, -1)) - np.outer(B, B)
    found = clew.hippo.transition(measure, order)
    np.testing.assert_allclose(found[0] / 2, A, rtol=0, atol=TOLERANCES["matrices"])
    np.testing.assert_allclose(found[1][:, 0] / 2, B, rtol=0, atol=TOLERANCES["matrices"])


@pytest.mark.parametrize("measure", MEASURES)
def test_shapes_and_dtype(measure):
    A, B = clew.hippo.transition(measure, 6)
    assert A.shape == (6, 6)
    assert B.shape == (6, 1)
    assert A.dtype == B.dtype == torch.float64
    assert clew.hippo.basis(measure, 6, torch.rand(2, 3)).shape == (2, 3, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measure": "legss"}, "did you mean 'legs'"),
        ({"order": 0}, "at least 1; got 0"),
        ({"order": 2.0}, "at least 1; got 2.0"),
        ({"measure": "fout", "order": 5}, "even, got 5"),
        ({"beta": 0.5}, "beta belong to 'lagt', not to 'legs'"),
        ({"measure": "lagt", "beta": 0.0}, "beta is a positive, finite number, got 0.0"),
        ({"measure": "lagt", "alpha": 1.0}, "alpha is from 0 to below 1, got 1.0"),
        ({"measure": "lagt", "alpha": -0.5}, "alpha is from 0 to below 1, got -0.5"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        clew.hippo.transition(**({"measure": "legs", "order": 4} | arguments))


@pytest.mark.parametrize(
    ("measure", "at", "message"),
    [
        ("legs", [0.5, 1.5], r"from 0 \(the oldest moment\) to 1 \(now\), got 1.5"),
        ("legt", [-0.1], "got -0.1"),
        ("lagt", [1.1], r"at most 1 \(now\), got 1.1"),
        ("fout", [float("nan")], "finite real numbers"),
    ],
)
def test_moments_outside_the_window(measure, at, message):
    with pytest.raises(ValueError, match=message):
        clew.hippo.basis(measure, 4, at)
