"""One small system, worked out by hand.

ORACLE: products of 2 × 2 matrices on paper.
TOLERANCES: 1e-12, for numbers of a few decimals in float64.
"""

import pytest
import torch

from clew.systems import DiscreteStateSpace

TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}

SYSTEM = {
    "A": [[0.5, 0.1], [0.2, 0.3]],
    "B": [[0.4, 0.5, 0.6], [0.7, 0.8, 0.9]],
    "C": [[1, 0.5], [0.5, 1]],
    "D": None,
}
X = [[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]]
STATES = [[3.2, 5.0], [9.8, 14.34], [18.534, 25.662], [28.5332, 38.0054]]
Y = [[5.7, 6.6], [16.97, 19.24], [31.365, 34.929], [47.5359, 52.272]]


def exactly(rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("mode", ["recurrent", "convolution", "scan"])
def test_run(mode):
    y, state = DiscreteStateSpace(**SYSTEM).run(X, mode=mode)
    torch.testing.assert_close(y, exactly([Y]), **TOLERANCE)
    torch.testing.assert_close(state, exactly([STATES[-1]]), **TOLERANCE)


def test_step_after_step():
    system, state = DiscreteStateSpace(**SYSTEM), None
    for x_k, expected_state, expected_y in zip(X[0], STATES, Y, strict=True):
        y_k, state = system.step(x_k, state)
        torch.testing.assert_close(state, exactly(expected_state), **TOLERANCE)
        torch.testing.assert_close(y_k, exactly(expected_y), **TOLERANCE)


def test_matrix():
    T = DiscreteStateSpace(**SYSTEM).matrix(4)
    torch.testing.assert_close((T @ exactly(X).flatten()).reshape(4, 2), exactly(Y), **TOLERANCE)


def test_terms():
    system = DiscreteStateSpace(**SYSTEM)
    for k in range(4):
        torch.testing.assert_close(system.terms(X, k).sum(-2), exactly([Y[k]]), **TOLERANCE)
    third = [[21.9, 25.5], [7.67, 7.735], [1.795, 1.694]]
    torch.testing.assert_close(system.terms(X, 2), exactly([third]), **TOLERANCE)


def test_kernel():
    kernel = [[[0.75, 0.9, 1.05], [0.9, 1.05, 1.2]], [[0.415, 0.5, 0.585], [0.425, 0.505, 0.585]]]
    torch.testing.assert_close(DiscreteStateSpace(**SYSTEM).kernel(2), exactly(kernel), **TOLERANCE)
