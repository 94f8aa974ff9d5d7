"""A small system from what went in and what came out, by least squares."""

import torch
from torch import Tensor

from clew.systems.arrays import ArrayLike, to_common
from clew.systems.discrete import DiscreteStateSpace
from clew.systems.output_first import to_update_first

__all__ = ["identify"]


def identify(
    x: ArrayLike, y: ArrayLike, order: int, *, dt: float = 1.0, rows: int | None = None
) -> DiscreteStateSpace:
    """The system of ``order`` states that best explains how ``y`` follows from ``x``.

    In three least squares problems. (1) Future outputs, stacked in blocks of ``rows`` samples, are explained
    by future inputs and by the past; what the past explains lies in the space of the observability matrix C,
    C Ā, C Ā², …, whose leading ``order`` directions are kept. (2) Ā is what shifts that matrix by a row.
    (3) With Ā and C known the outputs are linear in B̄, D and the initial states, which are fitted to all
    samples.

    Without noise, and with an input that is rich enough, the system is found exactly, up to coordinates. The
    records need not begin at rest.

    Args:
        x: (L, P), or (records, L, P); real. The input should move at all frequencies: from a constant or a
            single sinusoid no system can be told.
        y: (L, M), or (records, L, M).
        order: N of the result, at least 1. (2 N where Ā is all but singular, as it is for a delay; see
            :meth:`clew.systems.DiscreteStateSpace.from_scipy`.)
        dt: the time between samples, which the result carries.
        rows: how many samples a block has, more than ``order``; 2·order + 1 unless given. More average noise
            better.

    Returns:
        A real system in float64. Not differentiable.

    Raises:
        ValueError: for shapes that do not fit, NaN or infinity, too few samples, and an input that is not
            rich enough.

    >>> truth = DiscreteStateSpace([[0.9, 0.2], [-0.2, 0.9]], [[1.0], [0.0]], [[1.0, 1.0]])
    >>> x = torch.randn(200, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = identify(x, truth.run(x)[0], order=2)
    >>> torch.allclose(found.kernel(50), truth.kernel(50))
    True

    Source: Verhaegen, "Identification of the deterministic part of MIMO state space models given in
    innovations form from input-output data" (1994), PO-MOESP; Verhaegen and Verdult, *Filtering and System
    Identification* (2007), sections 9.2 and 9.6.
    """
    inputs, outputs = _records(x, y)
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ValueError(f"order is at least 1, got {order!r}")
    rows = 2 * order + 1 if rows is None else rows
    if rows <= order:
        raise ValueError(f"rows must exceed the order, {order}; got {rows}")
    observed = _observability(inputs, outputs, order, rows)
    n_out = outputs.shape[-1]
    A = torch.linalg.lstsq(observed[:-n_out], observed[n_out:]).solution
    C = observed[:n_out]
    B, D = _input_matrices(A, C, inputs, outputs)
    # These output before they update, as all of the literature does.
    return DiscreteStateSpace(*to_update_first(A.numpy(), B.numpy(), C.numpy(), D.numpy()), dt=dt)


def _records(x: ArrayLike, y: ArrayLike) -> tuple[Tensor, Tensor]:
    """Both as (records, L, channels), float64."""
    given = {name: value.detach().cpu() for name, value in to_common({"x": x, "y": y}).items()}
    for name, signal in given.items():
        if signal.ndim not in (2, 3) or 0 in signal.shape:
            raise ValueError(
                f"{name} must be (L, channels) or (records, L, channels), got {tuple(signal.shape)}"
            )
        if signal.is_complex() or not torch.isfinite(signal).all():
            raise ValueError(f"{name} must be real and finite")
    inputs, outputs = given["x"], given["y"]
    if inputs.shape[:-1] != outputs.shape[:-1]:
        raise ValueError(
            f"x is {tuple(inputs.shape)} and y {tuple(outputs.shape)}: as many samples are wanted"
        )
    inputs, outputs = (each if each.ndim == 3 else each[None] for each in (inputs, outputs))
    return inputs.double(), outputs.double()


def _observability(inputs: Tensor, outputs: Tensor, order: int, rows: int) -> Tensor:
    """C, C A, …, C A^{rows−1} below one another, (rows · M, N), in some coordinates."""
    n_in, n_out = inputs.shape[-1], outputs.shape[-1]
    U, Y = (_stacked(signal, 2 * rows) for signal in (inputs, outputs))
    future_in, past_in = U[rows * n_in :], U[: rows * n_in]
    future_out, past_out = Y[rows * n_out :], Y[: rows * n_out]
    known = len(U) + len(past_out)
    if U.shape[1] < len(U) + len(Y):
        raise ValueError(
            f"{U.shape[1]} blocks of {2 * rows} samples are too few to tell {len(U) + len(Y)} numbers "
            "from one another: give more samples, or a smaller order or rows"
        )
    strength = torch.linalg.svdvals(U)
    if strength[-1] < 1e-9 * strength[0]:
        raise ValueError(
            "x is not rich enough to tell what the outputs follow from: it should move at all "
            "frequencies, as noise does"
        )
    # Of the lower triangle of [future_in; past; future_out] = L Q, the block that the past alone explains.
    lower: Tensor = torch.linalg.qr(torch.cat((future_in, past_in, past_out, future_out)).T, mode="r").R.T
    explained = lower[known:, len(future_in) : known]
    directions: Tensor = torch.linalg.svd(explained, full_matrices=False).U
    return directions[:, :order]


def _stacked(signal: Tensor, depth: int) -> Tensor:
    """Every ``depth`` samples in a row as one column, none across records: (depth · channels, columns)."""
    windows = signal.unfold(1, depth, 1)  # (records, columns, channels, depth)
    return windows.permute(3, 2, 0, 1).reshape(depth * signal.shape[-1], -1)


def _input_matrices(A: Tensor, C: Tensor, inputs: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    """B and D of s[k+1] = A s[k] + B x[k], y = C s + D x, fitted with the initial state of each record."""
    order, (n_records, length, n_in), n_out = len(A), inputs.shape, outputs.shape[-1]
    # What each entry of B does: the states driven through each of their own inputs, by each channel of x, a
    # sample late. One more channel, a 1 at the start, is the initial state.
    late = torch.cat((torch.zeros_like(inputs[:, :1]), inputs[:, :-1]), dim=1)
    start = torch.zeros(n_records, length, 1, dtype=inputs.dtype)
    start[:, 0] = 1.0
    drives = torch.cat((late, start), dim=-1).movedim(-1, 0)[..., None]  # (P + 1, records, L, 1)
    each_state = DiscreteStateSpace(A, torch.eye(order, dtype=A.dtype)[..., None], C)  # a batch of N
    answers, _ = each_state.run(drives[:, :, None], mode="scan")  # (P + 1, records, N, L, M)
    by_B = answers[:-1].permute(1, 3, 4, 2, 0).reshape(-1, order * n_in)
    by_D = torch.einsum("rlp,mq->rlmqp", inputs, torch.eye(n_out, dtype=A.dtype)).reshape(-1, n_out * n_in)
    at_start = answers[-1].permute(0, 2, 3, 1).reshape(n_records, -1, order)
    by_start = torch.block_diag(*at_start)  # type: ignore[no-untyped-call]
    fitted = torch.linalg.lstsq(torch.cat((by_B, by_D, by_start), dim=1), outputs.reshape(-1, 1)).solution
    split = [order * n_in, n_out * n_in]
    return fitted[: split[0]].reshape(order, n_in), fitted[split[0] : sum(split)].reshape(n_out, n_in)
