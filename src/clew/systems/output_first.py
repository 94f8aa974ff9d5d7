"""Towards libraries that output before they update: s[k+1] = A s[k] + B x[k], y[k] = C s[k] + D x[k].

Their s[k] is our h[k−1], so the state carries over as it is and only C and D change.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from clew.systems.matrices import Matrices

__all__ = ["Arrays", "as_arrays", "to_output_first", "to_update_first", "with_a_state"]

Array: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = tuple[Array, Array, Array, Array]

# C A⁻¹ loses the digits of the condition number of A. Up to this one, matrices that went there and back
# differed by at most 3e-13, and so did outputs, in 3,000 random systems.
WELL_CONDITIONED = 1e3


def to_output_first(
    A: npt.NDArray[Any], B: npt.NDArray[Any], C: npt.NDArray[Any], D: npt.NDArray[Any]
) -> Arrays:
    """Ours to theirs, exactly: (A, B, C A, C B + D), for y[k] = C (A h[k−1] + B x[k]) + D x[k]."""
    return A, B, C @ A, C @ B + D


def to_update_first(
    A: npt.NDArray[Any], B: npt.NDArray[Any], C: npt.NDArray[Any], D: npt.NDArray[Any]
) -> Arrays:
    """Theirs to ours: (A, B, C A⁻¹, D − C A⁻¹ B) where A is well conditioned.

    Else the system of twice the order whose state is (h[k], h[k−1]), on whose second half C acts: a pure
    delay, whose A is singular, has no other.
    """
    order, inputs = B.shape
    if np.linalg.cond(A) <= WELL_CONDITIONED:
        C_inverse = np.linalg.solve(A.T, C.T).T
        return A, B, C_inverse, D - C_inverse @ B
    zero = np.zeros((order, order))
    return (
        np.block([[A, zero], [np.eye(order), zero]]),
        np.concatenate((B, np.zeros((order, inputs)))),
        np.concatenate((np.zeros_like(C), C), axis=1),
        D,
    )


def with_a_state(arrays: Arrays) -> Arrays:
    """A static gain has no state elsewhere; here it gets one that stays zero."""
    if arrays[0].size:
        return arrays
    D = arrays[3]
    outputs, inputs = D.shape
    return np.zeros((1, 1)), np.zeros((1, inputs)), np.zeros((outputs, 1)), D


def as_arrays(matrices: Matrices) -> Arrays:
    """Detached float64 or complex128 arrays.

    Raises:
        ValueError: for a batch of systems, which other libraries do not have.
    """
    if matrices.batch_shape:
        raise ValueError(
            "other libraries take one system at a time, and this is a batch of shape "
            f"{tuple(matrices.batch_shape)}: build a system from the entry that you want"
        )
    A, B, C, D = (matrix.detach().cpu().numpy().astype(_wide(matrices)) for matrix in matrices)
    return A, B, C, D


def _wide(matrices: Matrices) -> type[np.float64] | type[np.complex128]:
    return np.complex128 if matrices.A.is_complex() else np.float64
