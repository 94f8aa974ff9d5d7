"""Where S4D's eigenvalues start.

Oracles: the published formulas evaluated by hand for N = 4; for LegS the dense matrices, through quantities
that do not depend on the basis. Tolerances: TOLERANCES.
"""

import math

import pytest
import torch

from clew.hippo import transition
from clew.nn.spectra import initial_low_rank, initial_spectrum

TOLERANCES = {
    "formula": 1e-14,  # a few roundings in float64
    "moment": 1e-12,  # relative: sums of N products, powers up to the fifth
}


def test_lin_by_hand():
    A, B = initial_spectrum("lin", 4)
    wanted = torch.tensor([-0.5, -0.5 + 1j * math.pi], dtype=torch.complex128)
    torch.testing.assert_close(A, wanted, rtol=TOLERANCES["formula"], atol=0)
    assert (B == 1).all()


def test_inv_by_hand_takes_the_full_order():
    """(N/π) (N/(2n+1) − 1) with N = 4 and n = 0, 1: (4/π)·3 and (4/π)·(1/3)."""
    A, B = initial_spectrum("inv", 4)
    wanted = torch.tensor([-0.5 + 12j / math.pi, -0.5 + 4j / (3 * math.pi)], dtype=torch.complex128)
    torch.testing.assert_close(A, wanted, rtol=TOLERANCES["formula"], atol=0)
    assert (B == 1).all()


@pytest.mark.parametrize("order", [2, 16, 64, 256])
def test_inv_has_no_negative_frequency(order):
    """With the number of pairs in place of N half of them would be negative."""
    A, _ = initial_spectrum("inv", order)
    assert (A.imag > 0).all()


def test_real_by_hand():
    A, B = initial_spectrum("real", 6)
    assert A.tolist() == [-1, -2, -3]
    assert (B == 1).all()


def test_inv_approximates_legs():
    """What it was made for: the largest frequencies of both agree (Gu et al. 2022, figure 3)."""
    legs, inv = (initial_spectrum(name, 64)[0].imag.max() for name in ("legs", "inv"))
    assert abs(float(inv / legs) - 1) < 0.1


@pytest.mark.parametrize("order", [2, 8, 64])
def test_legs_has_the_moments_of_the_dense_system(order):
    """Bᵀ Aᵐ B of the normal part is 2 Re Σ |B_n|² A_nᵐ: it fixes A, and B with its scale (B, not B/2)."""
    A, B = transition("legs", order)
    normal = A + B @ B.mT / 2
    poles, inputs = initial_spectrum("legs", order)
    power = torch.eye(order, dtype=torch.float64)
    for exponent in range(6):
        wanted = (B.mT @ power @ B).item()
        actual = 2 * (inputs.abs() ** 2 * poles**exponent).sum().real.item()
        scale = (B.mT @ B).item() * poles.abs().max().item() ** exponent
        assert abs(actual - wanted) <= TOLERANCES["moment"] * scale
        power = power @ normal


def test_legs_inputs_are_real_and_positive():
    _, B = initial_spectrum("legs", 64)
    assert B.real.min() > 0
    assert B.imag.abs().max() <= TOLERANCES["moment"] * B.abs().max()


def test_legs_keeps_one_of_each_conjugate_pair():
    A, _ = initial_spectrum("legs", 64)
    assert A.shape == (32,)
    assert (A.imag > 0).all()
    assert (A.real + 0.5).abs().max() <= TOLERANCES["moment"]


@pytest.mark.parametrize("order", [2, 8, 64])
@pytest.mark.parametrize(("init", "share", "rank"), [("legs", 1.0, 1), ("legt", 0.5, 2), ("fout", 0.5, 1)])
def test_low_rank_starts_are_the_published_matrices(init, share, rank, order):
    """A and B of S4, halved for the sliding windows, have the moments Bᵀ Aᵐ B, the conjugates counted."""
    A, B = (share * part for part in transition(init, order))
    poles, P, inputs = initial_low_rank(init, order)
    assert P.shape == (rank, order // 2)
    poles, P, inputs = (torch.cat((part, part.conj()), dim=-1) for part in (poles, P, inputs))
    found = torch.diag(poles) - P.mT @ P.conj()
    left, right = B[:, 0], inputs
    for _ in range(4):
        wanted = left @ B[:, 0]
        assert abs((inputs.conj() @ right) - wanted) <= TOLERANCES["moment"] * abs(wanted)
        left, right = A.mT @ left, found @ right


def test_low_rank_phases_are_those_of_its_first_column():
    for init in ("legs", "legt", "fout"):
        _, P, _ = initial_low_rank(init, 16)
        assert (P[0].real > 0).all()
        assert P[0].imag.abs().max() <= TOLERANCES["moment"]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match="unknown init 'invs'; did you mean 'inv'"):
        initial_spectrum("invs", 4)


@pytest.mark.parametrize("order", [-2, 0, 1, 3])
def test_an_order_that_is_no_pairs_is_refused(order):
    with pytest.raises(ValueError, match=f"even, at least 2; got {order}"):
        initial_spectrum("lin", order)
