"""The convolution compiled: bias and SiLU in the same pass, vectors across channels."""

import torch
from torch import Tensor

from clew.ops import compiled

__all__ = ["available", "backward", "detail", "forward", "supports"]

available, detail = compiled.missing, compiled.instruction_set


def supports(x: Tensor, weight: Tensor) -> str | None:
    """Takes every call on the CPU."""
    return compiled.refusal(x)


def forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
) -> Tensor:
    """The outputs, in fresh memory; arguments as in ``reference.forward``."""
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    taps = weight.mT.contiguous()
    compiled.run("causal_conv_forward", x, taps, bias, initial_state, reset, silu, y)
    return y


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
    batch, _, channel = x.shape
    width = weight.shape[1]
    x_gradient = torch.empty_like(x, memory_format=torch.contiguous_format)
    initial_gradient = weight.new_empty((batch, width - 1, channel))
    weight_gradient, bias_gradient = (
        weight.new_empty((batch, width, channel)),
        weight.new_empty((batch, channel)),
    )
    compiled.run(
        "causal_conv_backward",
        *(y_gradient, x, weight.mT.contiguous(), bias, initial_state, reset, silu),
        *(x_gradient, initial_gradient, weight_gradient, bias_gradient),
    )
    return (
        x_gradient,
        compiled.sum_of_parts(weight_gradient).mT,
        compiled.sum_of_parts(bias_gradient),
        initial_gradient,
    )
