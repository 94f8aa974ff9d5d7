"""The dtype in which a recurrence accumulates its state."""

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["accumulation_dtype"]


def accumulation_dtype(arguments: Mapping[str, Tensor | None]) -> torch.dtype:
    """The widest of the arguments' dtypes, and float32 (complex64) at least.

    Args:
        arguments: tensors by name (for the message); None is passed over.

    Raises:
        ValueError: if one is neither real floating-point nor complex.

    >>> accumulation_dtype({"x": torch.ones(1, dtype=torch.bfloat16), "D": None})
    torch.float32
    """
    dtype = torch.float32
    for name, tensor in arguments.items():
        if tensor is None:
            continue
        if not (tensor.is_floating_point() or tensor.is_complex()):
            raise ValueError(f"{name} has dtype {tensor.dtype}; wanted a floating-point or complex one")
        dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype
