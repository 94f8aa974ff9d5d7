"""A regime: one piece of work, and who does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare import Absent, Contender

__all__ = ["Regime", "Surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """What a regime may use besides installed packages.

    Attributes:
        kernels: a folder with hand-tuned kernels to compare with; see :mod:`benchmarks.peers.kernels`.
        checkouts: a folder with checkouts of other projects, each under its own name.
    """

    kernels: Path | None
    checkouts: Path | None


@dataclass(frozen=True)
class Regime:
    """One line of the table.

    Attributes:
        name: of the operation and the direction, such as ``selective scan, forward``.
        size: in words and numbers, such as ``8 × 1,024 × 256, N = 16``.
        build: who does it, clew first; called once, in the process that measures.
    """

    name: str
    size: str
    build: Callable[[Surroundings], Sequence[Contender | Absent]]
