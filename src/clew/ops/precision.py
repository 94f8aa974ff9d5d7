"""The dtypes of the arithmetic: what a recurrence accumulates in, and no autocast inside."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

__all__ = ["accumulation_dtype", "converted", "real_dtype", "without_autocast"]


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


def converted(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """``tensor.to(dtype)``, which takes several times as long to find that there is nothing to do."""
    return tensor if tensor.dtype == dtype else tensor.to(dtype)


def real_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of the real part; ``torch.dtype.to_real``, but traceable by ``torch.compile``.

    >>> real_dtype(torch.complex64)
    torch.float32
    """
    return {torch.complex64: torch.float32, torch.complex128: torch.float64}.get(dtype, dtype)


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A context in which operations on ``device`` keep the dtypes of their arguments.

    What accumulates over time stays in the dtype of its state, whatever is around it.
    """
    # Devices such as meta, where shapes alone are worked out, have no autocast to ask for.
    if torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
