"""Sums over the powers of a diagonal system's eigenvalues, in √length powers and matrix products.

A diagonal state space model of length L needs Σ_n w_n a_nˡ for l = 0 … L − 1: a Vandermonde matrix times a
vector. With l = i·S + j and S ≈ √L the matrix factors, aˡ = (aˢ)ⁱ aʲ, so that 2 √L powers per eigenvalue and
one batched matrix product replace L powers, and no tensor of L · pairs numbers is ever formed.

Powers are formed by doubling in complex128 and then cast: their error stays near one rounding at any
exponent. Everything here is differentiable torch code. ``channel, pairs`` index eigenvalues; each stands for
itself and its conjugate, so real results are 2 Re Σ over the pairs.

Source: A. Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models" (2022),
section 3.3, for the Vandermonde product; the factorisation in two levels is that of the Cooley–Tukey FFT.
"""

import math

import torch
from torch import Tensor

__all__ = ["align_right", "final_state", "free_response", "integer_power", "power_table", "vandermonde_sum"]

# Up to this many samples all powers at once cost less than the rows of a second level, one a batch entry.
ONE_LEVEL = 64


def power_table(a: Tensor, length: int, *, dim: int = -1) -> Tensor:
    """a⁰, a¹, …, a^(length−1), by doubling in complex128.

    Args:
        a: (...), complex.
        length: number of powers, 1 at least.
        dim: the axis of the result along which the powers lie.

    Returns:
        (..., length), complex128.

    >>> power_table(torch.tensor([2j]), 4)[0].tolist()
    [(1+0j), 2j, (-4+0j), (-0-8j)]
    """
    square = a.to(torch.complex128).unsqueeze(dim)
    table = torch.ones_like(square)
    while table.shape[dim] < length:
        missing = min(table.shape[dim], length - table.shape[dim])
        table = torch.cat((table, table.narrow(dim, 0, missing) * square), dim)
        square = square * square
    return table


def integer_power(a: Tensor, exponents: Tensor, limit: int) -> Tensor:
    """a^exponent, by squaring in complex128.

    Args:
        a: (...), complex.
        exponents: (batch,), integers from 0 to ``limit``.
        limit: the largest exponent that may occur.

    Returns:
        (batch, ...), complex128.

    >>> integer_power(torch.tensor([2 + 0j]), torch.tensor([0, 5]), limit=5)[:, 0].tolist()
    [(1+0j), (32+0j)]
    """
    square = a.to(torch.complex128)
    exponents = exponents.reshape(-1, *(1 for _ in range(a.ndim)))
    power = torch.ones_like(square).expand(exponents.shape[0], *a.shape)
    for bit in range(limit.bit_length()):
        power = torch.where((exponents >> bit) % 2 == 1, power * square, power)
        square = square * square
    return power


