"""The operations where the answer is known without a loop.

Oracle: geometric series, rotations, polynomial products, delayed impulses.
Tolerances: 1e-12 in float64, a few roundings of sums of at most 100 terms.
"""

import math

import numpy as np
import pytest
import torch
from tests.ops.cases import assert_near, every_backend_of

from clew.ops import diagonal_ssm, fft_conv, linear_scan, matrix_scan, use_backend

EXACT = 1e-12


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@every_backend_of("linear_scan")
def test_a_constant_input_sums_to_the_geometric_series(backend):
    a, k = 0.9, torch.arange(100)
    with use_backend(backend):
        states, final = linear_scan(torch.tensor(a), torch.ones(1, 100))
    assert_near(states[0], (1 - a ** (k + 1)) / (1 - a), EXACT)
    assert final == states[:, -1]


@every_backend_of("linear_scan")
def test_decay_one_is_a_running_sum(backend):
    x = torch.randn(2, 77, 3)
    with use_backend(backend):
        states, _ = linear_scan(torch.ones(()), x)
    assert_near(states, x.cumsum(1), EXACT)


@every_backend_of("matrix_scan")
def test_a_rotation_turns(backend):
    angle = 0.3
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    with use_backend(backend):
        states, _ = matrix_scan(rotation, torch.zeros(90, 2), initial_state=torch.tensor([1.0, 0.0]))
    turned = angle * torch.arange(1, 91)
    assert_near(states, torch.stack((turned.cos(), turned.sin()), dim=1), EXACT)


@every_backend_of("matrix_scan")
def test_a_nilpotent_matrix_forgets(backend):
    shift = torch.diag(torch.ones(3), -1)
    impulse = torch.zeros(8, 4)
    impulse[2, 0] = 1
    with use_backend(backend):
        states, final = matrix_scan(shift, impulse)
    assert torch.equal(states[2:6], torch.eye(4))
    assert not states[6:].any()
    assert not final.any()


@every_backend_of("fft_conv")
@pytest.mark.parametrize(("time", "length"), [(9, 4), (4, 9), (1, 1), (50, 50)])
def test_convolution_multiplies_polynomials(time, length, backend):
    x, kernel = torch.randn(time, 1), torch.randn(length, 1)
    with use_backend(backend):
        y = fft_conv(x, kernel)
    assert_near(y[:, 0], np.convolve(x[:, 0], kernel[:, 0])[:time], EXACT)


@every_backend_of("fft_conv")
def test_a_delayed_impulse_delays(backend):
    x, kernel = torch.randn(3, 20, 2), torch.zeros(6, 2)
    kernel[4] = 1
    with use_backend(backend):
        y = fft_conv(x, kernel)
    assert_near(y[:, 4:], x[:, :-4], EXACT)
    assert y[:, :4].abs().max() < EXACT


@every_backend_of("diagonal_ssm")
def test_an_impulse_reads_the_kernel_of_a_diagonal_system(backend):
    a, b, c = 0.9 * torch.exp(torch.tensor(0.4j)), torch.tensor(1 - 2j), torch.tensor(0.5 + 1j)
    x = torch.zeros(1, 100, 1)
    x[0, 0] = 1
    with use_backend(backend):
        y, state = diagonal_ssm(x, *(z.reshape(1, 1) for z in (a, b, c)), torch.tensor([3.0]))
    kernel = 2 * (c * b * a ** torch.arange(100)).real
    kernel[0] += 3
    assert_near(y.flatten(), kernel, EXACT)
    assert_near(state.flatten(), (a**99 * b).reshape(1), EXACT)
