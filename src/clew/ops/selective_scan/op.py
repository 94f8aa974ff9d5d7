"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

import torch
from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.custom_op import custom_op
from clew.ops.gradients import keep_for_backward, of_given, once_differentiable
from clew.ops.precision import without_autocast

__all__ = ["operation", "selective_scan", "selective_scan_backward"]

operation = Operation("selective_scan")

Gradients = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@custom_op("clew::selective_scan")
def selective_scan(
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
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state and what backward needs besides; arguments as in ``reference.forward``.

    Unless it is to be ``differentiable``, nothing is kept for backward.
    """
    with without_autocast(x.device):
        y, final_state, saved = operation.module(backend).forward(
            x, dt, A, B, C, D, z, dt_bias, initial_state, reset, dt_softplus, differentiable
        )
    return y.contiguous(), final_state.contiguous(), saved.contiguous()


@custom_op("clew::selective_scan_backward")
def selective_scan_backward(
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
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients in the order of the arguments, x to initial_state, as if D, dt_bias and it were given.

    That of z is empty if it is not given.
    """
    with without_autocast(x.device):
        gradients: Gradients = operation.module(backend).backward(
            y_gradient,
            final_gradient,
            saved,
            x,
            dt,
            A,
            B,
            C,
            D,
            z,
            dt_bias,
            initial_state,
            reset,
            dt_softplus,
        )
    x, dt, A, B, C, D, z, dt_bias, initial_state = (gradient.contiguous() for gradient in gradients)
    return x, dt, A, B, C, D, z, dt_bias, initial_state


@selective_scan.register_fake
def _(
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
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    saved = operation.module(backend).empty_saved(x, A, B) if differentiable else A.new_empty(0)
    return x.new_empty(x.shape), A.new_empty((x.shape[0], *A.shape)), saved


@selective_scan_backward.register_fake
def _(
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
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    return (
        x.new_empty(x.shape),
        dt.new_empty(dt.shape),
        A.new_empty(A.shape),
        B.new_empty(B.shape),
        C.new_empty(C.shape),
        A.new_empty(A.shape[:1]),
        x.new_empty(0 if z is None else z.shape),
        A.new_empty(A.shape[:1]),
        A.new_empty((x.shape[0], *A.shape)),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    *tensors, ctx.dt_softplus, _, ctx.backend = inputs
    keep_for_backward(ctx, tensors, output[2])


def _backward(
    ctx: Any, y_gradient: Tensor | None, final_gradient: Tensor | None, _: None
) -> tuple[Tensor | None, ...]:
    saved, *given = ctx.saved_tensors
    x, A = given[0], given[2]
    if y_gradient is None:
        y_gradient = torch.zeros_like(x)
    if final_gradient is None:
        final_gradient = A.new_zeros((x.shape[0], *A.shape))
    gradients = selective_scan_backward(
        y_gradient, final_gradient, saved, *given, ctx.dt_softplus, ctx.backend
    )
    return *of_given(given, gradients), None, None, None, None


selective_scan.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(selective_scan_backward)