def vandermonde_sum(weights: Tensor, a: Tensor, length: int) -> Tensor:
    """2 Re Σ_n w_n a_nˡ for l = 0 … length − 1: the kernel of a diagonal system whose weights are C B̄.

    Args:
        weights: (..., channel, pairs), complex.
        a: (channel, pairs), complex: the eigenvalues Ā.
        length: number of samples, 1 at least.

    Returns:
        (..., channel, length), real, in the precision of ``weights``.

    >>> vandermonde_sum(torch.tensor([[0.5 + 0j]]), torch.tensor([[0.5 + 0j]]), 4).tolist()
    [[1.0, 0.5, 0.25, 0.125]]
    """
    *batch, channel, pairs = weights.shape
    columns = math.isqrt(length - 1) + 1
    rows = -(-length // columns)
    fine = power_table(a, columns + 1, dim=1)
    coarse = power_table(fine[:, columns], rows, dim=1).to(weights.dtype)
    # left[i] holds conj(2 w a^(iS)), right[j] holds a^j; as real pairs their product is 2 Re w a^(iS+j)
    across = 2 * weights.reshape(-1, channel, 1, pairs).transpose(0, 1) * coarse[:, None]
    left = torch.view_as_real(torch.conj_physical(across)).flatten(-2).flatten(1, 2)
    right = torch.view_as_real(fine[:, :columns].to(weights.dtype)).flatten(-2)
    sums = (left @ right.mT).reshape(channel, across.shape[1], rows * columns)[..., :length]
    return sums.transpose(0, 1).reshape(*batch, channel, length)


def free_response(state: Tensor, a: Tensor, c: Tensor, length: int) -> Tensor:
    """The output of a diagonal system without input: y[k] = 2 Re Σ_n c_n a_n^(k+1) state_n.

    The power is k + 1 because sample 0 already sees the state one step on.

    Args:
        state: (batch, channel, pairs), complex: the state before sample 0.
        a: (channel, pairs), complex: the eigenvalues Ā.
        c: (channel, pairs), complex: the output map C.
        length: number of samples, 1 at least.

    Returns:
        (batch, length, channel), real, in the precision of ``state``.

    >>> half = torch.tensor([[0.5 + 0j]])
    >>> free_response(torch.ones_like(half)[None], half, torch.ones_like(half), 3).flatten().tolist()
    [1.0, 0.5, 0.25]
    """
    return vandermonde_sum(c * a * state, a, length).transpose(1, 2)


def final_state(
    x: Tensor, a: Tensor, b: Tensor, lengths: Tensor | None = None, *, initial_state: Tensor | None = None
) -> Tensor:
    """The state of a diagonal system after the last sample: a^L h[−1] + Σ_{k<L} a^(L−1−k) b x[k].

    Args:
        x: (batch, time, channel), real, time ≥ 1.
        a: (channel, pairs), complex: the eigenvalues Ā.
        b: (channel, pairs), complex: the input map B̄.
        lengths: (batch,), integers from 0 to time: L of each row; time unless given. Samples from there on
            are not looked at.
        initial_state: (batch, channel, pairs), complex: h[−1]; zero unless given.

    Returns:
        (batch, channel, pairs), in the dtype of ``b``.

    >>> half = torch.tensor([[0.5 + 0j]])
    >>> final_state(torch.ones(1, 3, 1), half, torch.ones_like(half)).flatten().tolist()
    [(1.75+0j)]
    """
    batch, time, channel = x.shape
    columns = time if time <= ONE_LEVEL else math.isqrt(time - 1) + 1
    rows = -(-time // columns)
    aligned = align_right(x.to(b.real.dtype), lengths, rows * columns)
    fine = power_table(a, columns + 1, dim=1)
    coarse = power_table(fine[:, columns], rows, dim=1).to(b.dtype)
    # Within a row the last sample has power 0, and so has the last row.
    right = torch.view_as_real(fine[:, :columns].to(b.dtype).flip(1)).flatten(-2)
    left = aligned.reshape(-1, channel).t().reshape(channel, batch * rows, columns)
    partial = torch.view_as_complex((left @ right).reshape(channel, batch, rows, a.shape[-1], 2))
    state = (partial * coarse.flip(1)[:, None]).sum(2).transpose(0, 1) * b
    if initial_state is None:
        return state
    if lengths is None:
        lengths = torch.full((batch,), time, device=x.device)
    return state + (integer_power(a, lengths, time) * initial_state).to(b.dtype)


def align_right(x: Tensor, lengths: Tensor | None, size: int) -> Tensor:
    """The first ``lengths`` samples of each row of (batch, time, channel), moved to the end of ``size``."""
    time = x.shape[1]
    if lengths is None:
        return torch.nn.functional.pad(x, (0, 0, size - time, 0))
    source = torch.arange(size, device=x.device) - size + lengths[:, None]
    moved = x.gather(1, source.clamp(0, time - 1)[..., None].expand(-1, -1, x.shape[2]))
    return torch.where(source[..., None] >= 0, moved, 0)
