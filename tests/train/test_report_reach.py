"""The length of a kernel.

Oracle: the kernels themselves, long enough, their energy summed. Tolerances: none; lengths are whole numbers.
"""

import pytest
import torch

from clew import DiscreteStateSpace
from clew.train.report.measure.reach import kernel_length


def counted(system, samples):
    """Samples until 99% of the energy of C A^l B, D aside, has passed."""
    zero = torch.zeros_like(system.D)
    kernel = DiscreteStateSpace(system.A, system.B, system.C, zero).kernel(samples)
    energy = kernel.square().sum((-1, -2)).cumsum(-1)
    return (energy < 0.99 * energy[..., -1:]).sum(-1) + 1


@pytest.mark.parametrize("shape", [(), (5,)], ids=["one system", "a batch"])
@pytest.mark.parametrize("radius", [0.2, 0.9, 0.999])
def test_of_random_systems(shape, radius):
    A = torch.linalg.qr(torch.randn(*shape, 6, 6).double())[0] * radius
    system = DiscreteStateSpace(
        A, torch.randn(*shape, 6, 2), torch.randn(*shape, 3, 6), 100 * torch.randn(*shape, 3, 2)
    )
    assert torch.equal(kernel_length(system), counted(system, 20_000).double())


def test_of_what_does_not_fade_and_of_nothing():
    A = torch.tensor([[[1.0]], [[1.1]], [[0.5]], [[0.0]]])
    B = torch.tensor([[[1.0]], [[1.0]], [[0.0]], [[1.0]]])
    lengths = kernel_length(DiscreteStateSpace(A, B, torch.ones(4, 1, 1)))
    assert lengths.tolist() == [torch.inf, torch.inf, 1.0, 1.0]
