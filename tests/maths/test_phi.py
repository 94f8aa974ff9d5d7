"""φ₁ and its derivative.

ORACLE: mpmath with 50 digits, at the arguments as the dtype holds them.
TOLERANCES: relative to the magnitude of the value, in TOLERANCES.
"""

import mpmath
import pytest
import torch

from clew.maths.phi import phi1, phi1_pair

# dtype -> (value, derivative). The value takes a handful of roundings, of 2e-16 or 1e-7.
# The derivative of the closed form subtracts e^z/z and φ₁/z, which cancel tenfold at the edge of the series.
TOLERANCES = {torch.float64: (2e-15, 1e-14), torch.float32: (1e-6, 5e-6)}

REAL = [0.0, 1e-300, -1e-20, 1e-8, -1e-3, 0.3, -0.49, -0.51, 0.51, 2.0, -3.0, -40.0, -1e3, -1e30, 20.0]
IMAGINARY = [0.0, 1e-300, -1e-9, 1e-4, 0.2, -0.34, 0.36, 1.0, -3.0, 5.0, 100.0, -1e4]


def exact(z: complex) -> tuple[complex, complex]:
    """φ₁(z) and φ₁′(z) = (e^z − φ₁(z))/z."""
    with mpmath.workdps(50):
        z = mpmath.mpmathify(z)
        if abs(z) < mpmath.mpf(10) ** -12:
            return complex(1 + z / 2), complex(mpmath.mpf(1) / 2 + z / 3)
        value = mpmath.expm1(z) / z
        return complex(value), complex((mpmath.exp(z) - value) / z)


def check(actual: torch.Tensor, expected: list[complex], tolerance: float) -> None:
    expected_tensor = torch.tensor(expected, dtype=torch.complex128)
    tiny = torch.finfo(actual.dtype).tiny
    error = (actual.to(torch.complex128) - expected_tensor).abs() / expected_tensor.abs().clamp(min=tiny)
    assert error.max() <= tolerance, f"{error.max():.1e} at {int(error.argmax())}"


@pytest.fixture(params=TOLERANCES, ids=str)
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


def test_real_values_and_derivatives(dtype: torch.dtype) -> None:
    z = torch.tensor(REAL, dtype=dtype, requires_grad=True)
    value = phi1(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    expected = [exact(each) for each in z.tolist()]
    assert value.dtype == dtype
    check(value.detach(), [each[0] for each in expected], TOLERANCES[dtype][0])
    check(slope, [each[1] for each in expected], TOLERANCES[dtype][1])


def test_pair_values_and_derivatives(dtype: torch.dtype) -> None:
    grid = torch.cartesian_prod(torch.tensor(REAL, dtype=dtype), torch.tensor(IMAGINARY, dtype=dtype))
    real, imag = (part.clone().requires_grad_() for part in grid.unbind(1))
    value = phi1_pair(real, imag)
    # φ₁ is holomorphic: d Re φ₁ = Re φ₁′ dx − Im φ₁′ dy.
    slopes = torch.autograd.grad(value[0].sum(), (real, imag))
    expected = [exact(complex(x, y)) for x, y in grid.tolist()]
    check(torch.complex(*value).detach(), [each[0] for each in expected], TOLERANCES[dtype][0])
    check(torch.complex(slopes[0], -slopes[1]), [each[1] for each in expected], TOLERANCES[dtype][1])


def test_near_its_zero(dtype: torch.dtype) -> None:
    """φ₁(2πi) = 0: the error is small beside the terms e^z/z and 1/z, not beside their difference."""
    imag = torch.tensor([6.2, 6.28, 6.3, -6.283], dtype=dtype)
    value = torch.complex(*phi1_pair(torch.zeros_like(imag), imag)).to(torch.complex128)
    expected = torch.tensor([exact(complex(0.0, y))[0] for y in imag.tolist()], dtype=torch.complex128)
    assert (value - expected).abs().max() <= TOLERANCES[dtype][0] / 6


def test_complex_is_the_pair() -> None:
    z = torch.randn(50, dtype=torch.complex128)
    assert torch.equal(phi1(z), torch.complex(*phi1_pair(z.real, z.imag)))


def test_derivative_at_zero_is_one_half() -> None:
    real, imag = (torch.zeros(1, requires_grad=True) for _ in range(2))
    value = phi1_pair(real, imag)
    assert value[0].item() == 1.0
    assert torch.autograd.grad(value[0].sum(), real, retain_graph=True)[0].item() == 0.5
    assert torch.autograd.grad(value[1].sum(), imag)[0].item() == 0.5


def test_second_derivatives_are_finite_everywhere() -> None:
    real = torch.tensor(REAL, dtype=torch.float64)
    imag = torch.tensor((IMAGINARY * 2)[: len(REAL)], dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda x, y: sum(phi1_pair(x, y)).sum(), (real, imag))
    assert all(torch.isfinite(block).all() for row in hessian for block in row)


def test_broadcasts() -> None:
    value = phi1_pair(torch.zeros(3, 1), torch.zeros(4))
    assert value[0].shape == value[1].shape == (3, 4)
