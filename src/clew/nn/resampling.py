"""Layers for samples that are further apart, or nearer together, than those they were trained on."""

import copy
import math
from numbers import Real
from typing import Any, TypeVar

import torch

from clew.nn.mixer import Mixer

__all__ = ["check_factor", "with_longer_steps"]

MixerT = TypeVar("MixerT", bound=Mixer[Any, Any])


def check_factor(factor: float) -> None:
    """Refuse what is no ratio of sampling intervals.

    Raises:
        ValueError: unless ``factor`` is a number, positive and finite.
    """
    if not isinstance(factor, Real):
        raise ValueError(
            f"factor is a number, how many times as far apart the samples are; got {type(factor).__name__}: "
            "give it as a float"
        )
    if not 0.0 < factor < math.inf:
        raise ValueError(f"factor is how many times as far apart the samples are, above 0; got {factor}")


def with_longer_steps(layer: MixerT, factor: float, *names: str) -> MixerT:
    """A copy of ``layer`` in which the step is ``factor`` times as long.

    Args:
        layer: left as it is.
        factor: positive.
        names: of the parameters that are logarithms of what is proportional to the step: each gains
            log ``factor``, rounded to its own dtype.

    Raises:
        ValueError: unless ``factor`` is positive and finite.
    """
    check_factor(factor)
    longer = copy.deepcopy(layer)
    with torch.no_grad():
        for name in names:
            longer.get_parameter(name).add_(math.log(factor))
    return longer
