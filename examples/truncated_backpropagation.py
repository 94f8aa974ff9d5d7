"""Learn from a sequence that is too long to keep: backpropagation through time, chunk by chunk.

``python examples/truncated_backpropagation.py [SAMPLES] [CHUNK]``

A layer takes its state and returns it, and the state carries gradients both ways. That gives four ways to the
gradient of a loss over a long sequence:

=============  ===========  ==============================================================================
``whole``      exact        in one piece: memory grows with the sequence
``joined``     exact        in chunks, the state handed on as it is: the same gradient, the same memory
``revisited``  exact        in chunks, twice: forwards keeping only the states between the chunks, then from
                            the last chunk to the first, handing the gradient of the state back
``truncated``  approximate  in chunks, the state detached: the memory of one chunk, however long the
                            sequence; what a chunk does to later ones is not counted
=============  ===========  ==============================================================================
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import clew

Gradients = tuple[Tensor, ...]


def loss_of(y: Tensor, wanted: Tensor) -> Tensor:
    """A sum, so that the losses of chunks add up to that of the whole."""
    return (y - wanted).square().sum()


def whole(layer: Any, x: Tensor, wanted: Tensor, chunk: int) -> Gradients:
    y, _ = layer(x)
    return torch.autograd.grad(loss_of(y, wanted), tuple(layer.parameters()))


def joined(layer: Any, x: Tensor, wanted: Tensor, chunk: int) -> Gradients:
    loss, state = torch.zeros((), dtype=x.dtype), layer.initial_state(len(x))
    for piece, goal in zip(x.split(chunk, dim=1), wanted.split(chunk, dim=1), strict=True):
        y, state = layer(piece, state)
        loss = loss + loss_of(y, goal)
    return torch.autograd.grad(loss, tuple(layer.parameters()))


def revisited(layer: Any, x: Tensor, wanted: Tensor, chunk: int) -> Gradients:
    pieces, goals = x.split(chunk, dim=1), wanted.split(chunk, dim=1)
    states = [layer.initial_state(len(x))]
    with torch.no_grad():
        for piece in pieces:
            states.append(layer(piece, states[-1])[1])
    sums = [torch.zeros_like(parameter) for parameter in layer.parameters()]
    later = [torch.zeros_like(part) for part in states[-1]]  # the gradient of the state after the chunk
    for piece, goal, before in reversed(list(zip(pieces, goals, states, strict=False))):
        start = type(before)(*(part.detach().requires_grad_() for part in before))
        y, after = layer(piece, start)
        outputs = (loss_of(y, goal), *after)
        found = torch.autograd.grad(
            outputs, (*layer.parameters(), *start), (torch.ones_like(outputs[0]), *later)
        )
        for total, part in zip(sums, found, strict=False):
            total += part
        later = list(found[len(sums) :])
    return tuple(sums)


def truncated(layer: Any, x: Tensor, wanted: Tensor, chunk: int) -> Gradients:
    sums = [torch.zeros_like(parameter) for parameter in layer.parameters()]
    state = layer.initial_state(len(x))
    for piece, goal in zip(x.split(chunk, dim=1), wanted.split(chunk, dim=1), strict=True):
        y, state = layer(piece, state)
        # In training this is where the optimiser takes a step.
        for total, part in zip(
            sums, torch.autograd.grad(loss_of(y, goal), tuple(layer.parameters())), strict=True
        ):
            total += part
        state = type(state)(*(part.detach() for part in state))
    return tuple(sums)


WAYS: dict[str, Callable[[Any, Tensor, Tensor, int], Gradients]] = {
    "whole": whole,
    "joined": joined,
    "revisited": revisited,
    "truncated": truncated,
}


def main(samples: int = 100_000, chunk: int = 2_000) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, samples, 2, dtype=torch.float64)
    wanted = x.roll(100, dims=1)
    for layer in (clew.nn.S4D(2, 8).double(), clew.nn.S5(2, 8).double()):
        print(f"{type(layer).__name__}, {samples:,} samples in chunks of {chunk:,}")
        exact: Gradients = ()
        for name, way in WAYS.items():
            start = time.perf_counter()
            found = way(layer, x, wanted, chunk)
            exact = exact or found
            error = max(
                float((one - other).abs().max() / other.abs().max())
                for one, other in zip(found, exact, strict=True)
            )
            print(f"  {name:10} {time.perf_counter() - start:6.1f} s   differs from the whole by {error:.1e}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
