"""Systems in series, side by side, and in a loop.

The textbook block matrices of series and feedback hold for systems that output before they update. A discrete
system of ours outputs after it: y[k] depends on h[k−1] through C Ā, and on x[k] through C B̄ + D. By these one
system drives the state of another; the output of the whole is read from the new states by C and D themselves.
"""

from typing import TypeVar

import torch
from torch import Tensor

from clew.systems.continuous import StateSpace
from clew.systems.discrete import DiscreteStateSpace
from clew.systems.linear import LinearSystem
from clew.systems.matrices import Matrices

__all__ = ["feedback", "parallel", "series"]

SystemT = TypeVar("SystemT", StateSpace, DiscreteStateSpace)


def series(first: SystemT, second: SystemT) -> SystemT:
    """What ``second`` makes of the output of ``first``: the state is theirs, first's before second's.

    With C₁′ = C₁ Ā₁ and D₁′ = C₁ B̄₁ + D₁ (continuous: C₁ and D₁)

    A = [[A₁, 0], [B₂ C₁′, A₂]], B = [[B₁], [B₂ D₁′]], C = [D₂ C₁, C₂], D = D₂ D₁.

    Args:
        first: M outputs; batch dims broadcast against those of ``second``.
        second: M inputs, of the same kind and, if discrete, the same dt.

    Returns:
        A system of order N₁ + N₂, differentiable in all the matrices.

    Raises:
        ValueError: for systems that do not fit.

    >>> lag = DiscreteStateSpace([[0.5]], [[0.5]], [[1.0]])
    >>> series(lag, lag).kernel(3)[:, 0, 0]
    tensor([0.2500, 0.2500, 0.1875], dtype=torch.float64)

    Source: Åström and Murray, *Feedback Systems* (2008), section 8.3, for systems that output first.
    """
    _check_alike(first, second)
    if first.outputs != second.inputs:
        raise ValueError(f"first has {first.outputs} outputs and second {second.inputs} inputs")
    one, two = _expanded(first.matrices, second.matrices)
    seen = _output_first(first, one)
    zero = one.A.new_zeros(*one.A.shape[:-2], first.order, second.order)
    A = _blocks([[one.A, zero], [two.B @ seen.C, two.A]])
    B = _blocks([[one.B], [two.B @ seen.D]])
    C = _blocks([[two.D @ one.C, two.C]])
    return _like(first, Matrices(A, B, C, two.D @ one.D))


def parallel(first: SystemT, second: SystemT) -> SystemT:
    """The sum of both outputs for one input: the state is theirs, first's before second's.

    Args:
        first: P inputs and M outputs; batch dims broadcast against those of ``second``.
        second: the same numbers, of the same kind and, if discrete, the same dt.

    Returns:
        A system of order N₁ + N₂, differentiable in all the matrices.

    Raises:
        ValueError: for systems that do not fit.

    >>> lag = DiscreteStateSpace([[0.5]], [[0.5]], [[1.0]])
    >>> parallel(lag, lag).kernel(3)[:, 0, 0]
    tensor([1.0000, 0.5000, 0.2500], dtype=torch.float64)
    """
    _check_alike(first, second)
    if (first.inputs, first.outputs) != (second.inputs, second.outputs):
        raise ValueError(
            f"first has {first.inputs} inputs and {first.outputs} outputs, "
            f"second {second.inputs} and {second.outputs}"
        )
    one, two = _expanded(first.matrices, second.matrices)
    zero = one.A.new_zeros(*one.A.shape[:-2], first.order, second.order)
    A = _blocks([[one.A, zero], [zero.mT, two.A]])
    return _like(first, Matrices(A, _blocks([[one.B], [two.B]]), _blocks([[one.C, two.C]]), one.D + two.D))


def feedback(forward: SystemT, back: SystemT | None = None, sign: float = -1.0) -> SystemT:
    """The loop y = forward(x + sign · back(y)): the state is forward's before back's.

    A discrete loop closes within the sample, through C₁ B̄₁ + D₁ and C₂ B̄₂ + D₂. Where I − sign · D₁ D₂ is
    singular, so that y[k] is not C h[k] + D x[k] for any C and D, the system comes with 2N states, the
    present ones and those before, exactly.

    Args:
        forward: P inputs, M outputs; batch dims broadcast against those of ``back``.
        back: M inputs and P outputs, of the same kind and, if discrete, the same dt; ``None`` feeds y back as
            it is, for which P = M.
        sign: −1 for negative feedback.

    Returns:
        The closed loop, differentiable in all the matrices.

    Raises:
        ValueError: for systems that do not fit, and a loop that has no solution, for I − sign · D₁′ D₂′ is
            singular, D′ = C B̄ + D (continuous: D).

    >>> integrator = DiscreteStateSpace([[1.0]], [[0.5]], [[1.0]])
    >>> feedback(integrator).poles()
    tensor([0.6667+0.j], dtype=torch.complex128)

    Source: as :func:`series`.
    """
    one = forward.matrices
    if back is None:
        if forward.inputs != forward.outputs:
            raise ValueError(
                f"without back= there are as many inputs as outputs, got {forward.inputs} "
                f"and {forward.outputs}"
            )
        none = one.A.new_zeros(0, 0)
        columns = one.A.new_zeros(0, forward.outputs)
        identity = torch.eye(forward.inputs, dtype=one.A.dtype, device=one.A.device)
        one, two = _expanded(one, Matrices(none, columns, columns.mT, identity))
        seen_two = two
    else:
        _check_alike(forward, back)
        if (forward.inputs, forward.outputs) != (back.outputs, back.inputs):
            raise ValueError(
                f"forward has {forward.inputs} inputs and {forward.outputs} outputs, "
                f"back {back.inputs} and {back.outputs}"
            )
        one, two = _expanded(one, back.matrices)
        seen_two = _output_first(back, two)
    seen_one = _output_first(forward, one)
    closed = _closed(one, two, seen_one, seen_two, sign)
    if _is_regular(one.D @ two.D, sign):
        loop = _inverse_of_loop(one.D @ two.D, sign)
        C = loop @ _blocks([[one.C, sign * one.D @ two.C]])
        return _like(forward, Matrices(closed.A, closed.B, C, loop @ one.D))
    zero = torch.zeros_like(closed.A)
    identity = torch.eye(zero.shape[-1], dtype=zero.dtype, device=zero.device).expand_as(zero)
    A = _blocks([[closed.A, zero], [identity, zero]])
    B = _blocks([[closed.B], [torch.zeros_like(closed.B)]])
    C = _blocks([[torch.zeros_like(closed.C), closed.C]])
    return _like(forward, Matrices(A, B, C, closed.D))


