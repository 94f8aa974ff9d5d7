"""The public function: checks, dtypes, broadcasting, and the choice of a backend."""

import torch
from torch import Tensor

from clew.ops.broadcasting import leading_shape
from clew.ops.matrix_scan import op, reference
from clew.ops.precision import accumulation_dtype, without_autocast

__all__ = ["matrix_scan"]


def matrix_scan(A: Tensor, inputs: Tensor, *, initial_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Linear recurrence with a matrix over time.

    h[k] = A[k] h[k−1] + inputs[k] for k = 0 … time − 1, with h[−1] = ``initial_state``.

    Everything is differentiable once: A, inputs and initial state. The state is accumulated in the widest of
    the arguments' dtypes, float32 at least; the powers of a constant A are formed in float64. An empty time
    axis returns the initial state unchanged.

    Args:
        A: (N, N), or (..., time, N, N), where time = 1 means constant over time; real or complex. Leading
            dimensions broadcast with those of ``inputs``.
        inputs: (..., time, N), real or complex.
        initial_state: (..., N), broadcastable to the leading dimensions; zero unless given.

    Returns:
        The states (..., time, N) in the dtype of ``inputs`` (its complex counterpart if another argument is
        complex), and the final state (..., N) in the dtype of the accumulation.

    Raises:
        ValueError: if a shape or dtype does not fit.

    >>> rotation = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    >>> states, final = matrix_scan(rotation, torch.zeros(3, 2), initial_state=torch.tensor([1.0, 0.0]))
    >>> final.tolist()
    [0.0, -1.0]

    Source: G. E. Blelloch, "Prefix sums and their applications" (1990), section 1.4, first-order recurrences.
    """
    if A.ndim == 2:
        A = A[None]
    if inputs.ndim < 2 or A.ndim < 3 or A.shape[-2:] != (inputs.shape[-1], inputs.shape[-1]):
        raise ValueError(
            f"A has shape {tuple(A.shape)} and inputs {tuple(inputs.shape)}; "
            "wanted (N, N) or (..., time, N, N), and (..., time, N)"
        )
    time, order = inputs.shape[-2:]
    if A.shape[-3] != 1 and A.shape[-3] != time:
        raise ValueError(
            f"A has {A.shape[-3]} time steps and inputs has {time}; wanted as many, or 1 for a constant A"
        )
    dtype = accumulation_dtype({"A": A, "inputs": inputs, "initial_state": initial_state})
    output_dtype = inputs.dtype
    if dtype.is_complex and not inputs.is_complex():
        output_dtype = torch.promote_types(inputs.dtype, torch.complex64)
    leading = {"A": A.shape[:-3], "inputs": inputs.shape[:-2]}
    if initial_state is not None:
        if initial_state.ndim == 0 or initial_state.shape[-1] != order:
            raise ValueError(
                f"initial_state has shape {tuple(initial_state.shape)}; wanted (..., {order}), as inputs has"
            )
        leading["initial_state"] = initial_state.shape[:-1]
    batch = leading_shape(leading)
    A = A.reshape(*(1 for _ in range(len(batch) + 3 - A.ndim)), *A.shape).to(dtype)
    inputs = inputs.to(dtype).expand(*batch, time, order)
    if initial_state is not None:
        initial_state = initial_state.to(dtype).expand(*batch, order)
    if time == 0:
        empty = inputs.new_zeros((*batch, order)) if initial_state is None else initial_state.clone()
        return inputs.to(output_dtype), empty
    backend = op.operation.choose(A, inputs).backend
    if backend == "reference":
        with without_autocast(inputs.device):
            states, final_state = reference.forward(A, inputs, initial_state)
    else:
        states, final_state = op.matrix_scan(A, inputs, initial_state, backend)
    return states.to(output_dtype), final_state
