"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

import torch
from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.custom_op import custom_op
from clew.ops.gradients import keep_for_backward, of_given, once_differentiable
from clew.ops.precision import without_autocast

__all__ = ["operation", "ssd", "ssd_backward"]

operation = Operation("ssd")

Gradients = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@custom_op("clew::ssd")
def ssd(
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    differentiable: bool,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state and what backward needs besides; arguments as in ``reference.forward``.

    Unless it is to be ``differentiable``, nothing is kept for backward.
    """
    with without_autocast(x.device):
        y, final_state, saved = operation.module(backend).forward(
            x, delta, exponent, B, C, D, initial_state, reset, differentiable
        )
    return y.contiguous(), final_state.contiguous(), saved.contiguous()


@custom_op("clew::ssd_backward")
def ssd_backward(
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
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, delta, exponent, B, C, D and initial state, the last two as if they were given."""
    with without_autocast(x.device):
        gradients: Gradients = operation.module(backend).backward(
            y_gradient, final_gradient, saved, x, delta, exponent, B, C, D, initial_state, reset
        )
    x, delta, exponent, B, C, D, initial_state = (gradient.contiguous() for gradient in gradients)
    return x, delta, exponent, B, C, D, initial_state


@ssd.register_fake
def _(
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    differentiable: bool,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    final_state = delta.new_empty((x.shape[0], *x.shape[2:], B.shape[3]))
    saved = operation.module(backend).empty_saved(x, delta, B) if differentiable else delta.new_empty(0)
    return x.new_empty(x.shape), final_state, saved


@ssd_backward.register_fake
def _(
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
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return (
        x.new_empty(x.shape),
        delta.new_empty(delta.shape),
        exponent.new_empty(exponent.shape),
        B.new_empty(B.shape),
        C.new_empty(C.shape),
        delta.new_empty(x.shape[2]),
        delta.new_empty((x.shape[0], *x.shape[2:], B.shape[3])),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    *tensors, _, ctx.backend = inputs
    keep_for_backward(ctx, tensors, output[2])


def _backward(
    ctx: Any, y_gradient: Tensor | None, final_gradient: Tensor | None, _: None
) -> tuple[Tensor | None, ...]:
    saved, *given = ctx.saved_tensors
    x, delta, B = given[0], given[1], given[3]
    if y_gradient is None:
        y_gradient = torch.zeros_like(x)
    if final_gradient is None:
        final_gradient = delta.new_zeros((x.shape[0], *x.shape[2:], B.shape[3]))
    gradients = ssd_backward(y_gradient, final_gradient, saved, *given, ctx.backend)
    return *of_given(given, gradients), None, None, None


ssd.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(ssd_backward)
