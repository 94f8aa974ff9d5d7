"""The HiPPO matrices and basis functions by the name of their measure."""

import torch
from torch import Tensor

from clew.hippo.measures import measure_of
from clew.systems.arrays import ArrayLike, as_tensor

__all__ = ["basis", "transition"]


def transition(
    measure: str, order: int, *, alpha: float | None = None, beta: float | None = None
) -> tuple[Tensor, Tensor]:
    """A and B of the HiPPO system of a measure, per unit of time.

    =========  ==============================  ==================================================
    measure    the system                      what it remembers
    =========  ==============================  ==================================================
    ``legs``   c′(t) = (A c(t) + B f(t)) / t   all of (0, t), every moment weighted alike
    ``legt``   c′(t) = A c(t) + B f(t)         (t − 1, t), every moment weighted alike
    ``fout``   the same                        (t − 1, t), on sines and cosines of whole periods
    ``chebt``  the same                        (t − 1, t), on Chebyshev polynomials
    ``lagt``   the same                        all before t, weighted s^{−α} e^{−βs}, s ago
    =========  ==============================  ==================================================

    For a window of θ units of time take A/θ and B/θ. ``legs`` and ``lagt`` hold the exact projection of the
    past. The others read what leaves the window from the state, and are close to it.

    Args:
        measure: one of the names above.
        order: N, the number of coefficients, at least 1; even for ``fout``.
        alpha: of ``lagt`` alone: α, 0 unless given; see :func:`clew.hippo.lagt.lagt`.
        beta: of ``lagt`` alone: β, 1 unless given.

    Returns:
        A (N, N) and B (N, 1), float64.

    Raises:
        ValueError: for an unknown measure, an order or parameter out of range, or a parameter that the
            measure does not have.

    >>> A, B = transition("legs", 3)
    >>> B[:, 0]
    tensor([1.0000, 1.7321, 2.2361], dtype=torch.float64)

    Source: with each measure: :mod:`clew.hippo.legs`, :mod:`clew.hippo.legt`, :mod:`clew.hippo.lagt`,
    :mod:`clew.hippo.fout`, :mod:`clew.hippo.chebt`.
    """
    return measure_of(measure, order, alpha, beta).matrices(order)


def basis(
    measure: str, order: int, at: ArrayLike, *, alpha: float | None = None, beta: float | None = None
) -> Tensor:
    """The functions whose combination with the coefficients is the remembered past: f ≈ Σ c_n g_n.

    Args:
        measure: as in :func:`transition`.
        order: N, as in :func:`transition`.
        at: moments, any shape: 1 is now, 0 the oldest moment of the window (of ``lagt``: one unit of time
            ago; negative is older still).
        alpha: of ``lagt`` alone.
        beta: of ``lagt`` alone.

    Returns:
        (..., N), float64: g_0, …, g_{N−1} at each moment.

    Raises:
        ValueError: as in :func:`transition`, and for moments outside the window.

    >>> basis("legt", 3, [0.0, 0.5, 1.0])
    tensor([[ 1.0000, -1.7321,  2.2361],
            [ 1.0000,  0.0000, -1.1180],
            [ 1.0000,  1.7321,  2.2361]], dtype=torch.float64)
    """
    moments = as_tensor("at", at, torch.float64, at.device if isinstance(at, Tensor) else torch.device("cpu"))
    if moments.is_complex() or not torch.isfinite(moments).all():
        raise ValueError("at must be finite real numbers")
    moments = moments.to(torch.float64)
    functions = measure_of(measure, order, alpha, beta).basis
    outside = moments > 1
    if measure != "lagt":
        outside = outside | (moments < 0)
    if outside.any():
        wanted = "at most 1 (now)" if measure == "lagt" else "from 0 (the oldest moment) to 1 (now)"
        raise ValueError(f"at is {wanted}, got {moments[outside].flatten()[0].item()!r} among its entries")
    return functions(order, moments)
