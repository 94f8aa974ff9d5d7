"""Pure torch: one multiplication and addition of the whole signal for each tap."""

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["available", "backward", "forward", "supports"]


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, weight: Tensor) -> str | None:
    """Takes every call."""
    return None


def forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
) -> Tensor:
    """The outputs, in fresh memory; arguments as in ``reference.forward``."""
    y = _linear(_with_past(x, weight, initial_state), weight, bias, reset)
    return (torch.nn.functional.silu(y, inplace=True) if silu else y).to(x.dtype)


def backward(
    y_gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, weight, bias and initial state, the last two as if they were given."""
    inputs = _with_past(x, weight, initial_state)
    gradient = y_gradient.to(weight.dtype)
    if silu:
        y = _linear(inputs, weight, bias, reset)
        logistic = torch.sigmoid(y)
        gradient = y.mul_(1 - logistic).add_(1).mul_(logistic).mul_(gradient)
    inputs_gradient = torch.zeros_like(inputs)
    weight_gradient = torch.empty_like(weight, memory_format=torch.contiguous_format)
    for tap, part, visible in _taps(weight, x.shape[1], reset):
        weight_gradient[:, tap] = (gradient * _seen(inputs[:, part], visible)).sum((0, 1))
        inputs_gradient[:, part].addcmul_(weight[:, tap], _seen(gradient, visible))
    past = weight.shape[1] - 1
    return (
        inputs_gradient[:, past:].to(x.dtype, copy=True),
        weight_gradient,
        gradient.sum((0, 1)),
        inputs_gradient[:, :past].clone(),
    )


def _with_past(x: Tensor, weight: Tensor, initial_state: Tensor | None) -> Tensor:
    """The inputs from width − 1 samples before the first one, in the dtype of ``weight``."""
    if initial_state is None:
        return torch.nn.functional.pad(x.to(weight.dtype), (0, 0, weight.shape[1] - 1, 0))
    return torch.cat((initial_state, x.to(weight.dtype)), dim=1)


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor | None, reset: Tensor | None) -> Tensor:
    """The convolution before the activation."""
    batch, length, channel = inputs.shape
    time = length - weight.shape[1] + 1
    y = inputs.new_zeros((batch, time, channel))
    if bias is not None:
        y += bias
    for tap, part, visible in _taps(weight, time, reset):
        y.addcmul_(weight[:, tap], _seen(inputs[:, part], visible))
    return y


def _taps(weight: Tensor, time: int, reset: Tensor | None) -> Iterator[tuple[int, slice, Tensor | None]]:
    """From the last tap, that of the present sample, to the first: which inputs it meets, and where.

    Yields:
        The tap's number, the slice of the inputs (those of ``_with_past``) that it multiplies, and (batch,
        time, 1) bool, at which samples that input is of the same sequence; None if it is at all.
    """
    visible = None
    for lag in range(weight.shape[1]):
        if reset is not None and lag > 0:
            # Sample k sees the input k − lag unless a sequence begins at one of k − lag + 1 … k.
            begins = torch.nn.functional.pad(reset, (lag - 1, 0))[:, :time, None]
            visible = ~begins if visible is None else visible & ~begins
        tap = weight.shape[1] - 1 - lag
        yield tap, slice(tap, tap + time), visible


def _seen(signal: Tensor, visible: Tensor | None) -> Tensor:
    """Zero where an input is not visible."""
    return signal if visible is None else torch.where(visible, signal, 0)
