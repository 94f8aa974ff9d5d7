"""Cauchy's kernel at the roots of unity.

Oracle: the sum as it reads, in torch's complex128, through which autograd goes as well; for poles beside the
circle the same sum in mpmath; for its meaning numpy's transform of the powers. Tolerances: TOLERANCES, as
max |difference| / max |reference|.
"""

import math

import mpmath
import numpy as np
import pytest
import torch

from clew.maths.cauchy import cauchy

TOLERANCES = {
    "float64": 1e-13,  # sums of ten terms of moderate size
    "beside the circle": 1e-10,  # terms of 10⁵: a pole's distance of 10⁻⁵ from the circle has 11 digits
    "gradients": 1e-12,
}
CHANNELS, SUMS, PAIRS = 3, 4, 5
LENGTHS = [1, 2, 3, 8, 9, 64]


def complexes(*shape):
    return torch.randn(*shape, dtype=torch.complex128)


def poles_inside(radius=1.0):
    size = radius * torch.rand(CHANNELS, PAIRS, dtype=torch.float64) ** 0.3
    return torch.polar(size, 3 * torch.randn(CHANNELS, PAIRS, dtype=torch.float64))


def plain(weights, poles, length, radius):
    angles = torch.arange(length // 2 + 1, dtype=torch.float64) / length
    z = radius * torch.exp(-2j * math.pi * angles)
    w, a = weights[..., None], poles[:, None, :, None]
    return (w / (1 - z * a) + w.conj() / (1 - z * a.conj())).sum(2)


def difference(actual, expected):
    assert actual.shape == expected.shape
    return float((actual - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("radius", [1.0, 0.7])
@pytest.mark.parametrize("length", LENGTHS)
def test_is_the_sum_as_it_reads(length, radius):
    weights, poles = complexes(CHANNELS, SUMS, PAIRS), poles_inside()
    found = cauchy(weights, poles, length, radius)
    assert found.dtype == torch.complex128
    assert difference(found, plain(weights, poles, length, radius)) <= TOLERANCES["float64"]


@pytest.mark.parametrize("radius", [1.0, 0.7])
@pytest.mark.parametrize("length", LENGTHS)
def test_gradients(length, radius):
    weights = complexes(CHANNELS, SUMS, PAIRS).requires_grad_()
    poles = poles_inside(0.9).requires_grad_()
    found, wanted = (call(weights, poles, length, radius) for call in (cauchy, plain))
    along = torch.randn_like(wanted)
    ours, theirs = (torch.autograd.grad(value, (weights, poles), along) for value in (found, wanted))
    for actual, expected in zip(ours, theirs, strict=True):
        assert difference(actual, expected) <= TOLERANCES["gradients"]


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.3, math.pi])
def test_poles_beside_the_circle_keep_their_digits(angle):
    """On the real axis pole and conjugate are both 10⁻⁵ away from the same root of unity, 1 or −1."""
    poles = torch.polar(torch.tensor([[1 - 1e-5]], dtype=torch.float64), torch.tensor([[angle]]).double())
    weights, length = torch.ones(1, 1, 1, dtype=torch.complex128), 16
    found = cauchy(weights, poles, length)[0, 0]
    with mpmath.workdps(40):
        a = mpmath.mpc(complex(poles[0, 0]))
        wanted = []
        for k in range(length // 2 + 1):
            z = mpmath.expjpi(mpmath.mpf(-2 * k) / length)
            wanted.append(complex(1 / (1 - z * a) + 1 / (1 - z * mpmath.conj(a))))
    assert difference(found, torch.tensor(wanted, dtype=torch.complex128)) <= TOLERANCES["beside the circle"]


@pytest.mark.parametrize("length", [1, 2, 7, 16])
def test_is_the_transform_of_truncated_powers(length):
    """With weights w (1 − aᴸ) it is the transform of 2 Re Σ w aˡ, l < L."""
    weights, poles = complexes(CHANNELS, 1, PAIRS), poles_inside()
    found = cauchy(weights * (1 - poles[:, None] ** length), poles, length)[:, 0]
    powers = poles.numpy()[..., None] ** np.arange(length)
    kernel = 2 * (weights.numpy()[:, 0, :, None] * powers).sum(1).real
    assert difference(found, torch.tensor(np.fft.rfft(kernel))) <= TOLERANCES["float64"]


def test_computes_in_float64_whatever_comes():
    weights, poles = complexes(CHANNELS, SUMS, PAIRS).to(torch.complex64), poles_inside().to(torch.complex64)
    found = cauchy(weights, poles, 9)
    wanted = plain(weights.to(torch.complex128), poles.to(torch.complex128), 9, 1.0)
    assert found.dtype == torch.complex128
    assert difference(found, wanted) <= TOLERANCES["float64"]
