"""Softplus at both ends.

Oracle: mpmath with 60 digits.
Tolerances: TOLERANCES, relative: two roundings of a logarithm and an exponential.
"""

import mpmath
import pytest
import torch

from clew.maths.softplus import softplus

TOLERANCES = {torch.float64: 4e-16, torch.float32: 4e-7}
POINTS = [-80.0, -20.5, -17.0, -1.0, -1e-3, 0.0, 0.7, 15.0, 19.9, 20.1, 36.7, 80.0]


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_values_and_derivative(dtype):
    x = torch.tensor(POINTS, dtype=dtype, requires_grad=True)
    y = softplus(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    with mpmath.workdps(60):
        for value, derivative, at in zip(y.tolist(), slope.tolist(), x.tolist(), strict=True):
            at = mpmath.mpf(at)
            wanted = mpmath.log(1 + mpmath.exp(at)), 1 / (1 + mpmath.exp(-at))
            assert abs(value - wanted[0]) <= TOLERANCES[dtype] * wanted[0]
            assert abs(derivative - wanted[1]) <= TOLERANCES[dtype] * wanted[1]


def test_at_the_ends():
    x = torch.tensor([-torch.inf, -1e30, 1e30], requires_grad=True)
    y = softplus(x)
    assert y.tolist() == [0, 0, x[2].item()]
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [0, 0, 1]


def test_second_derivative():
    x = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(softplus, x)
