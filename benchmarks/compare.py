"""Contenders that compute the same thing, checked to agree, then timed in turns.

A machine drifts: its clock, its neighbours. So every round runs each contender once, and what is kept is the
ratio of two times of the same round; the median over rounds and its quartiles are reported. A short run comes
after one that is not timed: else it would pay for the caches that a long one before it has filled, and for
the memory that it gave back to the system.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

__all__ = ["Absent", "Contender", "Timing", "compare", "with_gradients"]

Results = Sequence[Tensor]

LEAST_ROUNDS = 3
SHORT = 0.25  # seconds


@dataclass(frozen=True)
class Absent:
    """A contender that cannot run here.

    Attributes:
        name: what it is called in the table.
        reason: why it is left blank.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Contender:
    """One way to compute a regime.

    Attributes:
        name: what it is called in the table; "clew" is the one that the others are compared with.
        run: does the work and returns what it computed.
        read: turns that into tensors, in the order and shapes of every other contender; not timed.
        tolerance: largest accepted max |difference| / max |clew's|, for each tensor.
        settings: called before each run and not timed, for what differs between contenders of one library.
    """

    name: str
    run: Callable[[], Any]
    read: Callable[[Any], Results] = list
    tolerance: float = 2e-3
    settings: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Timing:
    """What was measured of a contender.

    Attributes:
        name: the contender's.
        seconds: median time of a run; None if it was left out.
        rounds: how many times it was run.
        ratio: median of its time over clew's in the same round: how many times as fast clew is.
        quartiles: of that ratio.
        difference: largest relative difference of its results from clew's.
        reason: why it was left out; empty otherwise.
    """

    name: str
    seconds: float | None
    rounds: int
    ratio: float | None
    quartiles: tuple[float, float] | None
    difference: float | None
    reason: str = ""


def compare(contenders: Sequence[Contender | Absent], seconds: float) -> list[Timing]:
    """Check that all agree with the first, then time them in turns.

    Args:
        contenders: clew first.
        seconds: time for each contender, about; each runs three times at least.

    Raises:
        AssertionError: if results differ by more than a contender's tolerance: nothing is timed then.
    """
    first = contenders[0]
    assert isinstance(first, Contender), first
    present = [contender for contender in contenders if isinstance(contender, Contender)]
    wanted = [tensor.detach().clone() for tensor in _results(first)]
    differences = {contender.name: _check(contender, wanted) for contender in present}
    times = _time(present, seconds)
    return [_timing(contender, times, differences, first.name) for contender in contenders]


def _results(contender: Contender) -> Results:
    contender.settings()
    return contender.read(contender.run())


def _check(contender: Contender, wanted: Results) -> float:
    """The largest relative difference from what clew computed."""
    found = _results(contender)
    assert len(found) == len(wanted), (contender.name, len(found), len(wanted))
    worst = 0.0
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert one.shape == other.shape, (contender.name, number, one.shape, other.shape)
        difference = float((one.detach() - other).abs().max() / other.abs().max())
        assert difference <= contender.tolerance, (
            f"{contender.name} computes something else: result {number} differs by {difference:.1e} of its "
            f"largest value, more than {contender.tolerance:.0e}"
        )
        worst = max(worst, difference)
    return worst


def _time(contenders: Sequence[Contender], seconds: float) -> dict[str, list[float]]:
    """Times of each contender, round by round; the slow ones run in the first rounds only."""
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    others = contenders[1:]
    while True:
        due = [c for c in others if len(times[c.name]) < LEAST_ROUNDS or sum(times[c.name]) < seconds]
        first = contenders[0].name
        if not due and (len(times[first]) >= LEAST_ROUNDS and (others or sum(times[first]) >= seconds)):
            return times
        for contender in (contenders[0], *due):
            contender.settings()
            own = times[contender.name]
            if own and own[-1] < SHORT:
                contender.run()
            start = time.perf_counter()
            result = contender.run()
            own.append(time.perf_counter() - start)
            del result


def _timing(
    contender: Contender | Absent, times: dict[str, list[float]], differences: dict[str, float], first: str
) -> Timing:
    if isinstance(contender, Absent):
        return Timing(contender.name, None, 0, None, None, None, contender.reason)
    own = times[contender.name]
    ratios = [one / base for one, base in zip(own, times[first], strict=False)]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Timing(
        contender.name,
        statistics.median(own),
        len(own),
        statistics.median(ratios),
        (low, high),
        differences[contender.name],
    )


def with_gradients(
    run: Callable[..., Tensor], inputs: Sequence[Tensor], weight: Tensor
) -> Callable[[], list[Tensor]]:
    """Forward and backward: the output and the gradients of ``inputs``, for the loss Σ weight · output."""

    def forward_and_backward() -> list[Tensor]:
        y = run()
        return [y, *torch.autograd.grad(y, inputs, weight)]

    return forward_and_backward
