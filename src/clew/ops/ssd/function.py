"""The public functions: checks, dtypes, packing, rows of several lengths, and the choice of a backend."""

import torch
from torch import Tensor

from clew.ops.gradients import needs_gradient
from clew.ops.lengths import valid_samples
from clew.ops.precision import without_autocast
from clew.ops.segments import reset_mask
from clew.ops.ssd import op, reference
from clew.ops.ssd.arguments import Arguments

__all__ = ["ssd", "ssd_step"]


def ssd(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    *,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = True,
    initial_state: Tensor | None = None,
    segments: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mamba-2's scan (structured state space duality): a head's whole state decays by one number a sample.

    With Δ[k] = softplus(dt[k] + dt_bias), for each head and k = 0 … time − 1,

        h[k] = exp(Δ[k] A) h[k−1] + Δ[k] x[k] B[k]ᵀ,    y[k] = h[k] C[k] + D x[k],

    with h[−1] = ``initial_state``. Unrolled, y = M x with M[i, j] = (C[i] · B[j]) exp(Σ_{j<k≤i} Δ[k] A) Δ[j],
    a matrix like attention's. The parallel backend forms it for chunks of 64 samples, and the state carries
    from one to the next; the compiled one runs as the equation reads.

    Everything is differentiable once: all tensors of real numbers, the states among them. Sums are
    accumulated in the widest of the arguments' dtypes, float32 at least; sums of Δ A, where there are any, in
    float64. An empty time axis returns the initial state unchanged.

    Args:
        x: (batch, time, head, head_dim), real.
        dt: (batch, time, head), real: the step sizes before bias and softplus.
        A: (head,), real, negative in a system that forgets.
        B: (batch, time, group, state), real; head i is of the group i // (head / group).
        C: (batch, time, group, state), real.
        D: (head,): the feedthrough; zero unless given.
        dt_bias: (head,), added to dt.
        dt_softplus: whether Δ is softplus(dt + dt_bias); if not, it is dt + dt_bias.
        initial_state: (batch, head, head_dim, state); zero unless given.
        segments: (batch, time) integers: the number of the sequence each sample belongs to. Sample 0
            continues the initial state; a sample whose number differs from the one before starts at zero.
        lengths: (batch,) integers, 0 … time: the outputs from here on are zero, and the final state is the
            one after this many samples.

    Returns:
        y (batch, time, head, head_dim) in the dtype of ``x``, and the final state (batch, head, head_dim,
        state) in the dtype of the accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit.

    >>> x, one = torch.ones(1, 3, 1, 1), torch.ones(1, 3, 1)
    >>> y, state = ssd(x, one, torch.tensor([-1.0]), one[..., None], one[..., None], dt_softplus=False)
    >>> y.flatten().tolist(), state.tolist()
    ([1.0, 1.368, 1.503], [[[[1.503]]]])

    Source: T. Dao and A. Gu, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through
    Structured State Space Duality" (2024), section 6 and listing 1; the heads and groups of section 7.
    """
    given = Arguments(x, dt, A, B, C, D, dt_bias, initial_state)
    given.check()
    batch, time, *_ = x.shape
    reset = None if segments is None else reset_mask(segments, batch, time)
    valid = None if lengths is None else valid_samples(lengths, batch, time)
    if reset is not None and valid is not None:
        reset = reset & valid
    prepared = given.prepared(valid, dt_softplus)
    if time == 0:
        state = prepared.initial_state
        empty = prepared.delta.new_zeros((batch, *x.shape[2:], B.shape[3]))
        return x.clone(), empty if state is None else state.clone()
    backend = op.operation.choose(*prepared[:5]).backend
    if backend == "reference":
        with without_autocast(x.device):
            y, final_state = reference.forward(*prepared, reset)
    else:
        y, final_state, _ = op.ssd(*prepared, reset, needs_gradient(prepared), backend)
    return (y if valid is None else torch.where(valid[..., None, None], y, 0)).to(x.dtype), final_state


def ssd_step(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    *,
    state: Tensor,
    dt_bias: Tensor | None = None,
    dt_softplus: bool = True,
) -> tuple[Tensor, Tensor]:
    """One sample of :func:`ssd`, in constant memory.

    Args:
        x: (batch, head, head_dim), real.
        dt: (batch, head), real.
        A: (head,), real.
        B: (batch, group, state), real.
        C: (batch, group, state), real.
        D: (head,), real; zero unless given.
        state: (batch, head, head_dim, state), the state before this sample.
        dt_bias: (head,), added to dt.
        dt_softplus: whether Δ is softplus(dt + dt_bias); if not, it is dt + dt_bias.

    Returns:
        y (batch, head, head_dim) in the dtype of ``x``, and the state after this sample in the dtype of the
        accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit; the message speaks of a sequence of one sample.

    >>> x, one = torch.ones(1, 1, 1), torch.ones(1, 1)
    >>> y, state = ssd_step(x, one, -one[0], x, x, state=x[None], dt_softplus=False)
    >>> y.tolist(), state.tolist()
    ([[[1.368]]], [[[[1.368]]]])

    Source: as :func:`ssd`.
    """
    x_k, dt_k, B_k, C_k = (signal.unsqueeze(1) for signal in (x, dt, B, C))
    given = Arguments(x_k, dt_k, A, B_k, C_k, D, dt_bias, state)
    given.check()
    with without_autocast(x.device):
        y, state = reference.forward(*given.prepared(None, dt_softplus), None)
    return y.squeeze(1).to(x.dtype), state
