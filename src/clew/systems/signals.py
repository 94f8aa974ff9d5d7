"""A system's input and initial state, checked and broadcast against it, before any view sees them."""

from typing import NamedTuple

import torch
from torch import Tensor

from clew.systems.arrays import ArrayLike, as_tensor, common_dtype
from clew.systems.matrices import Matrices

__all__ = ["Signals"]


class Signals(NamedTuple):
    """Matrices, input and state of one dtype.

    Attributes:
        matrices: of the system, with its batch dims.
        x: (..., L, P), leading dims broadcast against the system's and the state's.
        state: (..., N) of those leading dims, or ``None`` for zero.
    """

    matrices: Matrices
    x: Tensor
    state: Tensor | None

    @classmethod
    def of(cls, matrices: Matrices, x: ArrayLike, state: ArrayLike | None) -> "Signals":
        """Check and broadcast.

        The dtype of all is the widest of the system's, x's and the state's; whole numbers and lists follow.

        Raises:
            ValueError: for a shape that does not fit.
        """
        order, inputs = matrices.B.shape[-2:]
        x = as_tensor("x", x, matrices.A.dtype, matrices.A.device)
        if x.ndim < 2 or x.shape[-1] != inputs:
            raise ValueError(f"x must be (..., L, {inputs}) for this system, got shape {tuple(x.shape)}")
        shapes = {"the system": matrices.batch_shape, "x": x.shape[:-2]}
        if state is not None:
            state = as_tensor("state", state, matrices.A.dtype, matrices.A.device)
            if state.ndim < 1 or state.shape[-1] != order:
                raise ValueError(f"state must be (..., {order}), got shape {tuple(state.shape)}")
            shapes["state"] = state.shape[:-1]
        try:
            batch = torch.broadcast_shapes(*shapes.values())  # type: ignore[no-untyped-call]
        except RuntimeError:
            listed = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
            raise ValueError(f"the leading batch dims must broadcast, got {listed}") from None
        dtype = common_dtype(matrices.A, x, *([] if state is None else [state]))
        x = x.to(dtype).expand(*batch, *x.shape[-2:])
        if state is not None:
            state = state.to(dtype).expand(*batch, order)
        return cls(matrices.to(dtype), x, state)

    @property
    def length(self) -> int:
        """L."""
        return self.x.shape[-2]

    def nothing(self) -> tuple[Tensor, Tensor]:
        """The answer to an input without samples: no output, and the state as it was."""
        batch, (order, outputs) = self.x.shape[:-2], self.matrices.C.mT.shape[-2:]
        state = self.x.new_zeros(*batch, order) if self.state is None else self.state
        return self.x.new_zeros(*batch, 0, outputs), state
