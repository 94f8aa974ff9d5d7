"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

import torch
from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.custom_op import custom_op
from clew.ops.gradients import keep_for_backward, of_given, once_differentiable
from clew.ops.precision import without_autocast

__all__ = ["diagonal_ssm", "diagonal_ssm_backward", "operation"]

operation = Operation("diagonal_ssm")


@custom_op("clew::diagonal_ssm")
def diagonal_ssm(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
    differentiable: bool,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state and what backward needs besides; arguments as in ``reference.forward``.

    Unless it is to be ``differentiable``, nothing is kept for backward.
    """
    with without_autocast(x.device):
        y, final_state, saved = operation.module(backend).forward(
            x, A_bar, B_bar, C, D, initial_state, reset, lengths, differentiable
        )
    return y.contiguous(), final_state.contiguous(), saved.contiguous()


@custom_op("clew::diagonal_ssm_backward")
def diagonal_ssm_backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, A_bar, B_bar, C, D (as if it were given) and the initial state (empty without one)."""
    with without_autocast(x.device):
        gradients: tuple[Tensor, ...] = operation.module(backend).backward(
            y_gradient, final_gradient, saved, x, A_bar, B_bar, C, D, initial_state, reset, lengths
        )
    x_gradient, A_gradient, B_gradient, C_gradient, D_gradient, initial_gradient = (
        gradient.contiguous() for gradient in gradients
    )
    return x_gradient, A_gradient, B_gradient, C_gradient, D_gradient, initial_gradient


@diagonal_ssm.register_fake
def _(
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
    differentiable: bool,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    saved = (
        operation.module(backend).empty_saved(x, A_bar, B_bar, reset) if differentiable else x.new_empty(0)
    )
    return x.new_empty(x.shape), C.new_empty((x.shape[0], *C.shape)), saved


@diagonal_ssm_backward.register_fake
def _(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    A_bar: Tensor,
    B_bar: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    lengths: Tensor | None,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return (
        x.new_empty(x.shape),
        A_bar.new_empty(A_bar.shape),
        B_bar.new_empty(B_bar.shape),
        C.new_empty(C.shape),
        C.new_empty(C.shape[:1], dtype=C.dtype.to_real()),
        C.new_empty(0 if initial_state is None else initial_state.shape),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    *tensors, _, ctx.backend = inputs
    keep_for_backward(ctx, tensors, output[2])


def _backward(
    ctx: Any, y_gradient: Tensor | None, final_gradient: Tensor | None, _: None
) -> tuple[Tensor | None, ...]:
    saved, *given = ctx.saved_tensors
    x, C = given[0], given[3]
    if y_gradient is None:
        y_gradient = torch.zeros_like(x)
    if final_gradient is None:
        final_gradient = C.new_zeros((x.shape[0], *C.shape))
    gradients = diagonal_ssm_backward(y_gradient, final_gradient, saved, *given, ctx.backend)
    return *of_given(given, gradients), None, None, None, None


diagonal_ssm.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(diagonal_ssm_backward)
