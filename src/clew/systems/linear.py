"""What continuous and discrete systems share: four matrices that do not change, and how they are shown."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from clew.errors import unknown_name
from clew.systems.arrays import ArrayLike
from clew.systems.matrices import Matrices, checked

__all__ = ["LinearSystem"]

_DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)


class LinearSystem(ABC):
    """A linear, time-invariant system: state matrix A, input B, output C, feedthrough D.

    Systems are values. They hold the tensors they were given (so gradients reach them), and nothing about
    them can be reassigned. Two of them are equal if they are the same object.
    """

    __slots__ = ("A", "B", "C", "D")

    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor

    def __init__(self, A: ArrayLike, B: ArrayLike, C: ArrayLike, D: ArrayLike | None = None) -> None:
        for name, matrix in checked(A, B, C, D)._asdict().items():
            object.__setattr__(self, name, matrix)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: build a new one to change {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r} cannot be deleted")

    @property
    def matrices(self) -> Matrices:
        """A, B, C and D as a named tuple."""
        return Matrices(self.A, self.B, self.C, self.D)

    @property
    def order(self) -> int:
        """N, the size of the state."""
        return self.A.shape[-1]

    @property
    def inputs(self) -> int:
        """P, the channels of the input."""
        return self.B.shape[-1]

    @property
    def outputs(self) -> int:
        """M, the channels of the output."""
        return self.C.shape[-2]

    @property
    def batch_shape(self) -> torch.Size:
        """What the leading dims of the matrices broadcast to: one system for each entry."""
        return self.matrices.batch_shape

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of all four matrices."""
        return self.A.dtype

    @property
    def device(self) -> torch.device:
        """The device of all four matrices."""
        return self.A.device

    def poles(self) -> Tensor:
        """The eigenvalues of A: (..., N) complex, in no particular order, differentiable where distinct.

        Computed in float64; a k-fold eigenvalue of a defective A is found to about the k-th root of 1e-16.
        """
        wide = torch.complex128 if self.dtype.is_complex else torch.float64
        values: Tensor = torch.linalg.eigvals(self.A.to(wide))
        return values.to(self.dtype.to_complex()).expand(*self.batch_shape, self.order)

    @abstractmethod
    def is_stable(self) -> Tensor:
        """Whether every state decays to zero without input: (...) bool, one for each system of the batch."""

    def _moved(self, targets: tuple[torch.dtype | torch.device | str, ...]) -> Matrices:
        """The matrices in another dtype, on another device, or both."""
        matrices = self.matrices
        for target in targets:
            if isinstance(target, torch.dtype):
                if target not in _DTYPES:
                    raise unknown_name("dtype of a system", str(target), (str(dtype) for dtype in _DTYPES))
                if self.dtype.is_complex and not target.is_complex:
                    raise ValueError(
                        f"a system of {self.dtype} cannot become {target}: it has imaginary parts"
                    )
            matrices = Matrices(*(matrix.to(target) for matrix in matrices))
        return matrices

    def _described(self) -> str:
        """The sizes, for ``repr``."""
        batch = f", batch={tuple(self.batch_shape)}" if self.batch_shape else ""
        device = f", device={str(self.device)!r}" if self.device.type != "cpu" else ""
        dtype = str(self.dtype).removeprefix("torch.")
        return (
            f"order={self.order}, inputs={self.inputs}, outputs={self.outputs}{batch}, dtype={dtype}{device}"
        )
