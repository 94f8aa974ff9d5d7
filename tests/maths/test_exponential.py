"""The matrix exponential, and φ₁(A) B beside it.

ORACLE: mpmath's Taylor series with 100 digits; closed forms of the integrator and the Jordan block.
TOLERANCES: max abs(difference) / max abs(reference), in TOLERANCES.
"""

import math

import mpmath
import numpy as np
import pytest
import torch

from clew.maths.exponential import exponential, exponential_and_integral

TOLERANCES = {
    # Slow and fast modes apart: all digits stay, however stiff.
    "stiff": 5e-15,
    # The condition of the exponential is ‖A‖ = 1e4, times a handful of roundings of 1e-16.
    "oscillating": 5e-12,
    # Dense matrices of norm up to 1e3, where e^A is much smaller than ‖e^|A|‖: measured 1.3e-13.
    "dense": 1e-12,
    # Nothing but e^-50 is left: squaring it six times multiplies its rounding by 64.
    "decayed": 5e-14,
}


def legs(order: int) -> np.ndarray:
    n = np.arange(order)
    below = -np.sqrt(np.outer(2 * n + 1, 2 * n + 1))
    return np.tril(below, -1) - np.diag(n + 1.0)


def rotated(values: list[float]) -> np.ndarray:
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(len(values),) * 2))[0]
    return q @ np.diag(values) @ q.T


CASES = {
    "scalar": ("stiff", np.array([[-0.3]])),
    "stiff diagonal": ("stiff", np.diag([-1e6, -1.0])),
    "stiffer diagonal": ("stiff", np.diag([-1e12, -1e-9, 0.0])),
    "stiff companion": ("stiff", np.array([[0.0, 1.0], [-1e6, -1e6]])),
    "shear": ("stiff", np.array([[-1.0, 1e6], [0.0, -1.0]])),
    "stiff rotated": ("dense", rotated([-1e3, -100.0, -1.0, -1e-2])),
    "oscillator": ("oscillating", np.array([[0.0, 1e4], [-1e4, 0.0]])),
    "legs": ("dense", legs(16)),
    "legs, long step": ("dense", 10.0 * legs(8)),
    "growing": ("dense", np.random.default_rng(1).normal(size=(12, 12)) * 5),
    "decayed": ("decayed", np.array([[-50.0]])),
    "zero": ("stiff", np.zeros((3, 3))),
}


def exact(A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """e^A and φ₁(A) B, from the exponential of [[A, B], [0, 0]]."""
    order, inputs = B.shape
    block = np.zeros((order + inputs,) * 2)
    block[:order, :order], block[:order, order:] = A, B
    with mpmath.workdps(100):
        whole = np.array(mpmath.expm(mpmath.matrix(block.tolist()), method="taylor").tolist(), dtype=object)
    whole = whole.astype(float)
    return whole[:order, :order], whole[:order, order:]


def error(actual: torch.Tensor, expected: np.ndarray) -> float:
    return np.abs(actual.numpy() - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("case", CASES)
def test_against_100_digits(case: str) -> None:
    kind, A = CASES[case]
    B = np.random.default_rng(2).normal(size=(len(A), 2))
    expected = exact(A, B)
    actual = exponential_and_integral(torch.tensor(A), torch.tensor(B))
    assert error(actual[0], expected[0]) <= TOLERANCES[kind]
    assert error(actual[1], expected[1]) <= TOLERANCES[kind]
    assert torch.equal(exponential(torch.tensor(A)), actual[0])


def test_torch_itself_is_not_enough() -> None:
    """The reason for this module: the day this fails, it may go."""
    kind, A = CASES["stiff diagonal"]
    assert (
        error(torch.linalg.matrix_exp(torch.tensor(A)), np.diag([0.0, math.exp(-1)])) > 1e3 * TOLERANCES[kind]
    )


def test_jordan_block_and_integrator_are_exact() -> None:
    rate, time = -0.5, 2.0
    block = torch.tensor([[rate, 1.0, 0.0], [0.0, rate, 1.0], [0.0, 0.0, rate]], dtype=torch.float64) * time
    expected = math.exp(rate * time) * np.array([[1, time, time**2 / 2], [0, 1, time], [0, 0, 1]])
    assert error(exponential(block), expected) <= TOLERANCES["stiff"]
    integrator = torch.zeros(1, 1, dtype=torch.float64)
    assert exponential_and_integral(integrator, integrator + 3.0)[1].item() == 3.0


def test_each_matrix_of_a_batch_is_as_alone() -> None:
    A = torch.stack([torch.tensor(scale * legs(5)) for scale in (1e-3, 1.0, 300.0)])
    B = torch.randn(4, 1, 5, 2, dtype=torch.float64)
    whole = exponential_and_integral(A, B)
    assert whole[1].shape == (4, 3, 5, 2)
    for k in range(3):
        alone = exponential_and_integral(A[k], B[:, 0])
        assert error(whole[0][k], alone[0].numpy()) <= TOLERANCES["stiff"]
        assert error(whole[1][:, k], alone[1].numpy()) <= TOLERANCES["stiff"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("scale", [0.1, 8.0])
def test_gradients(dtype: torch.dtype, scale: float) -> None:
    A = (scale * torch.randn(2, 3, 3, dtype=dtype)).requires_grad_()
    B = torch.randn(3, 2, dtype=dtype, requires_grad=True)
    assert torch.autograd.gradcheck(exponential_and_integral, (A, B), rtol=1e-3, atol=1e-3)


def test_gradient_at_zero() -> None:
    A = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(exponential, (A,))


def test_empty_batch() -> None:
    empty = exponential_and_integral(torch.zeros(0, 3, 3), torch.zeros(0, 3, 1))
    assert empty[0].shape == (0, 3, 3)
    assert empty[1].shape == (0, 3, 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        exponential(torch.tensor([[bad]]))