def _closed(one: Matrices, two: Matrices, seen_one: Matrices, seen_two: Matrices, sign: float) -> Matrices:
    """The closed loop, whose C and D give the output from the states *before*.

    x + sign · back(y) is loop (x + sign C₂′ h₂ + sign D₂′ C₁′ h₁) with loop = (I − sign D₂′ D₁′)⁻¹.
    """
    if not _is_regular(seen_two.D @ seen_one.D, sign):
        raise ValueError("the loop has no solution: I − sign · D₂ D₁, what goes around at once, is singular")
    loop = _inverse_of_loop(seen_two.D @ seen_one.D, sign)
    drive = (
        sign * loop @ _blocks([[seen_two.D @ seen_one.C, seen_two.C]])
    )  # of forward's input, by the states
    y_states = _blocks([[seen_one.C, torch.zeros_like(seen_one.D @ seen_two.C)]]) + seen_one.D @ drive
    y_input = seen_one.D @ loop
    upper = _blocks([[one.A, one.A.new_zeros(*one.A.shape[:-1], two.A.shape[-1])]]) + one.B @ drive
    lower = _blocks([[two.A.new_zeros(*two.A.shape[:-1], one.A.shape[-1]), two.A]]) + two.B @ y_states
    A, B = _blocks([[upper], [lower]]), _blocks([[one.B @ loop], [two.B @ y_input]])
    return Matrices(A, B, y_states, y_input)


def _output_first(system: LinearSystem, matrices: Matrices) -> Matrices:
    """The same system, whose output is C h + D x of the state *before*: C Ā and C B̄ + D if it is discrete."""
    A, B, C, D = matrices
    return matrices if isinstance(system, StateSpace) else Matrices(A, B, C @ A, C @ B + D)


def _inverse_of_loop(gain: Tensor, sign: float) -> Tensor:
    """(I − sign · gain)⁻¹."""
    identity = torch.eye(gain.shape[-1], dtype=gain.dtype, device=gain.device)
    inverse: Tensor = torch.linalg.inv(identity - sign * gain)
    return inverse


def _is_regular(gain: Tensor, sign: float) -> bool:
    """Whether I − sign · gain can be inverted, for every system of a batch."""
    gain = gain.detach()
    identity = torch.eye(gain.shape[-1], dtype=gain.dtype, device=gain.device)
    least = torch.linalg.svdvals(identity - sign * gain)[..., -1]
    size = 1.0 + torch.linalg.matrix_norm(gain)
    return bool((least > 8 * torch.finfo(gain.dtype).eps * size).all())


def _blocks(rows: list[list[Tensor]]) -> Tensor:
    """A matrix of blocks."""
    return torch.cat([torch.cat(row, dim=-1) for row in rows], dim=-2)


def _expanded(first: Matrices, second: Matrices) -> tuple[Matrices, Matrices]:
    """All eight matrices in one dtype and with all leading dims, so that blocks can be put side by side."""
    dtype = torch.promote_types(first.A.dtype, second.A.dtype)
    shapes = first.batch_shape, second.batch_shape
    try:
        batch = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise ValueError(f"the batches {tuple(shapes[0])} and {tuple(shapes[1])} do not broadcast") from None
    one, two = (
        Matrices(*(matrix.to(dtype).expand(*batch, *matrix.shape[-2:]) for matrix in matrices))
        for matrices in (first, second)
    )
    return one, two


def _check_alike(first: LinearSystem, second: LinearSystem) -> None:
    if type(first) is not type(second):
        raise ValueError(f"a {type(first).__name__} and a {type(second).__name__} cannot be connected")
    if isinstance(first, DiscreteStateSpace) and isinstance(second, DiscreteStateSpace):
        steps = [torch.as_tensor(each.dt, dtype=torch.float64) for each in (first, second)]
        if not bool((steps[0] == steps[1]).all()):
            raise ValueError(f"the systems take steps of different lengths, dt={first.dt} and dt={second.dt}")


def _like(system: SystemT, matrices: Matrices) -> SystemT:
    """A system of the kind of ``system``, and of its dt."""
    if isinstance(system, DiscreteStateSpace):
        return DiscreteStateSpace(*matrices, dt=system.dt)
    return StateSpace(*matrices)
