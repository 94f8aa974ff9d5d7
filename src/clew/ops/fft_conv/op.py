"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

import torch
from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.broadcasting import leading_shape
from clew.ops.custom_op import custom_op
from clew.ops.gradients import once_differentiable
from clew.ops.precision import without_autocast

__all__ = ["fft_conv", "fft_conv_backward", "operation"]

operation = Operation("fft_conv")


@custom_op("clew::fft_conv")
def fft_conv(x: Tensor, kernel: Tensor, mixing: bool, backend: str) -> Tensor:
    """The convolution; arguments as in ``reference.forward``."""
    with without_autocast(x.device):
        y: Tensor = operation.module(backend).forward(x, kernel, mixing)
    return y.contiguous()


@custom_op("clew::fft_conv_backward")
def fft_conv_backward(
    gradient: Tensor, x: Tensor, kernel: Tensor, mixing: bool, backend: str
) -> tuple[Tensor, Tensor]:
    """Gradients of x and kernel, each in its argument's shape and dtype."""
    with without_autocast(x.device):
        x_gradient, kernel_gradient = operation.module(backend).backward(gradient, x, kernel, mixing)
    return x_gradient.contiguous(), kernel_gradient.contiguous()


@fft_conv.register_fake
def _(x: Tensor, kernel: Tensor, mixing: bool, backend: str) -> Tensor:
    batch = leading_shape({"x": x.shape[:-2], "kernel": kernel.shape[: -3 if mixing else -2]})
    channels = kernel.shape[-2] if mixing else x.shape[-1]
    return x.new_empty((*batch, x.shape[-2], channels), dtype=torch.promote_types(x.dtype, kernel.dtype))


@fft_conv_backward.register_fake
def _(gradient: Tensor, x: Tensor, kernel: Tensor, mixing: bool, backend: str) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape), kernel.new_empty(kernel.shape)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, kernel, ctx.mixing, ctx.backend = inputs
    ctx.save_for_backward(x, kernel)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    x, kernel = ctx.saved_tensors
    x_gradient, kernel_gradient = fft_conv_backward(gradient, x, kernel, ctx.mixing, ctx.backend)
    return x_gradient, kernel_gradient, None, None


fft_conv.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(fft_conv_backward)
