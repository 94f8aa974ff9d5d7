"""Named tensors in safetensors files: nothing is ever unpickled."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

__all__ = ["check_tensors", "read_tensors", "tensors_to_bytes"]


def tensors_to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """``tensors`` as the content of a safetensors file.

    Args:
        tensors: any shapes, dtypes and devices. Two that share memory are written twice.

    >>> import torch
    >>> len(tensors_to_bytes({"a": torch.zeros(2, dtype=torch.float64)})) % 8
    0
    """
    return safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of the safetensors file ``path``, on the CPU.

    Returns:
        Each tensor in memory of its own, aligned as torch aligns what it allocates: views into the file are
        not, and a matrix product may round otherwise on them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a safetensors file, or is cut short.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        return {name: tensor.clone() for name, tensor in safetensors.torch.load_file(path).items()}
    except (safetensors.SafetensorError, KeyError) as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None


def check_tensors(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Check that a file holds the tensors it should, by name, shape and dtype.

    Args:
        path: the file, for the message.
        found: what was read from it.
        wanted: what it should hold; the values do not matter.

    Raises:
        ValueError: naming the first tensor that is missing, unknown, or of another shape or dtype.
    """
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise ValueError(f"{path} does not belong here: it has no tensor {name!r}")
        if name not in wanted:
            raise ValueError(f"{path} does not belong here: it has a tensor {name!r}, which is unknown")
        here, there = _kind(found[name]), _kind(wanted[name])
        if here != there:
            raise ValueError(f"{path} does not belong here: its tensor {name!r} is {here}, not {there}")


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
