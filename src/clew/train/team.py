"""The processes that train together and the device of each: accelerate's, in the words training needs."""

import atexit
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor, distributed

from clew.devices import device_of

__all__ = ["Rows", "Team", "rows_of"]


class Rows(NamedTuple):
    """Which rows of a global batch a process works on.

    Attributes:
        rows: never empty: where there are more processes than rows, a process stands in on row 0.
        idle: whether it only stands in, so that its rows must not count.
    """

    rows: slice
    idle: bool


def rows_of(total: int, index: int, count: int) -> Rows:
    """The rows of process ``index`` of ``count``, of a global batch of ``total`` rows.

    >>> [rows_of(3, index, 2).rows for index in range(2)]
    [slice(0, 1, None), slice(1, 3, None)]
    >>> rows_of(1, 0, 2)
    Rows(rows=slice(0, 1, None), idle=True)
    """
    rows = slice(total * index // count, total * (index + 1) // count)
    return Rows(slice(0, 1), True) if rows.start == rows.stop else Rows(rows, False)


@dataclass(frozen=True)
class Team:
    """This process among those that train together; alone, unless a launcher such as torchrun started it.

    Attributes:
        accelerator: accelerate's own view.
    """

    accelerator: Accelerator

    @classmethod
    def form(cls, device: str) -> "Team":
        """Join the other processes, if there are any.

        A process group formed here on CPUs is taken down as the process exits; one that the caller had formed
        before stays the caller's.

        Args:
            device: ``"auto"``, ``"cpu"`` or ``"cuda"``.

        Raises:
            ValueError: for ``"cuda"`` where there is none.
        """
        found = _formed()
        accelerator = Accelerator(cpu=device_of(device).type == "cpu", mixed_precision="no")
        if not found and _formed() and distributed.get_backend() == "gloo":
            # A thread of gloo's that lets go of its work when the interpreter is ending asks for its lock,
            # and the process aborts. NCCL has no such threads, and would wait for processes that failed.
            atexit.register(_take_down, weakref.ref(distributed.group.WORLD))
        return cls(accelerator)

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def size(self) -> int:
        """How many processes there are."""
        return int(self.accelerator.num_processes)

    @property
    def index(self) -> int:
        """Which of them this one is, from 0."""
        return int(self.accelerator.process_index)

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return bool(self.accelerator.is_main_process)

    def rows(self, total: int) -> Rows:
        """This process's rows of a global batch of ``total``."""
        return rows_of(total, self.index, self.size)

    def sum(self, value: Tensor) -> Tensor:
        """The sum of ``value`` over the processes, the same bits in each."""
        total: Tensor = self.accelerator.reduce(value, "sum")
        return total

    def wait(self) -> None:
        """Wait until every process is here."""
        self.accelerator.wait_for_everyone()


def _formed() -> bool:
    """Whether there is a process group."""
    return distributed.is_available() and distributed.is_initialized()


def _take_down(group: weakref.ref[Any]) -> None:
    """Take the process group down, if it is still this one."""
    if _formed() and group() is distributed.group.WORLD:
        distributed.destroy_process_group()
