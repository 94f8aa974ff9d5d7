"""What a dense system needs of its matrix's powers, a few vectors at a time: never the power of each sample.

A system of order N and length L has L powers of Ā; its final state and its free response need them applied to
vectors. With the squares Ā, Ā², Ā⁴, … at hand, a block of vectors doubles with each of them, and a length
l = i·S + j splits into S ≈ √L columns and as many rows. So log₂ L products of matrices and O(√L) vectors are
all, and no tensor of channels · L · N numbers is ever formed.

``channel`` indexes matrices (channel, N, N); vectors are rows. Squares are formed in float64; everything is
differentiable.
"""

import torch
from torch import Tensor

from clew.maths.vandermonde import align_right

__all__ = ["apply_power", "columns_for", "final_state", "free_response", "orbit", "squares", "squares_for"]

# A square costs N³ a channel, to apply the largest once more N²: the last squares are spared.
SPARED = 2


def squares(A: Tensor, count: int) -> tuple[Tensor, ...]:
    """A, A², A⁴, …, ``count`` of them.

    Args:
        A: (channel, N, N).
        count: how many, 1 at least.

    Returns:
        (channel, N, N) each, float64.

    >>> [power.item() for power in squares(torch.full((1, 1, 1), 2.0), 4)]
    [2.0, 4.0, 16.0, 256.0]
    """
    powers = [A.double()]
    while len(powers) < count:
        powers.append(powers[-1] @ powers[-1])
    return tuple(powers)


def squares_for(A: Tensor, length: int) -> tuple[Tensor, ...]:
    """As many squares as sums over ``length`` samples take: up to A^(length/8), and √length at least."""
    return squares(A, max((length - 1).bit_length() - SPARED, columns_for(length).bit_length()))


