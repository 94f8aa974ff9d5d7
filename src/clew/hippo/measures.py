"""The measures by name: of each its matrices and its basis, for one order and its parameters."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import Tensor

from clew.errors import unknown_name
from clew.hippo.chebt import chebt, chebt_basis
from clew.hippo.fout import fout, fout_basis
from clew.hippo.lagt import lagt, lagt_basis
from clew.hippo.legs import legendre_basis, legs
from clew.hippo.legt import legt

__all__ = ["Measure", "measure_of"]


class Measure(NamedTuple):
    """What defines a measure.

    Attributes:
        matrices: of the order: A (N, N) and B (N, 1), float64.
        basis: of the order and of moments ``at``, of any shape (...): the basis functions (..., N).
    """

    matrices: Callable[[int], tuple[Tensor, Tensor]]
    basis: Callable[[int, Tensor], Tensor]


MEASURES = {
    "legs": Measure(legs, legendre_basis),
    "legt": Measure(legt, legendre_basis),
    "lagt": Measure(lagt, lagt_basis),
    "fout": Measure(fout, fout_basis),
    "chebt": Measure(chebt, chebt_basis),
}


def measure_of(name: str, order: int, alpha: float | None = None, beta: float | None = None) -> Measure:
    """The measure called ``name``, with its parameters bound.

    Raises:
        ValueError: for an unknown name, an order below 1, and an ``alpha`` or ``beta`` for any but ``lagt``.
    """
    if name not in MEASURES:
        raise unknown_name("measure", name, MEASURES)
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ValueError(f"order is the number of coefficients, at least 1; got {order!r}")
    parameters = {key: value for key, value in (("alpha", alpha), ("beta", beta)) if value is not None}
    if name != "lagt" and parameters:
        raise ValueError(f"{' and '.join(parameters)} belong to 'lagt', not to {name!r}: leave them out")
    measure = MEASURES[name]
    return Measure(partial(measure.matrices, **parameters), partial(measure.basis, **parameters))
