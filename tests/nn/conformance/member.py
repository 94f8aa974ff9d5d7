"""What a member brings to the suite, and how close is close.

A member's ``equations`` are its published ones as a plain float64 loop written from the paper: the suite's
oracle. Nothing of clew is used in them. They take the parameters by their names in the state dict, x (batch,
time, channel), the tuple of real tensors that is the state and, where the equations have one, dt (batch,
time), all float64; they return the output and the state after the last sample. Autograd goes through, so
gradients have the same oracle.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

CHANNELS = 3

# Differences are max |difference| / max |reference| throughout.
TOLERANCES = {
    "float64": 1e-10,  # a few hundred operations in float64, summed in different orders
    "float32": 2e-5,  # the same in float32, with parameters rounded to it
    "float32 gradients": 2e-4,  # sums over time of products, in float32
    "float32 long": 1e-4,  # 16,384 samples, time constants to 16,384: what all views promise
    "float32 long recurrence": 3e-4,  # the same, with one rounding of the state at each sample
    "bfloat16": 8e-3,  # one rounding of the output to 8 bits: 2⁻⁸ of its size, twice that to be safe
}


@dataclass(frozen=True)
class Member:
    """One mixer with one set of options."""

    name: str
    build: Callable[[], torch.nn.Module]
    equations: Callable
    slow: Callable[[torch.nn.Module, int], None]  # give it time constants of up to so many samples
    holds: bool = (
        False  # its input counts as constant over a step: dt = 2 is exactly two steps of the same input
    )


def stacked(outputs, x):
    return torch.stack(outputs, dim=1) if outputs else x


def pieces(equations, parameters, x, state, *, lengths=None, segments=None, dt=None):
    """``equations`` over a padded, packed batch: each run of one segment number alone, the first going on."""
    outputs, finals = [], []
    for row in range(len(x)):
        time = x.shape[1] if lengths is None else int(lengths[row])
        numbers = [0] * time if segments is None else segments[row, :time].tolist()
        starts = [k for k in range(time) if k == 0 or numbers[k] != numbers[k - 1]]
        h = tuple(part[row : row + 1] for part in state)
        parts = []
        for start, end in zip(starts, [*starts, time][1:], strict=True):
            if start > 0:
                h = tuple(torch.zeros_like(part) for part in h)
            options = {} if dt is None else {"dt": dt[row : row + 1, start:end]}
            y, h = equations(parameters, x[row : row + 1, start:end], h, **options)
            parts.append(y)
        padding = x.new_zeros(1, x.shape[1] - time, x.shape[2])
        outputs.append(torch.cat([*parts, padding], dim=1))
        finals.append(h)
    return torch.cat(outputs), tuple(torch.cat(part) for part in zip(*finals, strict=True))
