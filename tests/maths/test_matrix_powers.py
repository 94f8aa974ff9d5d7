"""Powers of a matrix on vectors: orbits, final states and free responses of dense systems.

Oracle: numpy, sample by sample in float64. Tolerances: TOLERANCES, as max |difference| / max |reference|.
"""

import numpy as np
import pytest
import torch

from clew.maths.matrix_powers import apply_power, final_state, free_response, orbit, squares, squares_for

TOLERANCES = {
    "float64": 1e-12,  # products of matrices in other orders
    "gradients": 1e-11,  # sums over time of those
}
BATCH, CHANNELS, ORDER = 2, 3, 4
LENGTHS = [1, 2, 3, 4, 5, 15, 16, 17, 100, 300]


def contraction():
    A = torch.randn(CHANNELS, ORDER, ORDER, dtype=torch.float64)
    return 0.99 * A / torch.linalg.matrix_norm(A, ord=2)[:, None, None]


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def assert_near(actual, expected, tolerance="float64"):
    actual, expected = actual.detach().numpy(), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= TOLERANCES[tolerance] * np.abs(expected).max()


def test_squares():
    A = contraction()
    for index, power in enumerate(squares(A, 5)):
        assert_near(power, np.linalg.matrix_power(A.numpy(), 2**index))


@pytest.mark.parametrize("exponent", [0, 1, 5, 8, 21])
def test_apply_power(exponent):
    A, vectors = contraction(), normal(CHANNELS, 2, ORDER)
    found = apply_power(vectors, squares(A, 3), exponent)
    assert_near(found, vectors.numpy() @ np.linalg.matrix_power(A.numpy(), exponent))


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 13])
def test_orbit(count, first):
    """Also past the last of the squares, which are three here."""
    A, vectors = contraction(), normal(CHANNELS, 2, ORDER)
    wanted = [vectors.numpy() @ np.linalg.matrix_power(A.numpy(), i * 2**first) for i in range(count)]
    assert_near(orbit(vectors, squares(A, 3), count, first=first), np.stack(wanted, axis=2))


def by_samples(A, B, C, x, h):
    """Output without feedthrough, and all states: (batch, time, channel), (batch, time + 1, channel, N)."""
    states, outputs = [h], []
    for x_k in np.moveaxis(x, 1, 0):
        h = (A @ h[..., None])[..., 0] + B * x_k[..., None]
        states.append(h)
        outputs.append((C * h).sum(-1))
    return np.stack(outputs, 1), np.stack(states, 1)


@pytest.mark.parametrize("time", LENGTHS)
def test_free_response(time):
    A, C, h = contraction(), normal(CHANNELS, ORDER), normal(BATCH, CHANNELS, ORDER)
    wanted, _ = by_samples(A.numpy(), 0 * C.numpy(), C.numpy(), np.zeros((BATCH, time, CHANNELS)), h.numpy())
    assert_near(free_response(h, squares_for(A, time), C, time), wanted)


@pytest.mark.parametrize("lengths", [False, True], ids=["", "lengths"])
@pytest.mark.parametrize("time", LENGTHS)
def test_final_state(time, lengths):
    A, B, h = contraction(), normal(CHANNELS, ORDER), normal(BATCH, CHANNELS, ORDER)
    x = normal(BATCH, time, CHANNELS)
    _, states = by_samples(A.numpy(), B.numpy(), B.numpy(), x.numpy(), h.numpy())
    ends = torch.tensor([time // 2, time]) if lengths else None
    wanted = states[[0, 1], [time // 2, time]] if lengths else states[:, -1]
    assert_near(final_state(x, squares_for(A, time), B, ends, initial_state=h), wanted)


def test_final_state_from_rest():
    A, B, x = contraction(), normal(CHANNELS, ORDER), normal(BATCH, 9, CHANNELS)
    _, states = by_samples(A.numpy(), B.numpy(), B.numpy(), x.numpy(), np.zeros((BATCH, CHANNELS, ORDER)))
    assert_near(final_state(x, squares_for(A, 9), B), states[:, -1])


def test_gradients():
    """Of a final state at two lengths, against autograd through the plain recurrence."""
    A, B, h = contraction(), normal(CHANNELS, ORDER), normal(BATCH, CHANNELS, ORDER)
    x, along = normal(BATCH, 40, CHANNELS), normal(BATCH, CHANNELS, ORDER)
    leaves = [value.clone().requires_grad_() for value in (A, B, h, x)]
    found = final_state(
        leaves[3], squares_for(leaves[0], 40), leaves[1], torch.tensor([40, 40]), initial_state=leaves[2]
    )
    actual = torch.autograd.grad((found * along).sum(), leaves)
    state = leaves[2]
    for x_k in leaves[3].unbind(1):
        state = (leaves[0] @ state[..., None])[..., 0] + leaves[1] * x_k[..., None]
    for one, other in zip(actual, torch.autograd.grad((state * along).sum(), leaves), strict=True):
        assert_near(one, other, "gradients")
