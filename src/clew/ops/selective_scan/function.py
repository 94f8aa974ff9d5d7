"""The public functions: checks, dtypes, packing, rows of several lengths, and the choice of a backend."""

import torch
from torch import Tensor

from clew.ops.gradients import needs_gradient
from clew.ops.lengths import valid_samples
from clew.ops.precision import without_autocast
from clew.ops.segments import reset_mask
from clew.ops.selective_scan import op, reference
from clew.ops.selective_scan.arguments import Arguments

__all__ = ["selective_scan", "selective_scan_step"]


def selective_scan(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    *,
    z: Tensor | None = None,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = True,
    initial_state: Tensor | None = None,
    segments: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mamba's scan: a diagonal system whose step size, input and output matrices depend on the sample.

    With Δ[k] = softplus(dt[k] + dt_bias), for each channel and k = 0 … time − 1,

        h[k] = exp(Δ[k] A) h[k−1] + Δ[k] B[k] x[k],    y[k] = (C[k] · h[k] + D x[k]) · silu(z[k]),

    with h[−1] = ``initial_state``. A is discretised by the zero-order hold, B by Euler's rule, as Mamba does.

    Everything is differentiable once: all tensors of real numbers, the states among them. The state is
    accumulated in the widest of the arguments' dtypes, float32 at least. An empty time axis returns the
    initial state unchanged. Memory is that of the arguments and, for backward, of a state every 32 samples.

    Args:
        x: (batch, time, channel), real.
        dt: (batch, time, channel), real: the step sizes before bias and softplus. −∞ stands for no time at
            all: with softplus it leaves the state as it is.
        A: (channel, state), real, negative in a system that forgets.
        B: (batch, time, state), the same for all channels; or (batch, time, group, state), where channel c is
            of the group c // (channel / group).
        C: as ``B``, with as many groups.
        D: (channel,): the feedthrough; zero unless given.
        z: (batch, time, channel): the gate; none unless given.
        dt_bias: (channel,), added to dt.
        dt_softplus: whether Δ is softplus(dt + dt_bias); if not, it is dt + dt_bias.
        initial_state: (batch, channel, state); zero unless given.
        segments: (batch, time) integers: the number of the sequence each sample belongs to. Sample 0
            continues the initial state; a sample whose number differs from the one before starts at zero.
        lengths: (batch,) integers, 0 … time: the outputs from here on are zero, and the final state is the
            one after this many samples.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the final state (batch, channel, state) in the
        dtype of the accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit.

    >>> one = torch.ones(1, 3, 1)
    >>> y, state = selective_scan(one, one, -torch.ones(1, 1), one, one, dt_softplus=False)
    >>> y.flatten().tolist(), state.tolist()
    ([1.0, 1.368, 1.503], [[[1.503]]])

    Source: A. Gu and T. Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023),
    algorithm 2 and section 3.6; the discretisation as in its published code.
    """
    given = Arguments(x, dt, A, B, C, D, z, dt_bias, initial_state).checked()
    batch, time, _ = x.shape
    reset = None if segments is None else reset_mask(segments, batch, time)
    valid = None if lengths is None else valid_samples(lengths, batch, time)
    if time == 0:
        state = given.initial_state
        return x.clone(), given.A.new_zeros((batch, *A.shape)) if state is None else state.clone()
    if valid is not None:
        given = given.inert(valid, dt_softplus)
        reset = None if reset is None else reset & valid
    backend = op.operation.choose(*given[:5]).backend
    if backend == "reference":
        with without_autocast(x.device):
            y, final_state = reference.forward(*given, reset, dt_softplus)
    else:
        y, final_state, _ = op.selective_scan(*given, reset, dt_softplus, needs_gradient(given), backend)
    return (y if valid is None else torch.where(valid[..., None], y, 0)).to(x.dtype), final_state


def selective_scan_step(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    *,
    state: Tensor,
    z: Tensor | None = None,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = True,
) -> tuple[Tensor, Tensor]:
    """One sample of :func:`selective_scan`, in constant memory.

    Args:
        x: (batch, channel), real.
        dt: (batch, channel), real.
        A: (channel, state), real.
        B: (batch, state) or (batch, group, state), real.
        C: as ``B``.
        D: (channel,), real; zero unless given.
        state: (batch, channel, state), the state before this sample.
        z: (batch, channel): the gate; none unless given.
        dt_bias: (channel,), added to dt.
        dt_softplus: whether Δ is softplus(dt + dt_bias); if not, it is dt + dt_bias.

    Returns:
        y (batch, channel) in the dtype of ``x``, and the state after this sample in the dtype of the
        accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit; the message speaks of a sequence of one sample.

    >>> one = torch.ones(1, 1)
    >>> y, state = selective_scan_step(one, one, -one, one, one, state=one[None], dt_softplus=False)
    >>> y.tolist(), state.tolist()
    ([[1.368]], [[[1.368]]])

    Source: as :func:`selective_scan`.
    """
    gate = None if z is None else z.unsqueeze(1)
    x_k, dt_k, B_k, C_k = (signal.unsqueeze(1) for signal in (x, dt, B, C))
    given = Arguments(x_k, dt_k, A, B_k, C_k, D, gate, dt_bias, state).checked()
    with without_autocast(x.device):
        y, state = reference.forward(*given, None, dt_softplus)
    return y.squeeze(1).to(x.dtype), state
