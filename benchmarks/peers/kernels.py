"""Hand-tuned C++ kernels for a few fixed shapes, from a folder that one names; compiled here."""

import ctypes
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import instruction_set

__all__ = ["Kernels", "LinearScan", "SelectiveScan", "compile_kernels"]

MARCH = {"avx512": "x86-64-v4", "avx2": "x86-64-v3"}


class Kernels:
    """A compiled file of kernels."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    def call(self, name: str, *arguments: Tensor | int | None) -> None:
        """Call a C function with sizes and float32 arrays."""
        getattr(self.library, name)(
            *(
                argument if isinstance(argument, int) else ctypes.c_void_p(_address(argument))
                for argument in arguments
            )
        )

    def number(self, name: str) -> int:
        """What a C function without arguments returns."""
        return int(getattr(self.library, name)())


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def compile_kernels(folder: Path | None, name: str) -> Kernels | str:
    """The kernels of ``folder/name.cpp``, or why there are none."""
    if folder is None:
        return "no folder of kernels given"
    source = folder / f"{name}.cpp"
    if not source.is_file():
        return f"{source} is not there"
    march = MARCH.get(instruction_set())
    if march is None:
        return "they need AVX2"
    target = Path(tempfile.mkdtemp()) / f"{name}.so"
    command = [
        "g++",
        "-O3",
        f"-march={march}",
        "-fopenmp",
        "-shared",
        "-fPIC",
        str(source),
        "-o",
        str(target),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"they do not compile: {error}"
    return Kernels(ctypes.CDLL(str(target)))


class SelectiveScan(torch.autograd.Function):
    """``ss_fwd`` and ``ss_bwd`` of ``selective_scan.cpp``: arrays (batch, time, channel), real A, a gate."""

    @staticmethod
    def forward(ctx: Any, kernels: Kernels, *inputs: Tensor) -> Tensor:
        """The output, like x."""
        x, dt, z, bias, A, B, C, D = inputs
        batch, time, channel = x.shape
        state, size = A.shape[1], kernels.number("ss_T")
        y = torch.empty_like(x)
        saved = None
        if any(ctx.needs_input_grad):
            chunks = -(-time // size)
            saved = torch.empty(batch, chunks, channel, state)
        threads = torch.get_num_threads()
        sizes = (batch, time, channel, state)
        kernels.call("ss_fwd", *sizes, x, dt, z, bias, A, B, C, D, y, saved, threads)
        ctx.kernels = kernels
        ctx.save_for_backward(*inputs, saved)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Gradients in the order of the arguments."""
        x, dt, z, bias, A, B, C, D, saved = ctx.saved_tensors
        outputs = [torch.empty_like(tensor) for tensor in (x, dt, z, A, B, C, D, bias)]
        sizes = (*x.shape, A.shape[1])
        given = (x, dt, z, bias, A, B, C, D, saved, gradients[0].contiguous())
        ctx.kernels.call("ss_bwd", *sizes, *given, *outputs, torch.get_num_threads())
        x_, dt_, z_, A_, B_, C_, D_, bias_ = outputs
        return None, x_, dt_, z_, bias_, A_, B_, C_, D_


class LinearScan(torch.autograd.Function):
    """``lti_fwd`` and ``lti_bwd`` of ``diagonal_ssm.cpp``: h = a h + x and y = c₀ Re h − c₁ Im h + D x.

    Arrays (batch, time, channel), and planes (pairs, channel) for a, c₀ and c₁.
    """

    @staticmethod
    def forward(ctx: Any, kernels: Kernels, *inputs: Tensor) -> Tensor:
        """The output, like x."""
        x, a_real, _, _, _, _ = inputs
        batch, time, channel = x.shape
        pairs, size = len(a_real), kernels.number("lti_T")
        y = torch.empty_like(x)
        saved = torch.empty(batch, -(-time // size), channel, pairs, 2)
        sizes = (batch, time, channel, pairs)
        kernels.call("lti_fwd", *sizes, *inputs, y, saved, torch.get_num_threads())
        ctx.kernels = kernels
        ctx.save_for_backward(*inputs, saved)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Gradients in the order of the arguments."""
        *inputs, saved = ctx.saved_tensors
        outputs = [torch.zeros_like(tensor) for tensor in inputs]
        sizes = (*inputs[0].shape, len(inputs[1]))
        given = (*inputs, saved, gradients[0].contiguous())
        ctx.kernels.call("lti_bwd", *sizes, *given, *outputs, torch.get_num_threads())
        return None, *outputs
