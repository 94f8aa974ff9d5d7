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
DRIVEN = [[3.2, 5.0], [7.7, 12.2], [12.2, 19.4], [16.7, 26.6]]  # B x[k]
CARRIED = [[0, 0], [2.1, 2.14], [6.334, 6.262], [11.8332, 11.4054]]  # A h[k−1]
STATES = [[3.2, 5.0], [9.8, 14.34], [18.534, 25.662], [28.5332, 38.0054]]
Y = [[5.7, 6.6], [16.97, 19.24], [31.365, 34.929], [47.5359, 52.272]]


# C Aⁱ B
KERNEL = [
    [[0.75, 0.9, 1.05], [0.9, 1.05, 1.2]],
    [[0.415, 0.5, 0.585], [0.425, 0.505, 0.585]],
    [[0.2345, 0.283, 0.3315], [0.223, 0.2675, 0.312]],
    [[0.13365, 0.1614, 0.18915], [0.12315, 0.14835, 0.17355]],
]
# C Aⁱ B x[k−i], for each k the latest sample first
TERMS = [
    [[5.7, 6.6]],
    [[13.8, 16.05], [3.17, 3.19]],
    [[21.9, 25.5], [7.67, 7.735], [1.795, 1.694]],
    [[30.0, 34.95], [12.17, 12.28], [4.342, 4.1015], [1.0239, 0.9405]],
]


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


def test_both_parts_of_every_state():
    system = DiscreteStateSpace(**SYSTEM)
    h = torch.zeros(2, dtype=torch.float64)
    for k, x_k in enumerate(exactly(X[0])):
        torch.testing.assert_close(system.A @ h, exactly(CARRIED[k]), **TOLERANCE)
        torch.testing.assert_close(system.B @ x_k, exactly(DRIVEN[k]), **TOLERANCE)
        _, h = system.step(x_k, h)


def test_states_are_a_convolution_too():
    states = DiscreteStateSpace(SYSTEM["A"], SYSTEM["B"], [[1, 0], [0, 1]])
    kernel = states.kernel(4)
    for k, wanted in enumerate(STATES):
        found = sum(kernel[i] @ exactly(X[0][k - i]) for i in range(k + 1))
        torch.testing.assert_close(found, exactly(wanted), **TOLERANCE)


def test_matrix():
    T = DiscreteStateSpace(**SYSTEM).matrix(4)
    zero = [[0.0] * 3] * 2
    blocks = [[KERNEL[i - j] if i >= j else zero for j in range(4)] for i in range(4)]
    rows = [[entry for block in line for entry in block[row]] for line in blocks for row in range(2)]
    torch.testing.assert_close(T, exactly(rows), **TOLERANCE)
    torch.testing.assert_close((T @ exactly(X).flatten()).reshape(4, 2), exactly(Y), **TOLERANCE)


def test_terms():
    system = DiscreteStateSpace(**SYSTEM)
    for k in range(4):
        torch.testing.assert_close(system.terms(X, k), exactly([TERMS[k]]), **TOLERANCE)
        torch.testing.assert_close(system.terms(X, k).sum(-2), exactly([Y[k]]), **TOLERANCE)


def test_kernel():
    torch.testing.assert_close(DiscreteStateSpace(**SYSTEM).kernel(4), exactly(KERNEL), **TOLERANCE)
