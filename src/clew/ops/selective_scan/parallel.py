"""Pure torch, chunk after chunk of time: exponentials and contractions of a whole chunk at once.

Only the recurrence itself goes sample by sample, one tensor operation each. The states of a chunk live as
long as the chunk; backward they are computed again from the state before it.
"""

import torch
from torch import Tensor

from clew.ops.groups import in_groups
from clew.ops.selective_scan.chunk import BUFFERS, Chunk, put, take

__all__ = ["available", "backward", "empty_saved", "forward", "supports"]

_CHUNK = 32


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> str | None:
    """Takes every call."""
    return None


def empty_saved(x: Tensor, A: Tensor, B: Tensor) -> Tensor:
    """A tensor like what ``forward`` saves for ``backward``: (chunk, batch, ·), the state before each."""
    return A.new_empty((-(-x.shape[1] // _CHUNK), x.shape[0], A.shape[0] * A.shape[1]))


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
    group, dtype = B.shape[2], A.dtype
    saved = empty_saved(x, A, B) if differentiable else A.new_empty(0)
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    state = A.new_zeros((x.shape[0], *A.shape)) if initial_state is None else initial_state
    state = in_groups(state, 1, group).mT
    A = in_groups(A, 0, group).mT
    D, dt_bias = (None if vector is None else vector.view(group, 1, -1) for vector in (D, dt_bias))
    z = None if z is None else in_groups(z, 2, group)
    x, dt, outputs = (in_groups(signal, 2, group) for signal in (x, dt, y))
    room = A.new_empty((2, min(_CHUNK, x.shape[1]), *state.shape))
    parts = _parts(x.shape[1])
    befores = (
        [*saved.view(*saved.shape[:2], *A.shape)]
        if differentiable
        else [torch.empty_like(state)] * len(parts)
    )
    for part, before in zip(parts, befores, strict=True):
        chunk = Chunk.of(part, x, dt, A, B, C, dt_bias, reset, dt_softplus, room)
        states = chunk.states(before.copy_(state))
        here = chunk.outputs(states, D)
        put(outputs, part, here if z is None else here.mul_(torch.nn.functional.silu(take(z, part, dtype))))
        state = states[-1]
    return y, state.mT.flatten(1, 2), saved


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
    group, dtype = B.shape[2], A.dtype
    after = in_groups(final_gradient, 1, group).mT
    A = in_groups(A, 0, group).mT
    D, dt_bias = (None if vector is None else vector.view(group, 1, -1) for vector in (D, dt_bias))
    z = None if z is None else in_groups(z, 2, group)
    x, dt, y_gradient = (in_groups(signal, 2, group) for signal in (x, dt, y_gradient))
    over_time = [torch.empty_like(signal, memory_format=torch.contiguous_format) for signal in (x, dt, B, C)]
    z_gradient = x.new_empty(0) if z is None else torch.empty_like(over_time[0])
    A_gradient = torch.zeros_like(A)
    D_gradient, bias_gradient = A.new_zeros((group, 1, A.shape[2])), A.new_zeros((group, 1, A.shape[2]))
    room = A.new_empty((BUFFERS, min(_CHUNK, x.shape[1]), *after.shape))
    befores = saved.view(*saved.shape[:2], *A.shape)
    for part, before in reversed(list(zip(_parts(x.shape[1]), befores, strict=True))):
        chunk = Chunk.of(part, x, dt, A, B, C, dt_bias, reset, dt_softplus, room)
        states = chunk.states(before)
        outputs = take(y_gradient, part, dtype)
        if z is not None:
            gate = take(z, part, dtype)
            logistic = torch.sigmoid(gate)
            slope = logistic * (1 + gate * (1 - logistic))
            put(z_gradient, part, outputs * chunk.outputs(states, D) * slope)
            outputs = outputs * (gate * logistic)
        found = chunk.gradients(before, outputs, after, D)
        for gradient, here in zip(over_time, (found.x, found.dt, found.B, found.C), strict=True):
            put(gradient, part, here)
        A_gradient += found.A
        D_gradient += (outputs * chunk.x).sum((0, 1))
        bias_gradient += found.dt.sum((0, 1))
        after = found.before
    x_gradient, dt_gradient, B_gradient, C_gradient = over_time
    return (
        x_gradient.flatten(2),
        dt_gradient.flatten(2),
        A_gradient.mT.flatten(0, 1),
        B_gradient,
        C_gradient,
        D_gradient.flatten(),
        z_gradient if z is None else z_gradient.flatten(2),
        bias_gradient.flatten(),
        after.mT.flatten(1, 2),
    )


def _parts(time: int) -> list[slice]:
    """The chunks of time."""
    return [slice(start, min(start + _CHUNK, time)) for start in range(0, time, _CHUNK)]
