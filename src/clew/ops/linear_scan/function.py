"""The public function: checks, dtypes, packing, and the choice of a backend."""

import torch
from torch import Tensor

from clew.ops.linear_scan import op, reference
from clew.ops.precision import accumulation_dtype, without_autocast
from clew.ops.segments import reset_mask

__all__ = ["linear_scan"]


def linear_scan(
    decay: Tensor,
    inputs: Tensor,
    *,
    initial_state: Tensor | None = None,
    segments: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Elementwise linear recurrence over time.

    h[k] = decay[k] · h[k−1] + inputs[k] for k = 0 … time − 1, with h[−1] = ``initial_state``.

    Everything is differentiable once: decay, inputs and initial state. The state is accumulated in the widest
    of the arguments' dtypes, float32 at least. An empty time axis returns the initial state unchanged.

    Args:
        decay: broadcastable to ``inputs``, real or complex: (batch, time, ...), with size 1 where it is
            constant, for example (1, 1, channel) for a recurrence that is the same at all times.
        inputs: (batch, time, ...), real or complex.
        initial_state: (batch, ...), real or complex; zero unless given.
        segments: (batch, time) integers: the number of the sequence each sample belongs to. Sample 0
            continues the initial state; a sample whose number differs from the one before starts at zero.

    Returns:
        The states (batch, time, ...) in the dtype of ``inputs`` (its complex counterpart if another argument
        is complex), and the final state (batch, ...) in the dtype of the accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit.

    >>> decay, inputs = torch.tensor([0.5]), torch.tensor([[1.0, 1.0, 1.0]])
    >>> states, final = linear_scan(decay, inputs)
    >>> states.tolist(), final.tolist()
    ([[1.0, 1.5, 1.75]], [1.75])

    Source: G. E. Blelloch, "Prefix sums and their applications" (1990), section 1.4, first-order recurrences.
    """
    decay, inputs, initial_state, output_dtype = _checked(decay, inputs, initial_state)
    batch, time, *rest = inputs.shape
    if segments is not None:
        reset = reset_mask(segments, batch, time).reshape(batch, time, *(1 for _ in rest))
        decay = torch.where(reset, decay.new_zeros(()), decay)
    if time == 0:
        empty = inputs.new_zeros((batch, *rest)) if initial_state is None else initial_state.clone()
        return inputs.to(output_dtype), empty
    backend = op.operation.choose(decay, inputs).backend
    if backend == "reference":
        with without_autocast(inputs.device):
            states, final_state = reference.forward(decay, inputs, initial_state)
    else:
        states, final_state = op.linear_scan(decay, inputs, initial_state, backend)
    return states.to(output_dtype), final_state


def _checked(
    decay: Tensor, inputs: Tensor, initial_state: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None, torch.dtype]:
    """The arguments in the dtype of the accumulation, decay with all dimensions; and the output's dtype."""
    if inputs.ndim < 2:
        raise ValueError(f"inputs has shape {tuple(inputs.shape)}; wanted (batch, time, ...)")
    if decay.ndim > inputs.ndim or any(
        size != 1 and size != wanted
        for size, wanted in zip(decay.shape[::-1], inputs.shape[::-1], strict=False)
    ):
        raise ValueError(
            f"decay has shape {tuple(decay.shape)}, "
            f"which does not broadcast to that of inputs, {tuple(inputs.shape)}"
        )
    state_shape = (inputs.shape[0], *inputs.shape[2:])
    if initial_state is not None and initial_state.shape != state_shape:
        raise ValueError(
            f"initial_state has shape {tuple(initial_state.shape)}; wanted {state_shape}, that of one sample"
        )
    dtype = accumulation_dtype({"decay": decay, "inputs": inputs, "initial_state": initial_state})
    output_dtype = inputs.dtype
    if dtype.is_complex and not inputs.is_complex():
        output_dtype = torch.promote_types(inputs.dtype, torch.complex64)
    decay = decay.reshape(*(1 for _ in range(inputs.ndim - decay.ndim)), *decay.shape)
    return (
        decay.to(dtype),
        inputs.to(dtype),
        None if initial_state is None else initial_state.to(dtype),
        output_dtype,
    )
