"""The HiPPO matrices by the name of their measure."""

from torch import Tensor

from clew.errors import unknown_name
from clew.hippo.legs import legs

__all__ = ["transition"]

MEASURES = {"legs": legs}


def transition(measure: str, order: int) -> tuple[Tensor, Tensor]:
    """A and B of the HiPPO system of a measure, per unit of time.

    Args:
        measure: ``"legs"``, the scaled Legendre measure.
        order: N, the number of coefficients, at least 1.

    Returns:
        A (N, N) and B (N, 1), float64.

    Raises:
        ValueError: for an unknown measure or an order below 1.

    >>> A, B = transition("legs", 3)
    >>> B[:, 0]
    tensor([1.0000, 1.7321, 2.2361], dtype=torch.float64)
    """
    if measure not in MEASURES:
        raise unknown_name("measure", measure, MEASURES)
    if order < 1:
        raise ValueError(f"order is the number of coefficients, at least 1; got {order}")
    return MEASURES[measure](order)
