"""The operation as PyTorch's dispatcher sees it: one custom op with one gradient, whatever the backend."""

from typing import Any

from torch import Tensor

from clew.ops.backends import Operation
from clew.ops.custom_op import custom_op
from clew.ops.gradients import once_differentiable
from clew.ops.precision import without_autocast

__all__ = ["linear_scan", "linear_scan_backward", "operation"]

operation = Operation("linear_scan")


@custom_op("clew::linear_scan")
def linear_scan(
    decay: Tensor, inputs: Tensor, initial_state: Tensor | None, backend: str
) -> tuple[Tensor, Tensor]:
    """States (batch, time, ...) and the last of them (batch, ...); arguments as in ``reference.forward``."""
    with without_autocast(inputs.device):
        states, final_state = operation.module(backend).forward(decay, inputs, initial_state)
    return states.contiguous(), final_state.contiguous()


@custom_op("clew::linear_scan_backward")
def linear_scan_backward(
    states_gradient: Tensor,
    final_gradient: Tensor,
    decay: Tensor,
    states: Tensor,
    initial_state: Tensor | None,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of decay (in its own shape), inputs and initial state (always (batch, ...))."""
    module = operation.module(backend)
    with without_autocast(states.device):
        decay_gradient, inputs_gradient, initial_gradient = module.backward(
            states_gradient, final_gradient, decay, states, initial_state
        )
    return decay_gradient.contiguous(), inputs_gradient.contiguous(), initial_gradient.contiguous()


@linear_scan.register_fake
def _(decay: Tensor, inputs: Tensor, initial_state: Tensor | None, backend: str) -> tuple[Tensor, Tensor]:
    return inputs.new_empty(inputs.shape), inputs.new_empty((inputs.shape[0], *inputs.shape[2:]))


@linear_scan_backward.register_fake
def _(
    states_gradient: Tensor,
    final_gradient: Tensor,
    decay: Tensor,
    states: Tensor,
    initial_state: Tensor | None,
    backend: str,
) -> tuple[Tensor, Tensor, Tensor]:
    initial_shape = (states.shape[0], *states.shape[2:])
    return decay.new_empty(decay.shape), states.new_empty(states.shape), states.new_empty(initial_shape)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    decay, _, initial_state, ctx.backend = inputs
    ctx.save_for_backward(decay, output[0], initial_state)


def _backward(ctx: Any, states_gradient: Tensor, final_gradient: Tensor) -> tuple[Tensor | None, ...]:
    decay, states, initial_state = ctx.saved_tensors
    decay_gradient, inputs_gradient, initial_gradient = linear_scan_backward(
        states_gradient, final_gradient, decay, states, initial_state, ctx.backend
    )
    return decay_gradient, inputs_gradient, None if initial_state is None else initial_gradient, None


linear_scan.register_autograd(_backward, setup_context=_setup_context)
once_differentiable(linear_scan_backward)
