"""The four matrices of a linear system, checked once so that nothing after has to."""

from typing import NamedTuple

import torch
from torch import Tensor

from clew.systems.arrays import ArrayLike, to_common

__all__ = ["Matrices", "checked"]


class Matrices(NamedTuple):
    """A (..., N, N), B (..., N, P), C (..., M, N), D (..., M, P), of one dtype on one device."""

    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor

    def to(self, dtype: torch.dtype) -> "Matrices":
        """The same matrices in another dtype."""
        return Matrices(*(matrix.to(dtype) for matrix in self))

    @property
    def batch_shape(self) -> torch.Size:
        """What the leading dims broadcast to."""
        return torch.Size(torch.broadcast_shapes(*(m.shape[:-2] for m in self)))  # type: ignore[no-untyped-call]


def checked(A: ArrayLike, B: ArrayLike, C: ArrayLike, D: ArrayLike | None) -> Matrices:
    """The matrices as tensors of one dtype; ``D=None`` means zero.

    Raises:
        ValueError: for a shape that does not fit, batch dims that do not broadcast, NaN or infinity, and what
            is no array of numbers; the message names the matrix, its shape and what was wanted.
    """
    given = {"A": A, "B": B, "C": C} | ({} if D is None else {"D": D})
    tensors = to_common(given)
    for name, matrix in tensors.items():
        if matrix.ndim < 2:
            raise ValueError(f"{name} must be a matrix, with leading batch dims or without, {_got(matrix)}")
    order = tensors["A"].shape[-1]
    inputs, outputs = tensors["B"].shape[-1], tensors["C"].shape[-2]
    wanted = {
        "A": ("(..., N, N) with N ≥ 1", (max(order, 1), max(order, 1))),
        "B": (f"(..., {order}, P) with P ≥ 1, for A is {order} × {order}", (order, max(inputs, 1))),
        "C": (f"(..., M, {order}) with M ≥ 1, for A is {order} × {order}", (max(outputs, 1), order)),
        "D": (f"(..., {outputs}, {inputs}), from the rows of C and the columns of B", (outputs, inputs)),
    }
    for name, matrix in tensors.items():
        shape, sizes = wanted[name]
        if matrix.shape[-2:] != sizes:
            raise ValueError(f"{name} must be {shape}, {_got(matrix)}")
        if not torch.isfinite(matrix).all():
            raise ValueError(f"{name} must be finite: it has NaN or infinite entries")
    if D is None:
        tensors["D"] = tensors["A"].new_zeros(outputs, inputs)
    matrices = Matrices(**tensors)
    try:
        _ = matrices.batch_shape
    except RuntimeError:
        shapes = ", ".join(f"{name} {tuple(matrix.shape[:-2])}" for name, matrix in tensors.items())
        raise ValueError(f"the leading batch dims must broadcast, got {shapes}") from None
    return matrices


def _got(matrix: Tensor) -> str:
    return f"got shape {tuple(matrix.shape)}"
