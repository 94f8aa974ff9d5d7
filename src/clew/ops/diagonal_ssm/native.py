"""The recurrence compiled: sequential in time, vectors across channels, threads across rows and channels."""

import torch
from torch import Tensor

from clew.ops import compiled
from clew.ops.precision import converted, real_dtype

__all__ = ["available", "backward", "detail", "empty_saved", "forward", "supports"]

available, detail = compiled.missing, compiled.instruction_set

# Samples from one saved state to the next; native/kernels/diagonal_ssm.h has the same.
_CHUNK, _VARYING_CHUNK = 64, 16
_STRIP = 64  # bytes of channels that the kernels take at a time


def supports(x: Tensor, A_bar: Tensor, B_bar: Tensor, C: Tensor) -> str | None:
    """Takes every call on the CPU."""
    return compiled.refusal(x)


def empty_saved(x: Tensor, A_bar: Tensor, B_bar: Tensor, reset: Tensor | None) -> Tensor:
    """The states before each chunk, as real numbers.

    (batch, chunk, strip, pairs · 2 · channels of a strip); for a system that varies (batch, chunk, channel,
    pairs · 2).
    """
    batch, time, channel = x.shape
    dtype = real_dtype(A_bar.dtype)
    lanes = _STRIP // dtype.itemsize
    pairs = A_bar.shape[-1]
    if A_bar.ndim == 4 or B_bar.ndim == 4:
        return x.new_empty((batch, -(-time // _VARYING_CHUNK), channel, pairs * 2), dtype=dtype)
    return x.new_empty((batch, -(-time // _CHUNK), -(-channel // lanes), pairs * 2 * lanes), dtype=dtype)


def forward(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
    differentiable: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state, and the states before each chunk if it is to be differentiable.

    Other arguments as in ``reference.forward``.
    """
    y = torch.empty_like(x, dtype=_input_dtype(x, C), memory_format=torch.contiguous_format)
    final_state = C.new_empty((x.shape[0], *C.shape))
    saved = empty_saved(x, A_bar, B_bar, reset) if differentiable else None
    compiled.run(
        "diagonal_ssm_forward",
        *_arguments(x, A_bar, B_bar, C, D, initial_state, reset, lengths),
        y,
        final_state,
        saved,
    )
    return converted(y, x.dtype), final_state, x.new_empty(0) if saved is None else saved


def backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, A_bar, B_bar, C, D as if it were given, and the initial state (empty without one)."""
    dtype = _input_dtype(x, C)
    initial_gradient = None if initial_state is None else C.new_empty(initial_state.shape)
    gradients = (
        torch.empty_like(x, dtype=dtype, memory_format=torch.contiguous_format),
        torch.empty_like(A_bar, memory_format=torch.contiguous_format),
        torch.empty_like(B_bar, memory_format=torch.contiguous_format),
        torch.empty_like(C, memory_format=torch.contiguous_format),
        C.new_empty(C.shape[:1], dtype=real_dtype(C.dtype)),
    )
    compiled.run(
        "diagonal_ssm_backward",
        converted(y_gradient, dtype),
        final_gradient,
        saved,
        *_arguments(x, A_bar, B_bar, C, D, initial_state, reset, lengths),
        *gradients,
        initial_gradient,
    )
    by_start = C.new_empty(0) if initial_gradient is None else initial_gradient
    return converted(gradients[0], x.dtype), *gradients[1:], by_start


def _input_dtype(x: Tensor, C: Tensor) -> torch.dtype:
    """What kernels read and write samples in: 16 bits beside a state of 32, else the state's precision."""
    narrow = x.dtype in (torch.bfloat16, torch.float16) and C.dtype == torch.complex64
    return x.dtype if narrow else real_dtype(C.dtype)


def _arguments(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
) -> list[Tensor | None]:
    """The arguments as the kernels take them."""
    lengths = None if lengths is None else converted(lengths, torch.int64)
    return [converted(x, _input_dtype(x, C)), A_bar, B_bar, C, D, initial_state, reset, lengths]
