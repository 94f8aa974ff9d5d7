"""What has to be added to a HiPPO matrix to make it normal: a product of low rank."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.hippo.transition import transition

__all__ = ["LOW_RANK", "low_rank"]


def low_rank(measure: str, order: int) -> Tensor:
    """P for which A + P Pᵀ is normal: a multiple of the identity plus a skew-symmetric matrix.

    ========  ====  ==========================================================  ===================
    measure   rank  P                                                           identity, times
    ========  ====  ==========================================================  ===================
    ``legs``  1     √(n + ½)                                                    −½
    ``legt``  2     √(2n+1), even n in the first column, odd n in the second    0
    ``fout``  1     √2 (1, 0, √2, 0, √2, 0, …)                                  0
    ========  ====  ==========================================================  ===================

    A is that of :func:`clew.hippo.transition`, whose window is one unit of time. For A/2, with which S4
    initialises its layers, it is P/√2.

    Args:
        measure: one of the names above.
        order: N, at least 1; even for ``fout``.

    Returns:
        P (N, rank), float64.

    Raises:
        ValueError: for another measure, or an order out of range.

    >>> low_rank("legt", 3)
    tensor([[1.0000, 0.0000],
            [0.0000, 1.7321],
            [2.2361, 0.0000]], dtype=torch.float64)

    Source: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (2022),
    theorem 1 and appendix C.1, for LegS and LegT; Gu et al., "How to train your HiPPO" (2022), appendix B.3,
    for FouT, whose A is a skew-symmetric matrix less 2 p pᵀ.
    """
    if measure not in LOW_RANK:
        raise unknown_name("measure", measure, LOW_RANK)
    _, B = transition(measure, order)
    return LOW_RANK[measure](B[:, 0])


def _scaled(B: Tensor) -> Tensor:
    return (math.sqrt(0.5) * B)[:, None]


def _split(B: Tensor) -> Tensor:
    P = torch.zeros(len(B), 2, dtype=B.dtype)
    P[0::2, 0] = B[0::2]
    P[1::2, 1] = B[1::2]
    return P


LOW_RANK: dict[str, Callable[[Tensor], Tensor]] = {"legs": _scaled, "legt": _split, "fout": _scaled}
