"""What users hand over as numbers (tensors, numpy arrays, nested lists), made into tensors of one dtype."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["ArrayLike", "as_tensor", "common_dtype", "to_common"]

ArrayLike: TypeAlias = Tensor | npt.ArrayLike

_WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32, torch.complex32: torch.complex64}


class _Read(NamedTuple):
    """A value as a tensor; ``fixed`` if its own dtype counts (lists and whole numbers follow the rest)."""

    tensor: Tensor
    fixed: bool


def to_common(values: Mapping[str, ArrayLike]) -> dict[str, Tensor]:
    """Tensors of one dtype on one device.

    The dtype is the widest of the floating-point and complex tensors and arrays; lists and whole numbers
    follow it, and alone make float64. Half precision becomes float32. Tensors stay what they are where they
    can (the gradient flows through); arrays and lists are copied.

    Args:
        values: by the name that a message should give them.

    Raises:
        ValueError: for what is no array of numbers, and for tensors on different devices.
    """
    read = {name: _read(name, value) for name, value in values.items()}
    devices = {name: read[name].tensor.device for name, value in values.items() if isinstance(value, Tensor)}
    if len(set(devices.values())) > 1:
        raise ValueError(f"tensors are on different devices, {_listed(devices)}: move them to one")
    device = next(iter(devices.values()), torch.device("cpu"))
    dtype = _common(read.values())
    return {name: each.tensor.to(device=device, dtype=dtype) for name, each in read.items()}


def as_tensor(name: str, value: ArrayLike, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A tensor to go with a system of ``dtype`` on ``device``: in the value's own dtype, if it has one.

    Raises:
        ValueError: for what is no array of numbers, and for a tensor on another device.
    """
    tensor, fixed = _read(name, value)
    if isinstance(value, Tensor) and value.device != device:
        raise ValueError(f"{name} is on {value.device} and the system on {device}: move one with .to()")
    if not fixed:
        return tensor.to(device=device, dtype=dtype.to_complex() if tensor.is_complex() else dtype)
    return tensor.to(device)


def common_dtype(*tensors: Tensor) -> torch.dtype:
    """The narrowest dtype that holds all of the tensors' dtypes."""
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype


def _read(name: str, value: ArrayLike) -> _Read:
    if isinstance(value, Tensor):
        tensor, fixed = value, True
    else:
        try:
            array = np.asarray(value)
            if array.dtype == np.longdouble:
                array = array.astype(np.float64)
            tensor = torch.tensor(array)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{name} must be an array of numbers: {error}") from None
        fixed = isinstance(value, np.ndarray | np.generic)
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return _Read(tensor.to(torch.float64), fixed=False)
    return _Read(tensor.to(_WIDENED.get(tensor.dtype, tensor.dtype)), fixed)


def _common(read: Iterable[_Read]) -> torch.dtype:
    """The dtype for all; see :func:`to_common`."""
    read = list(read)
    fixed = [each.tensor for each in read if each.fixed]
    dtype = common_dtype(*fixed) if fixed else torch.float64
    return dtype.to_complex() if any(each.tensor.is_complex() for each in read) else dtype


def _listed(devices: Mapping[str, torch.device]) -> str:
    return ", ".join(f"{name} on {device}" for name, device in devices.items())
