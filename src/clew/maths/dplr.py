"""Matrices that are normal but for a correction of low rank, diagonalised but for it."""

import torch
from torch import Tensor

__all__ = ["diagonalise_normal"]

# What counts as frequency zero, relative to the largest: a Hermitian solver is right to some 1e-16 of that.
NULL = 1e-12


def diagonalise_normal(A: Tensor, P: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and orthonormal eigenvectors of the normal matrix A + P Pᵀ = c I + K, K skew-symmetric.

    Only matrices of that form are taken (HiPPO's are): −iK is then Hermitian, and its real eigenvalues come
    out to the last digits, where a general eigensolver, which sees a matrix far from normal, loses half of
    them.

    Args:
        A: (N, N), real.
        P: (N, rank), real.

    Returns:
        The eigenvalues (N,) complex128, by ascending imaginary part, so that entry n and entry N−1−n are
        conjugate, and so are their vectors; and V (N, N) complex128, unitary, with
        A + P Pᵀ = V diag(eigenvalues) V*. The phase of each column is such that V* P[:, 0] is real and not
        negative, wherever it is not zero.

    Raises:
        ValueError: if A + P Pᵀ is not of that form.

    >>> A = torch.tensor([[-1.0, 0.0], [-3.0**0.5, -2.0]], dtype=torch.float64)  # HiPPO-LegS
    >>> P = torch.tensor([[0.5**0.5], [1.5**0.5]], dtype=torch.float64)
    >>> diagonalise_normal(A, P)[0]
    tensor([-0.5000-0.8660j, -0.5000+0.8660j], dtype=torch.complex128)

    Source: Gu et al., "On the parameterization and initialization of diagonal state space models" (2022),
    eq. 4 and 5.
    """
    A, P = A.double(), P.double()
    normal = A + P @ P.mT
    order = len(normal)
    centre = normal.diagonal().mean()
    rotation = normal - centre * torch.eye(order, dtype=torch.float64, device=A.device)
    asymmetry = (rotation + rotation.mT).abs().max()
    if asymmetry > 1e-10 * A.abs().max():
        raise ValueError(
            f"A + P Pᵀ must be a multiple of the identity plus a skew-symmetric matrix; "
            f"its symmetric part is off by {asymmetry:.1e}"
        )
    frequencies, V = torch.linalg.eigh(-0.5j * (rotation - rotation.mT))
    V = _paired_null_space(frequencies, V)
    along = V.mH @ P[:, 0].to(V.dtype)
    size = along.abs()
    phase = torch.where(size > 0, along / size.clamp(min=torch.finfo(torch.float64).tiny), 1.0)
    return torch.complex(centre.expand(order), frequencies), V * phase


def _paired_null_space(frequencies: Tensor, V: Tensor) -> Tensor:
    """V (N, N) with the vectors of frequency zero, which the solver returns in any basis, in conjugate pairs.

    Two real vectors u and v make the pair (u ± i v)/√2. HiPPO-FouT needs it, whose frequency 0 is double.
    """
    count = int((frequencies.abs() <= NULL * frequencies.abs().max()).sum())
    if count < 2:
        return V
    first, pairs = (len(V) - count) // 2, count // 2
    null = V[:, first : first + count]
    # The space is closed under conjugation, so the projection on it is real, and so are its eigenvectors.
    basis = torch.linalg.eigh((null @ null.mH).real)[1][:, -count:].to(V.dtype)
    upper = (basis[:, :pairs] + 1j * basis[:, count - pairs :]) * 0.5**0.5
    middle = basis[:, pairs : count - pairs]
    return torch.cat((V[:, :first], upper.conj().flip(1), middle, upper, V[:, first + count :]), dim=1)
