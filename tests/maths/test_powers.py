"""Krylov sequences by doubling.

ORACLE: numpy's products one after another in float64; closed forms of slow decays.
TOLERANCES: max abs(difference) / max abs(reference), in TOLERANCES.
"""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from clew.maths.powers import krylov

TOLERANCES = {
    # 100 products in a different order, in float64.
    "short": 1e-12,
    # The relative error of a^m by squaring is m · 1e-16, at most 2e-12 for m = 16,384.
    "long": 1e-11,
}


def error(actual: torch.Tensor, expected: np.ndarray) -> float:
    return np.abs(actual.detach().numpy() - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_against_products_in_turn(length: int, dtype: torch.dtype) -> None:
    A, V = torch.randn(3, 4, 4, dtype=dtype) * 0.5, torch.randn(5, 1, 4, 2, dtype=dtype)
    sequence = krylov(A, V, length)
    assert sequence.shape == (5, 3, length, 4, 2)
    assert sequence.dtype == (torch.complex128 if dtype.is_complex else torch.float64)
    wide = A.numpy().astype(np.complex128), V.numpy().astype(np.complex128)
    expected = [wide[1] + 0 * wide[0][:, :, :1]]
    for _ in range(length - 1):
        expected.append(wide[0] @ expected[-1])
    assert error(sequence, np.stack(expected, axis=2)) <= TOLERANCES["short"]


def test_slow_decay_keeps_its_digits() -> None:
    rates = 1.0 / np.array([16384.0, 100.0, 1.0])
    length = 16384
    sequence = krylov(torch.tensor(np.diag(np.exp(-rates))), torch.eye(3, dtype=torch.float64), length)
    decays = np.exp(-rates[None, :] * np.arange(length)[:, None])
    assert error(sequence.diagonal(dim1=-2, dim2=-1), decays) <= TOLERANCES["long"]


def test_nothing_and_empty_batch() -> None:
    assert krylov(torch.eye(2), torch.ones(2, 1), 0).shape == (0, 2, 1)
    assert krylov(torch.zeros(0, 2, 2), torch.ones(2, 1), 5).shape == (0, 5, 2, 1)


@pytest.mark.parametrize("length", [1, 6])
def test_gradients(length: int) -> None:
    A = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    V = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, v: krylov(a, v, length), (A, V))


class Count(TorchDispatchMode):
    """Counts the tensor operations that run."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operations += 1
        return func(*args, **(kwargs or {}))


def test_operations_grow_with_the_logarithm() -> None:
    counts = []
    for length in (64, 64**2):
        with Count() as count:
            krylov(torch.eye(2), torch.ones(2, 1), length)
        counts.append(count.operations)
    assert counts[1] <= 2 * counts[0]
