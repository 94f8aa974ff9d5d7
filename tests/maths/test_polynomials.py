"""Orthogonal polynomials.

ORACLE: ``scipy.special`` and ``numpy.polynomial``; for the quadrature, the integrals of monomials.
TOLERANCES: TOLERANCES.
"""

import numpy as np
import pytest
import scipy.special
import torch

from clew.maths.polynomials import chebyshev, gauss_legendre, laguerre, legendre

TOLERANCES = {
    # Three-term recurrences of bounded polynomials, 80 steps.
    "bounded": 1e-12,
    # Laguerre polynomials grow like e^{x/2}: relative to the largest of each argument.
    "laguerre": 1e-12,
}

X = np.linspace(-1.0, 1.0, 41)


@pytest.mark.parametrize(
    ("polynomials", "known"),
    [(legendre, scipy.special.eval_legendre), (chebyshev, scipy.special.eval_chebyt)],
)
@pytest.mark.parametrize("count", [1, 2, 3, 80])
def test_on_their_interval(polynomials, known, count):
    found = polynomials(torch.from_numpy(X), count)
    wanted = known(np.arange(count), X[:, None])
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=TOLERANCES["bounded"])


@pytest.mark.parametrize("alpha", [0.0, 0.5, -0.25])
@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_laguerre(alpha, count):
    x = np.linspace(0.0, 60.0, 25)
    found = laguerre(torch.from_numpy(x), count, alpha).numpy()
    wanted = scipy.special.eval_genlaguerre(np.arange(count), alpha, x[:, None])
    scale = np.abs(wanted).max(-1, keepdims=True)
    np.testing.assert_allclose(found / scale, wanted / scale, rtol=0, atol=TOLERANCES["laguerre"])


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_quadrature_is_exact_up_to_its_degree(count):
    points, weights = gauss_legendre(count)
    degrees = torch.arange(2 * count, dtype=torch.float64)
    found = (weights[:, None] * points[:, None] ** degrees).sum(0)
    torch.testing.assert_close(found, 1 / (degrees + 1), rtol=0, atol=TOLERANCES["bounded"])


@pytest.mark.parametrize("polynomials", [legendre, chebyshev, laguerre])
def test_gradients_and_shape(polynomials):
    x = torch.linspace(0.1, 0.9, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    assert polynomials(x, 5).shape == (2, 3, 5)
    assert torch.autograd.gradcheck(lambda x: polynomials(x, 5), x)
