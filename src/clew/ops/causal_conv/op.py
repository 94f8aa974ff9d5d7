"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.custom_op import custom_op
from clew.ops.gradients import once_differentiable

__all__ = ["causal_conv", "causal_conv_backward", "operation"]

operation = Operation("causal_conv")


@custom_op("clew::causal_conv")
def causal_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
    backend: str,
) -> Tensor:
    """The outputs (batch, time, channel); arguments as in ``reference.forward``."""
    y: Tensor = operation.module(backend).forward(x, weight, bias, initial_state, reset, silu)
    return y.contiguous()


@custom_op("clew::causal_conv_backward")
def causal_conv_backward(
    y_gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, weight, bias and initial state, the last two as if they were given."""
    x_gradient, weight_gradient, bias_gradient, initial_gradient = operation.module(backend).backward(
        y_gradient, x, weight, bias, initial_state, reset, silu
    )
    return (
        x_gradient.contiguous(),
        weight_gradient.contiguous(),
        bias_gradient.contiguous(),
        initial_gradient.contiguous(),
    )


@causal_conv.register_fake
def _(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
    backend: str,
) -> Tensor:
    return x.new_empty(x.shape)


@causal_conv_backward.register_fake
def _(
    y_gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    silu: bool,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    batch, _, channel = x.shape
    return (
        x.new_empty(x.shape),
        weight.new_empty(weight.shape),
        weight.new_empty(channel),
        weight.new_empty((batch, weight.shape[1] - 1, channel)),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.silu, ctx.backend = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, y_gradient: Tensor) -> tuple[Tensor | None, ...]:
    x, weight, bias, initial_state, reset = ctx.saved_tensors
    x_gradient, weight_gradient, bias_gradient, initial_gradient = causal_conv_backward(
        y_gradient, x, weight, bias, initial_state, reset, ctx.silu, ctx.backend
    )
    return (
        x_gradient,
        weight_gradient,
        None if bias is None else bias_gradient,
        None if initial_state is None else initial_gradient,
        None,
        None,
        None,
    )


causal_conv.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(causal_conv_backward)
