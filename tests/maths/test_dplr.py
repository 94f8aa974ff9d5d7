"""The normal part of a matrix, diagonalised.

Oracles: the reconstruction of A from what was returned; the eigenvalues by mpmath's general solver in 60
digits. Tolerances: TOLERANCES.
"""

import math

import mpmath
import pytest
import torch

from clew.hippo import low_rank, transition
from clew.maths.dplr import diagonalise_normal

TOLERANCES = {
    "reconstruction": 1e-13,  # relative to the largest entry: float64 rounding of N products
    "eigenvalues": 1e-14,  # relative to the largest: a Hermitian solver is backward stable
    "orthonormal": 1e-13,
    "conjugates": 1e-11,  # of the pair nearest zero: a solver's error, 1e-16 of the largest, over its gap
}


def legs(order):
    A, B = transition("legs", order)
    return A, B * math.sqrt(0.5)


@pytest.mark.parametrize("order", [1, 2, 7, 64, 256])
def test_reconstructs_the_matrix(order):
    A, P = legs(order)
    eigenvalues, V = diagonalise_normal(A, P)
    back = (V * eigenvalues) @ V.mH - P @ P.mT
    assert (back - A).abs().max() <= TOLERANCES["reconstruction"] * A.abs().max()
    identity = torch.eye(order, dtype=torch.complex128)
    torch.testing.assert_close(V.mH @ V, identity, rtol=0, atol=TOLERANCES["orthonormal"])


@pytest.mark.parametrize("order", [8, 16])
def test_eigenvalues_against_a_general_solver_in_many_digits(order):
    with mpmath.workdps(60):
        A = mpmath.matrix(order, order)
        for n in range(order):
            for k in range(order):
                low_rank = mpmath.sqrt((n + mpmath.mpf(1) / 2) * (k + mpmath.mpf(1) / 2))
                lower = -mpmath.sqrt((2 * n + 1) * (2 * k + 1)) if n > k else mpmath.mpf(0)
                A[n, k] = (lower if n != k else mpmath.mpf(-(n + 1))) + low_rank
        exact, _ = mpmath.eig(A)
        wanted = sorted((float(value.imag), float(value.real)) for value in exact)
    eigenvalues, _ = diagonalise_normal(*legs(order))
    wanted = torch.tensor([complex(real, imag) for imag, real in wanted], dtype=torch.complex128)
    scale = wanted.abs().max()
    assert (eigenvalues - wanted).abs().max() <= TOLERANCES["eigenvalues"] * scale


@pytest.mark.parametrize("order", [2, 64, 65])
def test_real_parts_are_one_half_and_eigenvalues_come_in_conjugates(order):
    eigenvalues, _ = diagonalise_normal(*legs(order))
    assert (eigenvalues.real + 0.5).abs().max() <= TOLERANCES["reconstruction"] * order
    mirrored = eigenvalues.flip(0).conj()
    assert (eigenvalues - mirrored).abs().max() <= TOLERANCES["eigenvalues"] * eigenvalues.abs().max()


@pytest.mark.parametrize("order", [2, 4, 8, 64, 256])
@pytest.mark.parametrize("measure", ["legs", "legt", "fout"])
def test_half_of_the_vectors_and_their_conjugates_are_all(measure, order):
    """Also for FouT, whose frequency zero is double: any basis of that plane diagonalises, one is a pair."""
    A, _ = transition(measure, order)
    P = low_rank(measure, order)
    eigenvalues, V = diagonalise_normal(A, P)
    eigenvalues, V = eigenvalues[order // 2 :], V[:, order // 2 :]
    assert (eigenvalues.imag >= 0).all()
    back = 2 * ((V * eigenvalues) @ V.mH).real - P @ P.mT
    assert (back - A).abs().max() <= TOLERANCES["reconstruction"] * A.abs().max()
    both = torch.cat((V, V.conj()), dim=1)
    identity = torch.eye(order, dtype=torch.complex128)
    torch.testing.assert_close(both.mH @ both, identity, rtol=0, atol=TOLERANCES["conjugates"])


def test_a_null_space_of_odd_size_keeps_one_vector_alone():
    eigenvalues, V = diagonalise_normal(torch.zeros(3, 3), torch.zeros(3, 1))
    assert not eigenvalues.any()
    identity = torch.eye(3, dtype=torch.complex128)
    torch.testing.assert_close(V.mH @ V, identity, rtol=0, atol=TOLERANCES["orthonormal"])
    torch.testing.assert_close(V.conj().flip(1), V, rtol=0, atol=TOLERANCES["orthonormal"])


def test_phases_make_the_low_rank_part_real_and_positive():
    A, P = legs(32)
    _, V = diagonalise_normal(A, P)
    along = (V.mH @ P.to(V.dtype))[:, 0]
    assert along.real.min() > 0
    assert along.imag.abs().max() <= TOLERANCES["orthonormal"] * along.abs().max()


def test_another_matrix_is_refused():
    A, P = legs(4)
    with pytest.raises(ValueError, match="skew-symmetric matrix; its symmetric part is off by"):
        diagonalise_normal(A, 2 * P)
