"""The compiled module ``clew._native``: whether it is here, and what every ``native.py`` needs to call it.

It holds the same kernels for several instruction sets of the processor, and takes the best that there is at
the first call; the environment variable ``CLEW_NATIVE_ISA`` (``avx512``, ``avx2`` or ``baseline``), read
then, can lower the choice. In a checkout it is used only if it was built from the sources that are there now.
"""

import functools
import hashlib
import importlib
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor
from torch.utils.dlpack import to_dlpack  # type: ignore[attr-defined]  # public; its module names no exports

__all__ = [
    "argument",
    "instruction_set",
    "missing",
    "module",
    "refusal",
    "run",
    "sum_of_parts",
    "sum_to_size",
    "threads",
]

_SOURCES = Path(__file__).resolve().parents[3] / "native"


@functools.cache
def missing() -> str | None:
    """Why the compiled module cannot be used here; None where it can.

    Raises:
        ValueError: if ``CLEW_NATIVE_ISA`` names no instruction set.
    """
    try:
        loaded = importlib.import_module("clew._native")
    except ModuleNotFoundError:
        return "not compiled: there was no C++ compiler when clew was installed"
    except ImportError as error:
        return f"the compiled module does not load: {str(error).splitlines()[0]}"
    if (_SOURCES / "CMakeLists.txt").is_file() and _digest() != loaded.SOURCES:
        return "compiled from other sources than are here now: run `make native`"
    loaded.isa()
    return None


@functools.cache
def module() -> ModuleType:
    """The compiled module, where :func:`missing` finds nothing wrong with it."""
    return importlib.import_module("clew._native")


def instruction_set() -> str:
    """The instruction set in use."""
    name: str = module().isa()
    return name


def threads() -> int:
    """How many threads a kernel may use: as many as torch does."""
    return torch.get_num_threads()


def refusal(tensor: Tensor) -> str | None:
    """Why no kernel takes a tensor like this one; None for those on the CPU, which they take."""
    return None if tensor.device.type == "cpu" else f"runs on the CPU; the tensors are on {tensor.device}"


def argument(tensor: Tensor) -> object:
    """A tensor as kernels take it: no lazy conjugate, its last axis without gaps; packed for DLPack.

    The compiled module would ask a tensor for the same; that takes seven times as long.
    """
    if tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg()
    if not tensor.is_contiguous() and tensor.shape[-1] != 1 and tensor.stride(-1) != 1:
        tensor = tensor.contiguous()
    return to_dlpack(tensor)


def run(kernel: str, *arguments: Tensor | int | None) -> None:
    """Call a kernel with these arguments, in its order, and the number of threads.

    Those that it writes to are fresh tensors: of others it might see a copy.
    """
    given = (argument(each) if isinstance(each, Tensor) else each for each in arguments)
    getattr(module(), kernel)(*given, threads())


def sum_of_parts(parts: Tensor) -> Tensor:
    """The sum of real numbers over the first axis, as :func:`sum_to_size` has it."""
    if parts.shape[0] == 1:
        return parts.squeeze(0)
    total = parts.new_empty(parts.shape[1:])
    inner = total.numel()
    run("sum_over", parts.view(1, len(parts), inner), total.view(1, inner))
    return total


def sum_to_size(tensor: Tensor, shape: torch.Size) -> Tensor:
    """As ``Tensor.sum_to_size`` for as many dimensions, the same bits for any number of threads.

    Args:
        tensor: contiguous, float32, float64 or complex of these.
        shape: its own sizes, or 1 where to sum.
    """
    if tensor.is_complex():
        return torch.view_as_complex(sum_to_size(torch.view_as_real(tensor), torch.Size((*shape, 2))))
    for axis in reversed(range(tensor.ndim)):
        if shape[axis] != tensor.shape[axis]:
            before, after = tensor.shape[:axis], tensor.shape[axis + 1 :]
            total = tensor.new_empty((*before, 1, *after))
            inner = after.numel()
            run(
                "sum_over",
                tensor.view(before.numel(), tensor.shape[axis], inner),
                total.view(before.numel(), inner),
            )
            tensor = total
    return tensor


def _digest() -> str:
    """What native/CMakeLists.txt makes of the sources: their names, each with the digest of its content."""
    names = (path for pattern in ("*.cpp", "*.h", "CMakeLists.txt") for path in _SOURCES.rglob(pattern))
    listing = "".join(
        f"{hashlib.sha256((_SOURCES / name).read_bytes()).hexdigest()} {name}\n"
        for name in sorted(path.relative_to(_SOURCES).as_posix() for path in names)
    )
    return hashlib.sha256(listing.encode()).hexdigest()