def columns_for(length: int) -> int:
    """S: the power of two from √length on."""
    return 1 << (((length - 1).bit_length() + 1) // 2)


def apply_power(vectors: Tensor, powers: tuple[Tensor, ...], exponent: int) -> Tensor:
    """``vectors`` (channel, rows, N), rows, times the matrix's power.

    >>> apply_power(torch.ones(1, 1, 1), (torch.full((1, 1, 1), 2.0), torch.full((1, 1, 1), 4.0)), 5).item()
    32.0
    """
    top = len(powers) - 1
    for _ in range(exponent >> top):
        vectors = vectors @ powers[top]
    for bit in range(top):
        if exponent >> bit & 1:
            vectors = vectors @ powers[bit]
    return vectors


def orbit(vectors: Tensor, powers: tuple[Tensor, ...], count: int, *, first: int = 0) -> Tensor:
    """Row vectors times the powers 0, 1, …, count − 1 of one of the squares.

    Args:
        vectors: (channel, rows, N).
        powers: from :func:`squares`, in the dtype of the vectors.
        count: how many, 1 at least.
        first: which of ``powers`` is the one whose powers these are.

    Returns:
        (channel, rows, count, N).

    >>> orbit(torch.ones(1, 1, 1), (torch.full((1, 1, 1), 2.0),), 4).flatten().tolist()
    [1.0, 2.0, 4.0, 8.0]
    """
    channel, rows, order = vectors.shape
    block, index, top = vectors[:, :, None], first, len(powers) - 1
    while block.shape[2] < count:
        present = block.shape[2]
        ahead = 1 << (min(index, top) - first)
        taken = min(ahead, count - present)
        source = block[:, :, present - ahead : present - ahead + taken].flatten(1, 2)
        moved = (source @ powers[min(index, top)]).view(channel, rows, taken, order)
        block, index = torch.cat((block, moved), dim=2), index + 1
    return block


def free_response(state: Tensor, powers: tuple[Tensor, ...], C: Tensor, length: int) -> Tensor:
    """The output of a dense system without input: y[k] = C Ā^(k+1) state.

    Args:
        state: (batch, channel, N): the state before sample 0.
        powers: the squares of Ā, in the dtype of the state.
        C: (channel, N).
        length: number of samples, 1 at least.

    Returns:
        (batch, length, channel).

    >>> half = (torch.tensor([[[0.5]]]),)
    >>> free_response(torch.ones(1, 1, 1), half, torch.ones(1, 1), 3).flatten().tolist()
    [0.5, 0.25, 0.125]
    """
    batch, channel, _ = state.shape
    first = min(len(powers), columns_for(length).bit_length()) - 1
    columns = 1 << first
    rows = -(-length // columns)
    transposed = tuple(power.mT for power in powers)
    coarse = orbit(state.transpose(0, 1), transposed, rows, first=first).flatten(1, 2)
    fine = orbit(C[:, None] @ powers[0], powers, columns)[:, 0]
    y = (coarse @ fine.mT).view(channel, batch, rows * columns)[..., :length]
    return y.permute(1, 2, 0)


def final_state(
    x: Tensor,
    powers: tuple[Tensor, ...],
    B: Tensor,
    lengths: Tensor | None = None,
    *,
    initial_state: Tensor | None = None,
) -> Tensor:
    """The state of a dense system after the last sample: Ā^L h[−1] + Σ_{k<L} Ā^(L−1−k) B̄ x[k].

    Args:
        x: (batch, time, channel), time ≥ 1.
        powers: the squares of Ā, in the dtype of x.
        B: (channel, N): B̄.
        lengths: (batch,), integers from 0 to time: L of each row; time unless given. Samples from there on
            are not looked at.
        initial_state: (batch, channel, N): h[−1]; zero unless given.

    Returns:
        (batch, channel, N).

    >>> half = (torch.tensor([[[0.5]]]),)
    >>> final_state(torch.ones(1, 3, 1), half, torch.ones(1, 1)).item()
    1.75
    """
    batch, time, channel = x.shape
    first = min(len(powers), columns_for(time).bit_length()) - 1
    columns = 1 << first
    rows = -(-time // columns)
    transposed = tuple(power.mT for power in powers)
    reach = orbit(B[:, None], transposed, columns)[:, 0].flip(1)  # the last sample of a row has power 0
    inputs = align_right(x, lengths, rows * columns).permute(2, 0, 1).contiguous()
    inputs = inputs.view(channel, batch * rows, columns)
    partial = (inputs @ reach).view(channel, batch, rows, -1)
    state = _horner(partial, transposed[first:])
    if initial_state is not None:
        state = state + _moved(initial_state.transpose(0, 1), transposed, lengths, time)
    return state.transpose(0, 1)


def _horner(partial: Tensor, powers: tuple[Tensor, ...]) -> Tensor:
    """Σ_i partial_i M^(rows−1−i) of (channel, batch, rows, N): in pairs for as long as there are squares."""
    channel, batch, rows, order = partial.shape
    for power in powers[:-1]:
        if rows == 1:
            break
        if rows % 2:
            partial = torch.nn.functional.pad(partial, (0, 0, 1, 0))
        rows = (rows + 1) // 2
        earlier = partial[:, :, 0::2].reshape(channel, batch * rows, order)
        partial = (earlier @ power).view(channel, batch, rows, order) + partial[:, :, 1::2]
    state = partial[:, :, 0]
    for row in range(1, rows):
        state = state @ powers[-1] + partial[:, :, row]
    return state


def _moved(state: Tensor, powers: tuple[Tensor, ...], lengths: Tensor | None, time: int) -> Tensor:
    """``state`` (channel, batch, N), rows, times the matrix to the power of each row's length."""
    if lengths is None:
        return apply_power(state, powers, time)
    top = len(powers) - 1
    whole = lengths >> top
    for count in range(time >> top):
        state = torch.where((count < whole)[:, None], state @ powers[top], state)
    for bit in range(top):
        state = torch.where(((lengths >> bit) % 2 == 1)[:, None], state @ powers[bit], state)
    return state
