"""The bilinear discretisation of a diagonal matrix less one of low rank.

Oracle: numpy, the formula (I − Δ/2 A)⁻¹ (I + Δ/2 A) of the dense complex matrix over all eigenvalues and
their conjugates. Tolerances: TOLERANCES, as max |difference| / max |reference|.
"""

import numpy as np
import pytest
import torch

from clew.maths.dplr_bilinear import discretize_dplr

TOLERANCES = {
    "float64": 1e-12,  # a dense solve of a well-conditioned matrix of order 10
}
CHANNELS, PAIRS = 3, 5


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def system(rank):
    """Λ in the left half plane, P and B, as pairs of real tensors."""
    A = -torch.rand(CHANNELS, PAIRS, dtype=torch.float64), 5 * normal(CHANNELS, PAIRS)
    P = normal(CHANNELS, rank, PAIRS), normal(CHANNELS, rank, PAIRS)
    return A, P, (normal(CHANNELS, PAIRS), normal(CHANNELS, PAIRS))


def both(pair):
    """All of them, conjugates after the given ones, as numpy complex."""
    value = torch.complex(*pair).numpy()
    return np.concatenate((value, value.conj()), axis=-1)


def published(A, P, B, dt):
    """Ā (channel, N, N) and B̄ (channel, N) for Δ (channel,)."""
    A, P, B = both(A), both(P), both(B)
    dense = np.einsum("cn,nm->cnm", A, np.eye(2 * PAIRS)) - np.einsum("crn,crm->cnm", P, P.conj())
    half = dt[:, None, None] / 2 * dense
    inverse = np.linalg.inv(np.eye(2 * PAIRS) - half)
    return inverse @ (np.eye(2 * PAIRS) + half), np.einsum("cnm,cm->cn", inverse, B) * dt[:, None]


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("step", [1e-3, 0.3, 40.0])
def test_is_the_dense_formula(rank, step):
    A, P, B = system(rank)
    dt = step * torch.rand(CHANNELS, 1, dtype=torch.float64)
    A_bar, U, W, B_bar = discretize_dplr(A, P, B, dt)
    # W·h with real coefficients is ½ (W_real − i W_imag) on h, and the conjugate of that on h̄.
    functional = both((W[0] / 2, -W[1] / 2))
    found = np.einsum("cn,nm->cnm", both(A_bar), np.eye(2 * PAIRS)) - np.einsum(
        "crn,crm->cnm", both(U), functional
    )
    wanted_A, wanted_B = published(A, P, B, dt[:, 0].numpy())
    np.testing.assert_allclose(found, wanted_A, rtol=0, atol=TOLERANCES["float64"] * np.abs(wanted_A).max())
    np.testing.assert_allclose(
        both(B_bar), wanted_B, rtol=0, atol=TOLERANCES["float64"] * np.abs(wanted_B).max()
    )


@pytest.mark.parametrize("rank", [1, 2])
def test_a_step_for_each_sample(rank):
    A, P, B = system(rank)
    dt = torch.rand(2, 7, CHANNELS, 1, dtype=torch.float64)
    together = discretize_dplr(A, P, B, dt)
    alone = discretize_dplr(A, P, B, dt[1, 4])
    for parts, single in zip(together, alone, strict=True):
        for part, other in zip(parts, single, strict=True):
            assert torch.equal(part[1, 4], other)


@pytest.mark.parametrize("rank", [1, 2])
def test_no_time_changes_nothing(rank):
    A, P, B = system(rank)
    dt = torch.zeros(CHANNELS, 1, dtype=torch.float64, requires_grad=True)
    A_bar, U, _, B_bar = discretize_dplr(A, P, B, dt)
    assert (A_bar[0] == 1).all()
    for part in (A_bar[1], *U, *B_bar):
        assert not part.any()
    total = sum(part.sum() for part in (*A_bar, *U, *B_bar))
    assert torch.isfinite(torch.autograd.grad(total, dt)[0]).all()
