"""Fewer states for nearly the same answers: Hankel singular values and balanced truncation."""

from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from clew.systems.continuous import StateSpace
from clew.systems.discrete import DiscreteStateSpace
from clew.systems.gramians import continuous_factor, discrete_factor
from clew.systems.matrices import Matrices

__all__ = ["Reduction", "balanced_truncation", "hankel_singular_values"]

SystemT = TypeVar("SystemT", StateSpace, DiscreteStateSpace)


class Reduction(NamedTuple, Generic[SystemT]):
    """A reduced system and how far off it can be.

    Attributes:
        system: of the order asked for.
        singular_values: (..., N), descending: what each balanced state contributes.
        bound: (...), twice the sum of those left out: the largest singular value of the difference of the
            frequency responses is at no frequency above it.
    """

    system: SystemT
    singular_values: Tensor
    bound: Tensor


def hankel_singular_values(system: StateSpace | DiscreteStateSpace) -> Tensor:
    """The singular values of the map from past inputs to future outputs, through the present state.

    They do not depend on coordinates or conventions: a discrete system's are those of the infinite matrix
    with the blocks K[i + j + 1], i, j ≥ 0.

    Args:
        system: stable, with batch dims or without.

    Returns:
        (..., N), descending, float64.

    Raises:
        ValueError: for an unstable system.

    >>> lag = StateSpace([[-1.0, 0.0], [0.0, -100.0]], [[1.0], [1.0]], [[1.0, 1.0]])
    >>> hankel_singular_values(lag)
    tensor([0.5002, 0.0048], dtype=torch.float64)

    Source: Glover, "All optimal Hankel-norm approximations of linear multivariable systems" (1984), section
    2.
    """
    A, B, C, D = _wide(system)
    if isinstance(system, DiscreteStateSpace):
        C = C @ A  # what the state before shows of the present output
    reached, shown = _factors(system, Matrices(A, B, C, D))
    values: Tensor = torch.linalg.svdvals(shown.mH @ reached)
    return values


def balanced_truncation(system: SystemT, order: int) -> Reduction[SystemT]:
    """The ``order`` states that inputs reach most and outputs show most, and the bound on what is lost.

    In balanced coordinates every state is reached as much as it is shown; the weakest are left out. A
    discrete system is reduced as C (zI − Ā)⁻¹ B̄, which is its response but for D and a factor z, of modulus
    1 on the unit circle: so the bound holds for the response, the result is in the convention of all discrete
    systems here, and nothing is divided by Ā. (Its ``singular_values`` are therefore those of the matrix with
    the blocks K[i + j], the present output counted as future; see :func:`hankel_singular_values` for the
    usual ones.)

    Args:
        system: stable, with batch dims or without.
        order: of the result, from 1 to N.

    Returns:
        The system, in the dtype it came in; computed in float64. Not differentiable.

    Raises:
        ValueError: for an unstable system, and an order out of range or beyond what can be reached and shown.

    >>> pair = StateSpace([[-1.0, 0.0], [0.0, -100.0]], [[1.0], [1.0]], [[1.0, 1.0]])
    >>> smaller, _, bound = balanced_truncation(pair, 1)
    >>> smaller, bool((smaller.frequency_response(0.0) - pair.frequency_response(0.0)).abs() <= bound)
    (StateSpace(order=1, inputs=1, outputs=1, dtype=float64), True)

    Source: Moore, "Principal component analysis in linear systems" (1981); the bound: Enns (1984) and Glover
    (1984), theorem 9.6; discrete: Al-Saggaf and Franklin, "An error bound for a discrete reduced order model"
    (1987). The square-root form: Tombs and Postlethwaite (1987).
    """
    if isinstance(order, bool) or not isinstance(order, int) or not 1 <= order <= system.order:
        raise ValueError(f"order is from 1 to {system.order}, got {order!r}")
    wide = _wide(system)
    reached, shown = _factors(system, wide)
    left, values, right = torch.linalg.svd(shown.mH @ reached)
    kept = values[..., :order]
    if not (kept > torch.finfo(torch.float64).eps * values[..., :1]).all():
        raise ValueError(f"fewer than {order} states are both reached and shown: choose a smaller order")
    scale = kept.rsqrt()[..., None, :]
    into = (shown @ left[..., :order] * scale).mH
    out = reached @ right.mH[..., :order] * scale
    A, B, C, D = wide
    batch = values.shape[:-1]
    smaller = Matrices(into @ A @ out, into @ B, C @ out, D.expand(*batch, *D.shape[-2:])).to(system.dtype)
    bound = 2 * values[..., order:].sum(-1)
    if isinstance(system, DiscreteStateSpace):
        return Reduction(DiscreteStateSpace(*smaller, dt=system.dt), values, bound)
    return Reduction(StateSpace(*smaller), values, bound)


def _wide(system: StateSpace | DiscreteStateSpace) -> Matrices:
    """The matrices in double precision, without their gradients."""
    if not system.is_stable().all():
        raise ValueError("the system is not stable: some of what went in never fades, and has no Gramian")
    dtype = torch.complex128 if system.dtype.is_complex else torch.float64
    return Matrices(*(matrix.detach().to(dtype) for matrix in system.matrices))


def _factors(system: StateSpace | DiscreteStateSpace, matrices: Matrices) -> tuple[Tensor, Tensor]:
    """Factors of both Gramians, with all batch dims."""
    batch = matrices.batch_shape
    A, B, C, _ = (matrix.expand(*batch, *matrix.shape[-2:]) for matrix in matrices)
    factor = discrete_factor if isinstance(system, DiscreteStateSpace) else continuous_factor
    return factor(A, B), factor(A.mH, C.mH)
