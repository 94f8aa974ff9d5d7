"""The public functions: checks, dtypes, packing, rows of several lengths, and the choice of a backend."""

from typing import Literal

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.ops.causal_conv import op, reference
from clew.ops.causal_conv.state import final_state
from clew.ops.lengths import valid_samples
from clew.ops.precision import accumulation_dtype
from clew.ops.segments import reset_mask

__all__ = ["causal_conv", "causal_conv_step"]

Activation = Literal["silu"] | None


def causal_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    activation: Activation = None,
    initial_state: Tensor | None = None,
    segments: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Short causal convolution of each channel with its own taps.

    y[k] = f(bias + Σ_j weight[:, j] · x[k − width + 1 + j]), j = 0 … width − 1, so that the last tap meets
    the present sample, as in ``torch.nn.Conv1d``. Inputs before the first are the initial state.

    Everything is differentiable once: x, weight, bias and initial state. Sums are accumulated in the widest
    of the arguments' dtypes, float32 at least.

    Args:
        x: (batch, time, channel), real.
        weight: (channel, width), real, width ≥ 1.
        bias: (channel,); zero unless given.
        activation: what f is: "silu", f(v) = v / (1 + e⁻ᵛ), or None for the identity.
        initial_state: (batch, width − 1, channel): the inputs before the first, the oldest first; zero unless
            given.
        segments: (batch, time) integers: the number of the sequence each sample belongs to. Sample 0
            continues the initial state; a sample whose number differs from the one before sees no input of
            another sequence.
        lengths: (batch,) integers, 0 … time: the outputs from here on are zero, and the final state is the
            one after this many samples.

    Returns:
        y (batch, time, channel) in the dtype of ``x``, and the final state (batch, width − 1, channel) in the
        dtype of the accumulation: the last inputs of the sequence that ran last, zero before its first.

    Raises:
        ValueError: if a shape or dtype does not fit, or the activation is another.

    >>> x, weight = torch.tensor([[[1.0], [2.0], [3.0]]]), torch.tensor([[10.0, 1.0]])
    >>> y, state = causal_conv(x, weight)
    >>> y.flatten().tolist(), state.tolist()
    ([1.0, 12.0, 23.0], [[[3.0]]])

    Source: A. Gu and T. Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023),
    section 3.4: the convolution and SiLU before the scan.
    """
    _check(x, weight, bias, activation, initial_state)
    batch, time, _ = x.shape
    dtype = _accumulation(x, weight, bias, initial_state)
    weight, bias = weight.to(dtype), None if bias is None else bias.to(dtype)
    initial_state = None if initial_state is None else initial_state.to(dtype)
    reset = None if segments is None else reset_mask(segments, batch, time)
    valid = None if lengths is None else valid_samples(lengths, batch, time)[..., None]
    signal = x if dtype == torch.float32 else x.to(dtype)
    signal = signal if valid is None else torch.where(valid, signal, 0)
    state = final_state(signal, weight, initial_state, reset, lengths)
    if time == 0:
        return x.clone(), state
    backend = op.operation.choose(signal, weight).backend
    if backend == "reference":
        y = reference.forward(signal, weight, bias, initial_state, reset, activation == "silu")
    else:
        y = op.causal_conv(signal, weight, bias, initial_state, reset, activation == "silu", backend)
    return (y if valid is None else torch.where(valid, y, 0)).to(x.dtype), state


def causal_conv_step(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, state: Tensor, activation: Activation = None
) -> tuple[Tensor, Tensor]:
    """One sample of :func:`causal_conv`, in constant memory.

    Args:
        x: (batch, channel), real.
        weight: (channel, width), real, width ≥ 1.
        bias: (channel,); zero unless given.
        state: (batch, width − 1, channel), the inputs before this one, the oldest first.
        activation: "silu" or None.

    Returns:
        y (batch, channel) in the dtype of ``x``, and the state after this sample in the dtype of the
        accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit, or the activation is another.

    >>> y, state = causal_conv_step(
    ...     torch.tensor([[2.0]]), torch.tensor([[10.0, 1.0]]), state=torch.tensor([[[1.0]]])
    ... )
    >>> y.tolist(), state.tolist()
    ([[12.0]], [[[2.0]]])

    Source: as :func:`causal_conv`.
    """
    _check(x.unsqueeze(1), weight, bias, activation, state)
    dtype = _accumulation(x, weight, bias, state)
    inputs = torch.cat((state.to(dtype), x.to(dtype).unsqueeze(1)), dim=1)
    y = (inputs * weight.to(dtype).mT).sum(1)
    y = y if bias is None else y + bias
    y = torch.nn.functional.silu(y) if activation == "silu" else y
    return y.to(x.dtype), inputs[:, 1:]


def _accumulation(
    x: Tensor, weight: Tensor, bias: Tensor | None, initial_state: Tensor | None
) -> torch.dtype:
    """The dtype of the accumulation."""
    return accumulation_dtype({"x": x, "weight": weight, "bias": bias, "initial_state": initial_state})


def _check(
    x: Tensor, weight: Tensor, bias: Tensor | None, activation: Activation, initial_state: Tensor | None
) -> None:
    """Raise a ValueError unless all shapes fit and all arguments are real."""
    given = {"x": x, "weight": weight, "bias": bias, "initial_state": initial_state}
    for name, tensor in given.items():
        if tensor is not None and not tensor.is_floating_point():
            raise ValueError(f"{name} has dtype {tensor.dtype}; wanted a real floating-point one")
    if activation not in ("silu", None):
        raise unknown_name("activation", str(activation), ("silu",))
    if x.ndim != 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; wanted (batch, time, channel)")
    batch, _, channel = x.shape
    if weight.ndim != 2 or weight.shape[0] != channel or weight.shape[1] == 0:
        raise ValueError(
            f"weight has shape {tuple(weight.shape)}; wanted (channel, width) with {channel} channels, "
            "as x has, and at least one tap"
        )
    if bias is not None and bias.shape != (channel,):
        raise ValueError(f"bias has shape {tuple(bias.shape)}; wanted (channel,) = ({channel},)")
    wanted = (batch, weight.shape[1] - 1, channel)
    if initial_state is not None and initial_state.shape != wanted:
        raise ValueError(
            f"initial_state has shape {tuple(initial_state.shape)}; "
            f"wanted (batch, width − 1, channel) = {wanted}"
        )
