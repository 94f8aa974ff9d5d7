"""Where the step sizes of selective layers start."""

import torch
from torch import Tensor

__all__ = ["step_bias"]

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
