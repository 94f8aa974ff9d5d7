"""Where the step sizes of selective layers start, and the dtype in which their parameters are used."""

import torch
from torch import Tensor

from clew.nn.mixer import state_dtype

__all__ = ["step_bias", "widened"]

DT_MIN, DT_MAX = 1e-3, 1e-1


def step_bias(size: int) -> Tensor:
    """b_Δ (size,) such that softplus(b_Δ) is log-uniform from 0.001 to 0.1.

    >>> bool((torch.nn.functional.softplus(step_bias(100)) < 0.11).all())
    True

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), section
    3.6.
    """
    step_size = DT_MIN * (DT_MAX / DT_MIN) ** torch.rand(size)
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
