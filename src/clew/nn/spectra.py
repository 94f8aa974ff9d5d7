"""Where the eigenvalues of a diagonal state space layer start."""

import math
from typing import Literal, cast

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.hippo import low_rank, transition
from clew.maths.dplr import diagonalise_normal

__all__ = ["HALVED", "SPECTRA", "initial_low_rank", "initial_spectrum", "normal_spectrum"]

# Measures whose A and B S4 halves: their windows are two units of time in its layers.
HALVED = {"legs": False, "legt": True, "fout": True}


def normal_spectrum(measure: Literal["legs", "legt", "fout"], order: int) -> tuple[Tensor, Tensor]:
    """The eigenvalues above the real axis of a HiPPO matrix's normal part A + P Pᵀ, and their eigenvectors.

    Args:
        measure: ``"legs"``, ``"legt"`` or ``"fout"``.
        order: N, even.

    Returns:
        Eigenvalues (N/2,), ascending (FouT's first is one of a pair of zeros), and orthonormal eigenvectors
        (N, N/2), complex128. With their conjugates they are all.

    >>> normal_spectrum("legs", 2)[0]
    tensor([-0.5000+0.8660j], dtype=torch.complex128)

    Source: Gu et al., "Efficiently modeling long sequences with structured state spaces" (2022), appendix
    C.1.
    """
    eigenvalues, V = diagonalise_normal(transition(measure, order)[0], low_rank(measure, order))
    pairs = order // 2
    return eigenvalues[pairs:], V[:, pairs:]


def _legs(order: int) -> tuple[Tensor, Tensor]:
    eigenvalues, V = normal_spectrum("legs", order)
    _, B = transition("legs", order)
    return eigenvalues, (V.mH @ B.to(V.dtype))[:, 0]


def _lin(order: int) -> tuple[Tensor, Tensor]:
    return _with_ones(math.pi * torch.arange(order // 2, dtype=torch.float64))


def _inv(order: int) -> tuple[Tensor, Tensor]:
    n = torch.arange(order // 2, dtype=torch.float64)
    return _with_ones(order / math.pi * (order / (2 * n + 1) - 1))


def _real(order: int) -> tuple[Tensor, Tensor]:
    n = torch.arange(order // 2, dtype=torch.float64)
    return torch.complex(-(n + 1), 0 * n), torch.ones(order // 2, dtype=torch.complex128)


def _with_ones(frequencies: Tensor) -> tuple[Tensor, Tensor]:
    """−½ + i·frequency, and B = 1."""
    A = torch.complex(torch.full_like(frequencies, -0.5), frequencies)
    return A, torch.ones_like(A)


SPECTRA = {"legs": _legs, "lin": _lin, "inv": _inv, "real": _real}


def initial_spectrum(init: str, order: int) -> tuple[Tensor, Tensor]:
    """The diagonal A of one of S4D's initialisations and the B beside it, one entry for each conjugate pair.

    ========  ==================================================================================
    ``legs``  the eigenvalues of the normal part of HiPPO-LegS that lie above the real axis
    ``lin``   −½ + iπn
    ``inv``   −½ + i (N/π) (N/(2n+1) − 1), N the full order
    ``real``  −(n+1)
    ========  ==================================================================================

    with n = 0 … N/2 − 1. B is 1, and for ``legs`` V*B, B that of HiPPO-LegS and V the unitary eigenvectors,
    each in the phase that makes V*B real and positive (the phase of a mode is free: C absorbs it). The
    theorem behind ``legs`` has B/2 where the published code has B; this is B.

    Args:
        init: one of the names above.
        order: N, the number of real states: twice the number of pairs, even.

    Returns:
        A and B (N/2,), complex128.

    Raises:
        ValueError: for an unknown name, or an order that is odd or below 2.

    >>> initial_spectrum("inv", 4)[0]
    tensor([-0.5000+3.8197j, -0.5000+0.4244j], dtype=torch.complex128)

    Source: Gu et al., "On the parameterization and initialization of diagonal state space models" (2022),
    theorem 3 (``legs``), eq. 8 (``inv``), eq. 9 (``lin``), section 4.4 (``real``).
    """
    if init not in SPECTRA:
        raise unknown_name("init", init, SPECTRA)
    _check_pairs(order)
    return SPECTRA[init](order)


def initial_low_rank(init: str, order: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where S4 starts: Λ, P and B of A = Λ − P P*, one entry for each conjugate pair.

    HiPPO's A = V (Λ − P P*) V* in the basis of the eigenvectors V of its normal part. With the N/2 entries go
    their conjugates: on a state of conjugate pairs P* h is 2 Re Σ P̄ h, a real number.

    ========  ====  =================================================================
    ``legs``  1     HiPPO-LegS
    ``legt``  2     HiPPO-LegT with A and B halved: a window of two units of time
    ``fout``  1     HiPPO-FouT, likewise
    ========  ====  =================================================================

    with the rank of P in the second column. Each mode has the phase that makes V* P real and not negative in
    its first column (that of a mode is free: C absorbs it).

    Args:
        init: one of the names above.
        order: N, the number of real states: twice the number of pairs, even.

    Returns:
        Λ (N/2,), P (rank, N/2) and B (N/2,), complex128.

    Raises:
        ValueError: for an unknown name, or an order that is odd or below 2.

    >>> eigenvalues, P, B = initial_low_rank("legt", 8)
    >>> P.shape
    torch.Size([2, 4])

    Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    theorem 1; Goel, Gu, Donahue and Ré, "It's raw! Audio generation with state-space models" (2022), section
    4.2, for one P on both sides; the halving is that of the published code.
    """
    if init not in HALVED:
        raise unknown_name("init", init, HALVED)
    _check_pairs(order)
    measure = cast(Literal["legs", "legt", "fout"], init)
    eigenvalues, V = normal_spectrum(measure, order)
    _, B = transition(measure, order)
    share = 0.5 if HALVED[init] else 1.0
    P = V.mH @ low_rank(measure, order).to(V.dtype)
    return share * eigenvalues, math.sqrt(share) * P.mT, share * (V.mH @ B.to(V.dtype))[:, 0]


def _check_pairs(order: int) -> None:
    if order < 2 or order % 2:
        raise ValueError(
            f"d_state counts real states, two for each conjugate pair: even, at least 2; got {order}"
        )
