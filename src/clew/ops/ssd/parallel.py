"""Pure torch, chunk after chunk of each row: matrix products within, a state carried from one to the next.

What a chunk of 64 samples needs stays in the cache of a processor. A chunk in which packed sequences begin is
cut there, so that nothing of one sequence meets another. Saved for backward is the state before each chunk.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from clew.ops.groups import in_groups
from clew.ops.ssd.piece import Piece
from clew.ops.ssd.scratch import Scratch

__all__ = ["available", "backward", "empty_saved", "forward", "supports"]

_CHUNK = 64


def available() -> str | None:
    """Always available."""
    return None


def supports(x: Tensor, delta: Tensor, exponent: Tensor, B: Tensor, C: Tensor) -> str | None:
    """Takes every call."""
    return None


def empty_saved(x: Tensor, delta: Tensor, B: Tensor) -> Tensor:
    """A tensor like what ``forward`` saves for ``backward``: the state before each chunk.

    It is (batch, chunk, group, state, head of the group, head_dim).
    """
    return delta.new_empty((x.shape[0], _chunks(x), *_state_shape(x, B)))


def forward(
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
    differentiable: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """y, the final state, and the states before each chunk if it is to be differentiable.

    Other arguments as in ``reference.forward``.
    """
    saved, scratch = empty_saved(x, delta, B) if differentiable else delta.new_empty(0), Scratch(delta)
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    finals = delta.new_empty((x.shape[0], *_state_shape(x, B)))
    zero, *spare = delta.new_zeros((3, *_state_shape(x, B)))
    initials = None if initial_state is None else _by_group(initial_state, B)
    for row in range(len(x)):
        befores = [*saved[row]] if differentiable else [spare[chunk % 2] for chunk in range(_chunks(x))]
        befores[0].copy_(zero if initials is None else initials[row])
        afters = (*befores[1:], finals[row])
        for before, after, (begins, parts) in zip(befores, afters, _cuts(x, reset, row), strict=True):
            if begins:
                before.zero_()
            for part in parts:
                piece = Piece.of(scratch, *(signal[row, part] for signal in (x, delta, exponent, B, C)))
                outputs = y[row, part] if y.dtype == delta.dtype else scratch.lend("outputs", piece.x.shape)
                piece.write_outputs(before, D, outputs)
                if y.dtype != delta.dtype:
                    y[row, part] = outputs
                if part is parts[-1]:
                    piece.write_next_state(before, after)
                before = zero
    return y, _by_head(finals), saved


def backward(
    y_gradient: Tensor,
    final_gradient: Tensor,
    saved: Tensor,
    x: Tensor,
    delta: Tensor,
    exponent: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    initial_state: Tensor | None,
    reset: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, delta, exponent, B, C, D and initial state, the last two as if they were given."""
    signals, scratch = (x, delta, exponent, B, C), Scratch(delta)
    gradients = [torch.empty_like(signal, memory_format=torch.contiguous_format) for signal in signals]
    D_gradient = delta.new_zeros(x.shape[2])
    initials = torch.empty_like(saved[:, 0])
    zero = delta.new_zeros(_state_shape(x, B))
    finals = _by_group(final_gradient, B)
    for row in range(len(x)):
        after, other = initials[row].copy_(finals[row]), scratch.lend("gradient", zero.shape)
        cuts = list(zip(saved[row], _cuts(x, reset, row), strict=True))
        for state, (begins, parts) in reversed(cuts):
            for part in reversed(parts):
                piece = Piece.of(scratch, *(signal[row, part] for signal in signals))
                outputs = y_gradient[row, part].to(delta.dtype).contiguous()
                before = state if part is parts[0] else zero
                found = piece.gradients(before, outputs, after if part is parts[-1] else zero, D, other)
                for gradient, here in zip(gradients, found[:5], strict=True):
                    gradient[row, part] = here
                D_gradient += found.D
            after, other = (other.zero_() if begins else other), after
        initials[row] = after
    x_gradient, delta_gradient, exponent_gradient, B_gradient, C_gradient = gradients
    return (
        x_gradient,
        delta_gradient,
        exponent_gradient,
        B_gradient,
        C_gradient,
        D_gradient,
        _by_head(initials),
    )


def _chunks(x: Tensor) -> int:
    """How many chunks a row has."""
    return -(-x.shape[1] // _CHUNK)


def _state_shape(x: Tensor, B: Tensor) -> tuple[int, int, int, int]:
    """The layout of a state here: (group, state, head of the group, head_dim)."""
    group, state = B.shape[2:]
    return group, state, x.shape[2] // group, x.shape[3]


def _cuts(x: Tensor, reset: Tensor | None, row: int) -> Iterator[tuple[bool, list[slice]]]:
    """For each chunk of a row: whether a sequence begins with it, and its pieces.

    A sequence begins with every piece but the first.
    """
    time = x.shape[1]
    begins = set() if reset is None else set(reset[row].nonzero().flatten().tolist())
    for start in range(0, time, _CHUNK):
        stop = min(start + _CHUNK, time)
        borders = [start, *(k for k in range(start + 1, stop) if k in begins), stop]
        yield start in begins, [slice(first, last) for first, last in pairwise(borders)]


def _by_group(states: Tensor, B: Tensor) -> Tensor:
    """(batch, head, head_dim, state) as (batch, group, state, head of the group, head_dim)."""
    return in_groups(states, 1, B.shape[2]).permute(0, 1, 4, 2, 3)


def _by_head(states: Tensor) -> Tensor:
    """The reverse of :func:`_by_group`."""
    return states.permute(0, 1, 3, 4, 2).flatten(1, 2)
