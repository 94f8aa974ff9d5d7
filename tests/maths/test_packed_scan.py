"""The recurrence over packed sequences.

Oracle: the recurrence itself as a loop in float64, and autograd through it. Tolerances: TOLERANCES, as
max |difference| / max |reference|.
"""

import math

import pytest
import torch

from clew.maths.packed_scan import packed_scan

TOLERANCES = {
    torch.float64: 1e-12,  # other orders of the same sums
    torch.float32: 2e-6,
    "long": 1e-5,  # float32 over 16,384 steps: log₂ of them roundings of the powers, not 16,384
}


def loop(A, goes_on, inputs):
    h = torch.zeros_like(inputs[:, 0])
    states = []
    for k in range(inputs.shape[1]):
        h = goes_on[:, k, None] * torch.einsum("ij,bj->bi", A, h) + inputs[:, k]
        states.append(h)
    return torch.stack(states, dim=1)


def difference(actual, wanted):
    return float((actual.double() - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("time", [1, 2, 3, 4, 7, 8, 9, 64, 101])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_is_the_loop(dtype, time, share):
    A = (0.4 * torch.randn(4, 4)).to(dtype)
    goes_on = torch.rand(3, time) >= share
    inputs = torch.randn(3, time, 4).to(dtype)
    wanted = loop(A.double(), goes_on, inputs.double())
    states = packed_scan(A, goes_on, inputs)
    assert states.dtype == dtype
    assert difference(states, wanted) <= TOLERANCES[dtype]


@pytest.mark.parametrize("time", [2, 6, 13])
def test_gradients(time):
    A = (0.4 * torch.randn(4, 4)).double().requires_grad_()
    inputs = torch.randn(3, time, 4).double().requires_grad_()
    goes_on = torch.rand(3, time) > 0.3
    weights = torch.randn(3, time, 4).double()
    results = [
        torch.autograd.grad((scan(A, goes_on, inputs) * weights).sum(), (A, inputs))
        for scan in (packed_scan, loop)
    ]
    for actual, wanted in zip(*results, strict=True):
        assert difference(actual, wanted) <= TOLERANCES[torch.float64]


@pytest.mark.parametrize("loud", [1e30, math.inf, math.nan])
def test_nothing_passes_a_beginning(loud):
    goes_on = torch.ones(1, 16, dtype=torch.bool)
    goes_on[:, 9] = False
    inputs = torch.randn(1, 16, 4)
    inputs[:, :9] = loud
    states = packed_scan(0.1 * torch.eye(4), goes_on, inputs)
    alone = packed_scan(0.1 * torch.eye(4), goes_on[:, 9:], inputs[:, 9:])
    assert difference(states[:, 9:], alone.double()) <= TOLERANCES[torch.float32]


def test_slow_modes_keep_their_digits():
    rotation = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))[0]
    A = (math.exp(-1 / 16_384) * rotation).float()
    goes_on, inputs = torch.ones(1, 16_384, dtype=torch.bool), torch.randn(1, 16_384, 4)
    wanted = loop(A.double(), goes_on, inputs.double())
    assert difference(packed_scan(A, goes_on, inputs), wanted) <= TOLERANCES["long"]
