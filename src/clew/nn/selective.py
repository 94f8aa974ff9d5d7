"""Where the step sizes of selective layers start, and the dtype in which their parameters are used."""

import math

import torch
from torch import Tensor

from clew.nn.mixer import state_dtype

__all__ = ["step_bias", "widened"]


def step_bias(size: int, dt_min: float, dt_max: float) -> Tensor:
    """b_Δ (size,) such that softplus(b_Δ) is log-uniform from ``dt_min`` to ``dt_max``.

    >>> bool((torch.nn.functional.softplus(step_bias(100, 0.001, 0.1)) < 0.11).all())
    True

    Raises:
        ValueError: unless 0 < ``dt_min`` ≤ ``dt_max``.

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), section
    3.6.
    """
    if not 0.0 < dt_min <= dt_max < math.inf:
        raise ValueError(f"0 < dt_min ≤ dt_max is needed; got dt_min={dt_min}, dt_max={dt_max}")
    step_size = dt_min * (dt_max / dt_min) ** torch.rand(size)
    return step_size + torch.log(-torch.expm1(-step_size))


def widened(parameter: Tensor | None, like: Tensor, size: int = 0) -> Tensor:
    """A parameter in the dtype of the state of a layer that has the parameter ``like``.

    Args:
        parameter: any shape; ``None`` for one that the layer lacks.
        like: gives the dtype, float32 at least, and the device.
        size: of the zeros that stand for a parameter that is lacking.

    >>> widened(None, torch.ones(1, dtype=torch.bfloat16), 2)
    tensor([0., 0.])
    """
    dtype = state_dtype(like)
    return like.new_zeros(size, dtype=dtype) if parameter is None else parameter.to(dtype)
