"""torch's gated cells run under the mixer contract: what GRU and LSTM share.

A cell is no linear system, so it loops over time. torch's own fused loop does that where it can; the loop
here does where sequences are packed, so that a state starts anew in mid-row, or the layer is being compiled.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

__all__ = ["GatedConstants", "Step", "loop", "start", "torch_runs", "torch_sequence"]

Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]


class GatedConstants(NamedTuple):
    """A cell's parameters in the dtype of the state.

    Attributes:
        weight_ih: (gates · channel, channel), what multiplies the input.
        weight_hh: the same, what multiplies h.
        bias_ih: (gates · channel,), beside the one,
        bias_hh: and beside the other.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


def start(gates: int, channels: int) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter, nn.Parameter]:
    """The parameters as ``torch.nn.GRU`` and ``torch.nn.LSTM`` start: uniform on ±1/√channels."""
    bound = 1 / math.sqrt(channels)
    matrix, vector = (gates * channels, channels), (gates * channels,)
    drawn = (nn.Parameter(torch.empty(shape).uniform_(-bound, bound)) for shape in (matrix, matrix, vector))
    weight_ih, weight_hh, bias_ih = drawn
    return weight_ih, weight_hh, bias_ih, nn.Parameter(torch.empty(vector).uniform_(-bound, bound))


def torch_runs(segments: Tensor | None) -> bool:
    """Whether torch's fused loop does what is asked."""
    return segments is None and not torch.compiler.is_compiling()


def torch_sequence(
    run: Callable[..., Any],
    known: GatedConstants,
    u: Tensor,
    state: tuple[Tensor, ...],
    lengths: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A whole sequence in torch's own loop.

    Args:
        run: ``torch.gru`` or ``torch.lstm``.
        known: the parameters.
        u: (batch, time, channel) in the dtype of the state, not empty.
        state: (batch, channel) each: h, or h and c.
        lengths: (batch,).

    Returns:
        The outputs (batch, time, channel), of no meaning past ``lengths``, and the state after each row's
        last sample.
    """
    # one layer with biases, no dropout, not training it, one direction, batch first
    options = (True, 1, 0.0, False, False, True)
    if lengths is None or bool((lengths == u.shape[1]).all()):
        y, *finals = run(u, _hidden(state), list(known), *options)
        return y, tuple(part[0] for part in finals)
    # Rows by length, the longest first: from one length to the next a stretch of those that go on. (torch's
    # packed sequences do so sample by sample, and their backward pass is quadratic in time.) An empty row
    # runs one sample, which is then forgotten.
    stops = lengths.clamp(min=1)
    order = stops.argsort(descending=True, stable=True)
    borders = [0, *sorted(set(stops.tolist()))]
    sizes = [stop - start for start, stop in pairwise(borders)]
    stretches = torch.split(u[order], [*sizes, u.shape[1] - sum(sizes)], 1)
    running = tuple(part[order] for part in state)
    outputs, ended = [], []
    for stretch, stop in zip(stretches, borders[1:], strict=False):
        going = int((stops >= stop).sum())
        ended.append(tuple(part[going:] for part in running))
        y, *finals = run(
            stretch[:going], _hidden(tuple(part[:going] for part in running)), list(known), *options
        )
        running = tuple(part[0] for part in finals)
        outputs.append(pad(y, (0, 0, 0, 0, 0, len(u) - going)))
    ended.append(running)
    y = pad(torch.cat(outputs, 1), (0, 0, 0, u.shape[1] - borders[-1]))
    back, some = order.argsort(), (lengths > 0)[:, None]
    after = (torch.cat(parts[::-1])[back] for parts in zip(*ended, strict=True))
    return y[back], tuple(torch.where(some, *parts) for parts in zip(after, state, strict=True))


def loop(
    step: Step, u: Tensor, state: tuple[Tensor, ...], lengths: Tensor | None, segments: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """``step`` for each sample of ``u`` (batch, time, channel) in turn; y is the first part of the state.

    Returns:
        As :func:`torch_sequence`.
    """
    outputs = []
    for k, u_k in enumerate(u.unbind(1)):
        before = state
        if segments is not None and k > 0:
            goes_on = (segments[:, k] == segments[:, k - 1])[:, None]
            before = tuple(torch.where(goes_on, part, 0.0) for part in state)
        after = step(u_k, before)
        outputs.append(after[0])
        if lengths is not None:
            inside = (k < lengths)[:, None]
            after = tuple(torch.where(inside, *parts) for parts in zip(after, state, strict=True))
        state = after
    return torch.stack(outputs, dim=1), state


def _hidden(state: tuple[Tensor, ...]) -> Tensor | list[Tensor]:
    """The state as torch's functions take it: with an axis of layers; a list for h and c."""
    layered = [part[None].contiguous() for part in state]
    return layered if len(layered) > 1 else layered[0]
