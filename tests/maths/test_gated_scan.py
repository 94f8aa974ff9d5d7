"""The gated recurrence.

Oracle: the recurrence itself as a loop in float64, and autograd through it. Tolerances: TOLERANCES, as
max |difference| / max |reference|.
"""

import math

import pytest
import torch

from clew.maths.gated_scan import gated_scan

TOLERANCES = {
    torch.float64: 1e-12,  # other orders of the same sums
    torch.float32: 2e-6,
    "long": 1e-5,  # float32 over 16,384 steps: log₂ of them roundings of the powers, not 16,384
}


def loop(A, gates, inputs):
    h = torch.zeros_like(inputs[:, 0])
    states = []
    for k in range(inputs.shape[1]):
        h = gates[:, k, None] * torch.einsum("ij,bj->bi", A, h) + inputs[:, k]
        states.append(h)
    return torch.stack(states, dim=1)


def difference(actual, wanted):
    return float((actual.double() - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("time", [1, 2, 3, 4, 7, 8, 9, 64, 101])
@pytest.mark.parametrize("kind", ["resets", "any"])
def test_is_the_loop(dtype, time, kind):
    A = (0.4 * torch.randn(4, 4)).to(dtype)
    gates = ((torch.rand(3, time) > 0.3).double() if kind == "resets" else torch.randn(3, time)).to(dtype)
    inputs = torch.randn(3, time, 4).to(dtype)
    wanted = loop(A.double(), gates.double(), inputs.double())
    states = gated_scan(A, gates, inputs)
    assert states.dtype == dtype
    assert difference(states, wanted) <= TOLERANCES[dtype]


@pytest.mark.parametrize("time", [1, 6, 13])
def test_gradients(time):
    arguments = [
        (0.4 * torch.randn(4, 4)).double().requires_grad_(),
        torch.randn(3, time).double().requires_grad_(),
        torch.randn(3, time, 4).double().requires_grad_(),
    ]
    weights = torch.randn(3, time, 4).double()
    results = [
        torch.autograd.grad((scan(*arguments) * weights).sum(), arguments, materialize_grads=True)
        for scan in (gated_scan, loop)
    ]
    for actual, wanted in zip(*results, strict=True):
        if wanted.any():
            assert difference(actual, wanted) <= TOLERANCES[torch.float64]
        else:
            assert not actual.any()


def test_a_reset_lets_nothing_through():
    gates = torch.ones(1, 16)
    gates[:, 9] = 0.0
    loud = torch.randn(1, 16, 4)
    loud[:, :9] = 1e30
    states = gated_scan(0.1 * torch.eye(4), gates, loud)
    alone = gated_scan(0.1 * torch.eye(4), gates[:, 9:], loud[:, 9:])
    assert difference(states[:, 9:], alone.double()) <= TOLERANCES[torch.float32]


def test_slow_modes_keep_their_digits():
    rotation = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))[0]
    A = (math.exp(-1 / 16_384) * rotation).float()
    gates, inputs = torch.ones(1, 16_384), torch.randn(1, 16_384, 4)
    wanted = loop(A.double(), gates.double(), inputs.double())
    assert difference(gated_scan(A, gates, inputs), wanted) <= TOLERANCES["long"]
