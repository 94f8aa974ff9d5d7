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
from clew.nn import S4D

__all__ = ["GROWTH", "Growth", "grow", "memory_work"]

LENGTHS = tuple(4**k for k in range(5, 11))  # 1,024 … 1,048,576
CHANNELS, STATE = 64, 16
REPEATS = 5


@dataclass(frozen=True)
class Growth:
    """What one sample costs at one length, forward and backward.

    Attributes:
        work: what was done.
        length: samples.
        nanoseconds: median time over the number of samples.
        extra: bytes a sample that the peak rose by, besides inputs, outputs and gradients; None if unknown.
        own: bytes a sample of those; None if unknown.
    """

    work: str
    length: int
    nanoseconds: float
    extra: float | None
    own: float | None


def _selective_scan(length: int) -> list[Tensor]:
    _, full = selective_scan.work(f"1,{length},{CHANNELS},{STATE}")
    return full()


def _s4d(length: int) -> list[Tensor]:
    torch.manual_seed(0)
    layer = S4D(CHANNELS, 4 * STATE)
    x = torch.randn(1, length, CHANNELS, requires_grad=True)
    y, _ = layer(x)
    return [y, x, *torch.autograd.grad(y, [x, *layer.parameters()], torch.ones_like(y))]


GROWTH: dict[str, Callable[[int], list[Tensor]]] = {
    f"selective scan, N = {STATE}": _selective_scan,
    f"S4D layer, N = {4 * STATE}": _s4d,
}


def memory_work(name: str, length: str) -> tuple[Callable[[], object], Callable[[], list[Tensor]]]:
    """The work called ``name`` for :mod:`benchmarks.memory`."""
    return partial(GROWTH[name], 64), partial(GROWTH[name], int(length))


def grow() -> list[Growth]:
    """Measure every work at every length; the lengths take turns."""
    found = []
    for name, work in GROWTH.items():
        times: dict[int, list[float]] = {length: [] for length in LENGTHS}
        work(LENGTHS[0])
        for _ in range(REPEATS):
            for length in LENGTHS:
                start = time.perf_counter()
                work(length)
                times[length].append(time.perf_counter() - start)
        for length in LENGTHS:
            memory = peak("benchmarks.growth", "memory_work", name, str(length))
            own = None if memory is None else memory["own"] / length
            extra = None if memory is None else (memory["extra"] - memory["own"]) / length
            found.append(Growth(name, length, 1e9 * statistics.median(times[length]) / length, extra, own))
    return found
