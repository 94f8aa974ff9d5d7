"""The scan compiled: sequential in time, vectors across a head's channels, threads across rows and heads."""

import torch
from torch import Tensor

from clew.ops import compiled

__all__ = ["available", "backward", "detail", "empty_saved", "forward", "supports"]

available, detail = compiled.missing, compiled.instruction_set

_CHUNK = 32  # samples from one saved state to the next; native/kernels/scan_chunk.h has the same
_STRIP = 64  # bytes of channels that the kernels take at a time
_ENOUGH = 4  # tasks a call


def supports(x: Tensor, delta: Tensor, exponent: Tensor, B: Tensor, C: Tensor) -> str | None:
    """Takes every call on the CPU."""
    return compiled.refusal(x)


def empty_saved(x: Tensor, delta: Tensor, B: Tensor) -> Tensor:
    """The states before each chunk: (batch, chunk, head, channel of the head, in whole strips, state)."""
    batch, time, head, head_dim = x.shape
    lanes = _STRIP // delta.dtype.itemsize
    return delta.new_empty((batch, -(-time // _CHUNK), head, -(-head_dim // lanes) * lanes, B.shape[3]))


def forward(
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    differentiable: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state, and the states before each chunk if it is to be differentiable.

    Other arguments as in ``reference.forward``.
    """
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    final_state = delta.new_empty((x.shape[0], *x.shape[2:], B.shape[3]))
    saved = empty_saved(x, delta, B) if differentiable else None
    compiled.run(
        "ssd_forward",
        *(x.flatten(2), delta, exponent.exp(), B, C, D, _by_channel(initial_state), reset),
        y.flatten(2),
        final_state.flatten(1, 2),
        saved,
        _splits(x, B),
    )
    return y, final_state, delta.new_empty(0) if saved is None else saved


def backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, delta, exponent, B, C, D and initial state, the last two as if they were given."""
    splits = _splits(x, B)
    x_gradient = torch.empty_like(x, memory_format=torch.contiguous_format)
    # Zeros: a head without channels has no task that would write them.
    delta_gradient, exponent_gradient = delta.new_zeros(delta.shape), delta.new_zeros(delta.shape)
    B_gradient, C_gradient = delta.new_empty((splits, *B.shape)), delta.new_empty((splits, *C.shape))
    initial_gradient = delta.new_empty((x.shape[0], *x.shape[2:], B.shape[3]))
    D_gradient = delta.new_empty((x.shape[0], *x.shape[2:]))
    compiled.run(
        "ssd_backward",
        *(y_gradient.flatten(2), _by_channel(final_gradient), saved, x.flatten(2)),
        *(delta, exponent.exp(), B, C, D, reset),
        x_gradient.flatten(2),
        delta_gradient,
        exponent_gradient,
        initial_gradient.flatten(1, 2),
        B_gradient,
        C_gradient,
        D_gradient.flatten(1),
        splits,
    )
    return (
        x_gradient,
        delta_gradient,
        exponent_gradient,
        compiled.sum_of_parts(B_gradient).to(B.dtype),
        compiled.sum_of_parts(C_gradient).to(C.dtype),
        compiled.sum_to_size(D_gradient, torch.Size((1, x.shape[2], 1))).flatten(),
        initial_gradient,
    )


def _by_channel(state: Tensor | None) -> Tensor | None:
    """(batch, head, head_dim, state) as (batch, channel, state)."""
    return None if state is None else state.flatten(1, 2)


def _splits(x: Tensor, B: Tensor) -> int:
    """How many tasks share the heads of a group.

    Each task sums the gradients of B and C over its own heads: more tasks need more memory for that. It does
    not depend on the number of threads, so neither do the sums.
    """
    group = B.shape[2]
    return max(min(-(-_ENOUGH // max(len(x) * group, 1)), x.shape[2] // group), 1)
