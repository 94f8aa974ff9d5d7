"""Scans in blocks, elementwise and with matrices, forwards and backwards.

Oracle: the recurrence as a loop in float64, here.
Tolerances: TOLERANCES, as max |difference| / max |reference|.
"""

import pytest
import torch

from clew.maths.scan import elementwise_scan, matrix_scan

TOLERANCES = {
    "float64": 1e-13,  # some hundred roundings
    "float32 long": 2e-6,  # 2¹⁴ samples: the roundings of 16 steps on each of 4 levels
}


def loop(decay, inputs, step, reverse):
    """States along dimension 0."""
    order = range(len(inputs))
    state, states = torch.zeros_like(inputs[0]), [None] * len(inputs)
    for k in reversed(order) if reverse else order:
        state = step(decay[k], state) + inputs[k]
        states[k] = state
    return torch.stack(states)


def times(decay, state):
    return decay * state


def matrix_times(A, state):
    return (A @ state[..., None])[..., 0]


def assert_near(actual, expected, tolerance):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= tolerance * expected.abs().max()


directions = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])


@directions
@pytest.mark.parametrize("time", [*range(1, 35), 48, 49, 255, 256, 257, 545])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("constant", [False, True], ids=["varying", "constant"])
def test_elementwise(constant, dtype, time, reverse):
    decay = torch.rand(1 if constant else time, 3, dtype=dtype)
    inputs = torch.randn(time, 3, dtype=dtype)
    expected = loop(decay.expand_as(inputs), inputs, times, reverse)
    assert_near(elementwise_scan(decay, inputs, 0, reverse=reverse), expected, TOLERANCES["float64"])


@directions
@pytest.mark.parametrize("time", [1, 2, 3, 31, 32, 33, 47, 48, 49, 256, 545])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("constant", [False, True], ids=["varying", "constant"])
def test_matrices(constant, dtype, time, reverse):
    A = torch.linalg.qr(torch.randn(1 if constant else time, 4, 4, dtype=dtype)).Q
    inputs = torch.randn(time, 4, dtype=dtype)
    expected = loop(A.expand(time, 4, 4), inputs, matrix_times, reverse)
    assert_near(matrix_scan(A, inputs, reverse=reverse), expected, TOLERANCES["float64"])


@directions
def test_time_may_be_any_axis_and_decays_may_be_shared(reverse):
    decay, inputs = torch.rand(2, 1, 7, 1, dtype=torch.float64), torch.randn(2, 3, 7, 4, dtype=torch.float64)
    states = elementwise_scan(decay, inputs, 2, reverse=reverse)
    expected = loop(decay.expand_as(inputs).movedim(2, 0), inputs.movedim(2, 0), times, reverse)
    assert_near(states.movedim(2, 0), expected, TOLERANCES["float64"])


def test_rows_may_share_matrices():
    A, inputs = torch.rand(1, 7, 4, 4, dtype=torch.float64) / 2, torch.randn(3, 7, 4, dtype=torch.float64)
    expected = loop(A.movedim(1, 0), inputs.movedim(1, 0), matrix_times, reverse=False)
    assert_near(matrix_scan(A, inputs), expected.movedim(0, 1), TOLERANCES["float64"])


@directions
@pytest.mark.parametrize("constant", [False, True], ids=["varying", "constant"])
def test_products_of_many_decays_keep_their_digits(constant, reverse):
    time = 2**14
    decay = torch.full((1 if constant else time, 1), 1 - 1 / time)
    inputs = torch.ones(time, 1)
    wide = loop(decay.double().expand(time, 1), inputs.double(), times, reverse)
    assert_near(
        elementwise_scan(decay, inputs, 0, reverse=reverse).double(), wide, TOLERANCES["float32 long"]
    )


def test_powers_of_a_matrix_keep_their_digits():
    time = 2**14
    turn = 2 * torch.pi / time * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    A, inputs = torch.linalg.matrix_exp(turn).float()[None], torch.eye(time, 2)
    wide = loop(A.double().expand(time, 2, 2), inputs.double(), matrix_times, reverse=False)
    assert_near(matrix_scan(A, inputs).double(), wide, TOLERANCES["float32 long"])


def test_takes_as_many_tensor_operations_as_time_has_digits():
    def count(time):
        decay, inputs = torch.rand(time, 1), torch.rand(time, 1)
        with torch.profiler.profile() as profile:
            elementwise_scan(decay, inputs, 0)
        return sum(event.count for event in profile.key_averages() if event.key == "aten::addcmul")

    assert count(2**16) - count(2**12) == count(2**12) - count(2**8) <= 32
