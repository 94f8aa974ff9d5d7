"""Time a sample and memory against the length of a sequence, at 64 channels."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.memory import peak
from benchmarks.regimes import selective_scan
from clew import ops
from clew.nn import S4D

__all__ = ["GROWTH", "Growth", "grow", "memory_work"]

LENGTHS = tuple(4**k for k in range(5, 11))  # 1,024 … 1,048,576
CHANNELS, STATE = 64, 16
# So often that the shortest are timed for tenths of a second too.
REPEATS, TOTAL = 5, 2**18

Forward = Callable[[], Tensor]


@dataclass(frozen=True)
class Growth:
    """What one sample costs at one length, forward and backward.

    Attributes:
        work: what was done.
        length: samples.
        nanoseconds: median time over the number of samples.
        extra: bytes a sample that the peak rose by, besides inputs, outputs and gradients; None if not
            measured, or not to be.
        own: bytes a sample of those; None likewise.
    """

    work: str
    length: int
    nanoseconds: float
    extra: float | None
    own: float | None


def _selective_scan(length: int) -> tuple[list[Tensor], Forward]:
    inputs = [tensor.requires_grad_() for tensor in selective_scan.inputs_of(1, length, CHANNELS, STATE)]
    x, dt, z, bias, A, B, C, D = inputs
    return inputs, lambda: ops.selective_scan(x, dt, A, B, C, D, z=z, dt_bias=bias)[0]


def _diagonal_ssm(length: int) -> tuple[list[Tensor], Forward]:
    torch.manual_seed(0)
    known = [constant.detach() for constant in S4D(CHANNELS, 4 * STATE).constants()]
    pairs = [torch.complex(*known[first : first + 2]).requires_grad_() for first in (0, 2, 4)]
    x, D = torch.randn(1, length, CHANNELS).requires_grad_(), torch.ones(CHANNELS).requires_grad_()
    return [x, *pairs, D], lambda: ops.diagonal_ssm(x, *pairs, D)[0]


GROWTH: dict[str, Callable[[int], tuple[list[Tensor], Forward]]] = {
    f"selective scan, N = {STATE}": _selective_scan,
    f"diagonal system, N = {4 * STATE}": _diagonal_ssm,
}


def _both(name: str, length: int) -> list[Tensor]:
    """Forward and backward once: the inputs, the output, and the gradients of all of them."""
    inputs, forward = GROWTH[name](length)
    y = forward()
    weight = torch.ones_like(y)
    return [*inputs, y, weight, *torch.autograd.grad(y, inputs, weight)]


def memory_work(name: str, length: str) -> tuple[Callable[[], object], Callable[[], list[Tensor]]]:
    """The work called ``name`` for :mod:`benchmarks.memory`."""
    return partial(_both, name, 64), partial(_both, name, int(length))


def _time(inputs: list[Tensor], forward: Forward, weight: Tensor, times: int) -> float:
    """Seconds of one pass forward and backward: the mean of so many."""
    start = time.perf_counter()
    for _ in range(times):
        torch.autograd.grad(forward(), inputs, weight)
    return (time.perf_counter() - start) / times


def grow(memory: bool) -> list[Growth]:
    """Measure every work at every length; the lengths take turns.

    Args:
        memory: whether to measure that too.
    """
    found = []
    for name, build in GROWTH.items():
        works = {length: build(length) for length in LENGTHS}
        weights = {length: torch.ones(1, length, CHANNELS) for length in LENGTHS}
        times: dict[int, list[float]] = {length: [] for length in LENGTHS}
        for repeat in range(REPEATS + 1):
            for length, (inputs, forward) in works.items():
                taken = _time(inputs, forward, weights[length], max(1, TOTAL // length))
                if repeat:  # the first round warms up
                    times[length].append(taken)
        del works, weights
        for length in LENGTHS:
            risen = peak("benchmarks.growth", "memory_work", name, str(length)) if memory else None
            own = None if risen is None else risen["own"] / length
            extra = None if risen is None else (risen["extra"] - risen["own"]) / length
            found.append(Growth(name, length, 1e9 * statistics.median(times[length]) / length, extra, own))
    return found
