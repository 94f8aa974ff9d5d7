"""How a linear system answers oscillations: its transfer function, at points of the complex plane."""

import torch
from torch import Tensor

from clew.systems.matrices import Matrices

__all__ = ["frequency_axis", "transfer", "with_feedthrough"]


def transfer(matrices: Matrices, points: Tensor) -> Tensor:
    """(zI − A)⁻¹ between C and B, for each point z: C (zI − A)⁻¹ B, without D.

    Computed in complex128 and cast once.

    Args:
        matrices: of N states, P inputs, M outputs, with batch dims.
        points: (..., F) complex, whose leading dims broadcast against the batch dims.

    Returns:
        (..., F, M, P), the complex counterpart of the matrices' dtype.

    Raises:
        ValueError: if a point is an eigenvalue of A.
    """
    A, B, C, _ = matrices.to(torch.complex128)
    identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    shifted = points.to(A.dtype)[..., None, None] * identity - A[..., None, :, :]
    states, info = torch.linalg.solve_ex(shifted, B[..., None, :, :].expand(_batch_of(shifted, B)))
    if (info != 0).any():
        raise ValueError(
            "omega holds a frequency at which the system has a pole, where the response is infinite"
        )
    seen: Tensor = C[..., None, :, :] @ states
    return seen.to(matrices.A.dtype.to_complex())


def with_feedthrough(kernel: Tensor, D: Tensor) -> Tensor:
    """The kernel (..., length, M, P), and D (..., M, P) added at lag 0."""
    first = torch.arange(kernel.shape[-3], device=kernel.device)[:, None, None] == 0
    return kernel + torch.where(first, D[..., None, :, :], 0.0)


def frequency_axis(omega: Tensor) -> Tensor:
    """``omega`` as (F,).

    Raises:
        ValueError: for anything but a finite real number or a row of them.
    """
    if omega.is_complex() or omega.ndim > 1 or not torch.isfinite(omega).all():
        raise ValueError(
            f"omega must be a finite real number or (F,), got {omega.dtype} {tuple(omega.shape)}"
        )
    return omega.to(torch.float64).reshape(-1)


def _batch_of(shifted: Tensor, B: Tensor) -> tuple[int, ...]:
    """The shape of the right-hand side, for batch dims of B may exceed those of A."""
    batch = torch.broadcast_shapes(shifted.shape[:-2], (*B.shape[:-2], 1))  # type: ignore[no-untyped-call]
    return (*batch, *B.shape[-2:])
