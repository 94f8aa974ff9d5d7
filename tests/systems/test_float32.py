"""The views in float32, over 16,384 samples and time constants up to as many.

ORACLE: the loop in numpy of conftest.py, in float64, from the same float32 numbers.
TOLERANCES: "float32" in the table of conftest.py for every view, "float32 steps" for one step after another,
"float32 accumulated" for a steady input.
"""

import pytest
import torch

from clew.systems import DiscreteStateSpace

LENGTH = 16384
ORDER = 6


def values() -> list[torch.Tensor]:
    """A, B, C, D, x and state: rotated time constants from 1 to LENGTH, noise around a steady input."""
    time_constants = torch.logspace(0, 14, ORDER, base=2.0, dtype=torch.float64)
    rotation = torch.linalg.qr(torch.randn(ORDER, ORDER, dtype=torch.float64))[0]
    A = rotation @ torch.diag(torch.exp(-1 / time_constants)) @ rotation.mT
    x = torch.randn(LENGTH, 2) + torch.tensor([0.0, 1.0])
    return [A.float(), torch.randn(ORDER, 2), torch.randn(2, ORDER), torch.randn(2, 2), x, torch.randn(ORDER)]


def test_outputs_and_gradients(loop, agree):
    leaves = [value.requires_grad_() for value in values()]
    weights = torch.randn(LENGTH, 2), torch.randn(ORDER)
    wide = [value.detach().double().numpy() for value in (*leaves, *weights)]
    expected = loop(wide[:4], *wide[4:])
    for mode in ("recurrent", "convolution", "scan"):
        y, final = DiscreteStateSpace(*leaves[:4]).run(leaves[4], leaves[5], mode)
        assert y.dtype == final.dtype == torch.float32
        agree(y.double(), expected.y, "float32")
        agree(final.double(), expected.final, "float32")
        gradients = torch.autograd.grad((y * weights[0]).sum() + (final * weights[1]).sum(), leaves)
        for gradient, reference in zip(gradients, expected.gradients.values(), strict=True):
            agree(gradient.double(), reference, "float32")


@pytest.mark.parametrize("time_constant", [1000.0, LENGTH])
def test_steps(time_constant, loop, agree):
    decay = torch.exp(torch.tensor([[-1.0 / time_constant]]))
    one, length = torch.ones(1, 1), 2048
    system = DiscreteStateSpace(decay, 0.7 * one, one)
    x = torch.full((length, 1), 0.3)
    state, outputs = torch.zeros(1), []
    with torch.no_grad():
        for x_k in x.unbind():
            y_k, state = system.step(x_k, state)
            outputs.append(y_k)
    wide = [value.double().numpy() for value in (*system.matrices, x, torch.zeros(1), x, torch.zeros(1))]
    agree(torch.stack(outputs).double(), loop(wide[:4], *wide[4:]).y, "float32 steps")


@pytest.mark.parametrize("mode", ["recurrent", "convolution", "scan"])
def test_steady_input_does_not_drift(mode, agree):
    """A float32 state would round each step the same way: 2e-4 in the end. In a scan the 16 of a block do."""
    decay, one = torch.exp(torch.tensor([[-1.0 / LENGTH]])), torch.ones(1, 1)
    y, _ = DiscreteStateSpace(decay, one, one).run(torch.full((LENGTH, 1), 0.3), mode=mode)
    a, k = decay.double().item(), torch.arange(LENGTH, dtype=torch.float64)[:, None]
    expected = torch.tensor(0.3).double() * (1 - a ** (k + 1)) / (1 - a)
    agree(y.double(), expected, "float32 in blocks" if mode == "scan" else "float32 accumulated")


def test_kernel_over_its_time_constant(agree):
    decay = torch.exp(torch.tensor([[-1.0 / LENGTH]]))
    kernel = DiscreteStateSpace(decay, torch.ones(1, 1), torch.ones(1, 1)).kernel(LENGTH)
    expected = decay.double().item() ** torch.arange(LENGTH, dtype=torch.float64)
    agree(kernel.double().flatten(), expected, "float32 accumulated")
