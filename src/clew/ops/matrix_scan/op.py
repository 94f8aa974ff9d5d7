"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.custom_op import custom_op
from clew.ops.gradients import once_differentiable
from clew.ops.precision import without_autocast

__all__ = ["matrix_scan", "matrix_scan_backward", "operation"]

operation = Operation("matrix_scan")


@custom_op("clew::matrix_scan")
def matrix_scan(
    A: Tensor, inputs: Tensor, initial_state: Tensor | None, backend: str
) -> tuple[Tensor, Tensor]:
    """States (..., time, N) and the last of them (..., N); arguments as in ``reference.forward``."""
    with without_autocast(inputs.device):
        states, final_state = operation.module(backend).forward(A, inputs, initial_state)
    return states.contiguous(), final_state.contiguous()


@custom_op("clew::matrix_scan_backward")
def matrix_scan_backward(
    states_gradient: Tensor,
    final_gradient: Tensor,
    A: Tensor,
    states: Tensor,
    initial_state: Tensor | None,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of A (in its own shape), inputs and initial state (always (..., N))."""
    with without_autocast(states.device):
        A_gradient, inputs_gradient, initial_gradient = operation.module(backend).backward(
            states_gradient, final_gradient, A, states, initial_state
        )
    return A_gradient.contiguous(), inputs_gradient.contiguous(), initial_gradient.contiguous()


@matrix_scan.register_fake
def _(A: Tensor, inputs: Tensor, initial_state: Tensor | None, backend: str) -> tuple[Tensor, Tensor]:
    return inputs.new_empty(inputs.shape), inputs.new_empty((*inputs.shape[:-2], inputs.shape[-1]))


@matrix_scan_backward.register_fake
def _(
    states_gradient: Tensor,
    final_gradient: Tensor,
    A: Tensor,
    states: Tensor,
    initial_state: Tensor | None,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    initial_shape = (*states.shape[:-2], states.shape[-1])
    return A.new_empty(A.shape), states.new_empty(states.shape), states.new_empty(initial_shape)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    A, _, initial_state, ctx.backend = inputs
    ctx.save_for_backward(A, output[0], initial_state)


def _backward(ctx: Any, states_gradient: Tensor, final_gradient: Tensor) -> tuple[Tensor | None, ...]:
    A, states, initial_state = ctx.saved_tensors
    A_gradient, inputs_gradient, initial_gradient = matrix_scan_backward(
        states_gradient, final_gradient, A, states, initial_state, ctx.backend
    )
    return A_gradient, inputs_gradient, None if initial_state is None else initial_gradient, None


matrix_scan.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(matrix_scan_backward)
