"""The scan compiled: sequential in time, vectors across channels, threads across rows and channels."""

import torch
from torch import Tensor

from clew.ops import compiled

__all__ = ["available", "backward", "detail", "empty_saved", "forward", "supports"]

available, detail = compiled.missing, compiled.instruction_set

_CHUNK = 32  # samples from one saved state to the next; native/kernels/scan_chunk.h has the same
_STRIP = 64  # bytes of channels that the kernels take at a time
_ENOUGH = 4  # tasks a call; rows of memory that are read in narrow parts cost more


def supports(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> str | None:
    """Takes every call on the CPU."""
    return compiled.refusal(x)


def empty_saved(x: Tensor, A: Tensor, B: Tensor) -> Tensor:
    """The states before each chunk: (batch, chunk, group, channel of the group, in whole strips, state)."""
    batch, time, channel = x.shape
    lanes, group = _STRIP // A.dtype.itemsize, B.shape[2]
    return A.new_empty((batch, -(-time // _CHUNK), group, -(-channel // group // lanes) * lanes, A.shape[1]))


def forward(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    dt_bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    dt_softplus: bool,
    differentiable: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state, and the states before each chunk if it is to be differentiable.

    Other arguments as in ``reference.forward``.
    """
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    final_state = A.new_empty((x.shape[0], *A.shape))
    saved = empty_saved(x, A, B) if differentiable else None
    given = (x, dt, A, B, C, D, z, dt_bias, initial_state, reset, dt_softplus)
    compiled.run("selective_scan_forward", *given, y, final_state, saved, _splits(x, A, B))
    return y, final_state, A.new_empty(0) if saved is None else saved


def backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    dt_bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    dt_softplus: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients from x to initial_state, as ``op.selective_scan_backward`` says."""
    batch, _, channel = x.shape
    splits = _splits(x, A, B)
    x_gradient = torch.empty_like(x, memory_format=torch.contiguous_format)
    dt_gradient = torch.empty_like(x_gradient)
    z_gradient = None if z is None else torch.empty_like(x_gradient)
    B_gradient, C_gradient = A.new_empty((splits, *B.shape)), A.new_empty((splits, *C.shape))
    initial_gradient, A_gradient = A.new_empty((batch, *A.shape)), A.new_empty((batch, *A.shape))
    D_gradient, bias_gradient = A.new_empty((batch, channel)), A.new_empty((batch, channel))
    compiled.run(
        "selective_scan_backward",
        *(y_gradient, final_gradient, saved, x, dt, A, B, C, D, z, dt_bias, reset, dt_softplus),
        *(x_gradient, dt_gradient, z_gradient, initial_gradient, B_gradient, C_gradient),
        *(A_gradient, D_gradient, bias_gradient),
        splits,
    )
    return (
        x_gradient,
        dt_gradient,
        compiled.sum_of_parts(A_gradient),
        compiled.sum_of_parts(B_gradient).to(B.dtype),
        compiled.sum_of_parts(C_gradient).to(C.dtype),
        compiled.sum_of_parts(D_gradient),
        x.new_empty(0) if z_gradient is None else z_gradient,
        compiled.sum_of_parts(bias_gradient),
        initial_gradient,
    )


def _splits(x: Tensor, A: Tensor, B: Tensor) -> int:
    """How many tasks share the channels of a group.

    Each task sums the gradients of B and C over its own channels: more tasks need more memory for that. It
    does not depend on the number of threads, so neither do the sums.
    """
    batch, _, channel = x.shape
    own, rows = channel // B.shape[2], batch * B.shape[2]
    strips = -(-own * A.dtype.itemsize // _STRIP)
    wanted = -(-_ENOUGH // max(rows, 1))
    affordable = max(own // (4 * A.shape[1]), 2)
    return max(min(wanted, affordable, strips), 1)
