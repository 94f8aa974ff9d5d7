"""The memory of the LMU: its matrices, what it remembers, and that they stay what they are.

Oracles: eq. 2 of Voelker, Kajić and Eliasmith (2019) entry by entry; HiPPO-LegT by its own definition;
scipy's Legendre polynomials, on which a delayed signal must be found. Tolerances: TOLERANCES.
"""

import numpy as np
import pytest
import scipy.special
import torch
from tests.nn.conformance.mixers.legendre import held, matrices

from clew.hippo import transition
from clew.nn.legendre import LegendreMemory, legendre_system

TOLERANCES = {
    "formula": 0.0,  # whole numbers
    "scaled": 1e-13,  # relative: two square roots and their product
    "exponential": 1e-11,  # float64, against torch's matrix exponential
    "delay": 0.02,  # of a signal of two periods a window, held over samples of 1/500 of it
}


@pytest.mark.parametrize("order", [1, 2, 7, 32])
def test_matrices_are_the_published_ones(order):
    for actual, wanted in zip(legendre_system(order), matrices(order), strict=True):
        assert torch.equal(actual, wanted)


@pytest.mark.parametrize("order", [1, 6, 64])
def test_it_is_legt_up_to_a_diagonal_scaling(order):
    """The footgun: m_i = (−1)^i √(2i+1) c_i; the same window, other numbers."""
    i = torch.arange(order, dtype=torch.float64)
    scaling = (1 - 2 * (i % 2)) * torch.sqrt(2 * i + 1)
    A, B = transition("legt", order)
    wanted = scaling[:, None] * A / scaling, scaling * B[:, 0]
    for actual, expected in zip(legendre_system(order), wanted, strict=True):
        torch.testing.assert_close(actual, expected, rtol=TOLERANCES["scaled"], atol=0)
    if order > 1:
        assert not torch.allclose(legendre_system(order)[1], B[:, 0])


def test_it_holds_the_window_on_legendre_polynomials():
    order, theta, time = 24, 500, 2000
    memory = LegendreMemory(order, theta)
    u = torch.sin(4 * torch.pi * torch.arange(time, dtype=torch.float64) / theta + 0.3)
    m = torch.zeros(order, dtype=torch.float64)
    for u_k in u:
        m = memory.A_bar @ m + memory.B_bar * u_k
    ago = np.linspace(0, theta, 41)
    basis = np.stack([scipy.special.eval_legendre(i, 2 * ago / theta - 1) for i in range(order)])
    # The last sample is held up to the moment time, so what was τ ago is sample time − τ − ½ in the middle.
    wanted = np.sin(4 * np.pi * (time - ago - 0.5) / theta + 0.3)
    np.testing.assert_allclose(m.numpy() @ basis, wanted, rtol=0, atol=TOLERANCES["delay"])


@pytest.mark.parametrize(("order", "theta"), [(1, 3.0), (8, 40.0), (32, 0.5), (64, 784.0)])
def test_one_sample_is_zero_order_hold(order, theta):
    memory = LegendreMemory(order, theta)
    A_bar, B_bar = held(order, torch.tensor(1 / theta, dtype=torch.float64))
    scale = TOLERANCES["exponential"] * A_bar.abs().max().clamp(min=1)
    assert (memory.A_bar - A_bar).abs().max() <= scale
    assert (memory.B_bar - B_bar).abs().max() <= scale


def test_a_step_of_two_is_two_steps_of_one():
    memory = LegendreMemory(6, 20.0)
    A_bar, B_bar = memory.discrete(torch.tensor([2.0]))
    torch.testing.assert_close(A_bar[0], memory.A_bar @ memory.A_bar)
    torch.testing.assert_close(B_bar[0], memory.A_bar @ memory.B_bar + memory.B_bar)


def test_after_an_age_only_the_input_is_left():
    """m = −A⁻¹ B, which is the constant 1 on Legendre polynomials: 1, 0, 0, …"""
    A_bar, B_bar = LegendreMemory(4, 10.0).discrete(torch.tensor([1e9]))
    assert A_bar.abs().max() < TOLERANCES["exponential"]
    torch.testing.assert_close(B_bar[0], torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_matrices_keep_every_digit_in_any_layer(dtype):
    memory = LegendreMemory(8, 30.0)
    before = {name: value.clone() for name, value in memory.named_buffers()}
    memory.to(dtype)
    assert set(before) == {"A", "B", "A_bar", "B_bar"}
    for name, value in memory.named_buffers():
        assert value.dtype == torch.float64
        assert torch.equal(value, before[name])


def test_nothing_of_it_is_trained_or_saved():
    memory = LegendreMemory(8, 30.0)
    assert not list(memory.parameters())
    assert not memory.state_dict()


@pytest.mark.parametrize(
    ("order", "theta", "message"),
    [
        (0, 10.0, "d_state is at least 1; got 0"),
        (4, 0.0, "theta, the window in samples, is above 0; got 0.0"),
        (4, float("inf"), "is above 0; got inf"),
    ],
)
def test_refuses(order, theta, message):
    with pytest.raises(ValueError, match=message):
        LegendreMemory(order, theta)
