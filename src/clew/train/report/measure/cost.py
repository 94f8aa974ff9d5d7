"""What training in parallel and running in steps cost, in time and memory, against the length of a sequence.

The measurement runs in a fresh process (:mod:`clew.train.report.measure.cost_process`): the heap of this one
is warm, and an allocation that fits into memory freed before would read as nothing.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Cost", "CostPoint", "measure_cost"]

SOURCE = Path(__file__).parents[4]
"""The folder that this package is imported from, for the process to find it there too."""


@dataclass(frozen=True)
class CostPoint:
    """One measurement.

    Attributes:
        length: samples in the sequence.
        seconds: median time of a pass.
        memory: bytes by which the peak resident memory of the process has grown; None where it cannot be
            read.
    """

    length: int
    seconds: float
    memory: int | None


@dataclass(frozen=True)
class Cost:
    """The cost of the two ways to run a model.

    Attributes:
        training: forward and backward over whole sequences, one at a time.
        steps: ``model.step`` for each sample, one stream; none of a model that cannot run so.
        threads: threads that torch used.
        repeats: how many passes each time is the median of.
    """

    training: tuple[CostPoint, ...]
    steps: tuple[CostPoint, ...]
    threads: int
    repeats: int


def measure_cost(run_directory: Path, seconds: float) -> Cost:
    """Measure the model of a run in a fresh process on the CPU, with as many threads as this one has.

    Args:
        run_directory: of a finished run.
        seconds: how long the measuring may take, the start of the process aside.

    Raises:
        ChildProcessError: if the process fails; the message is its last word.
    """
    threads = torch.get_num_threads()
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    child = subprocess.run(
        [sys.executable, "-m", f"{__name__}_process", str(run_directory), str(seconds), str(threads)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        raise ChildProcessError((child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1])
    return _read(json.loads(child.stdout), threads)


def _read(found: dict[str, Any], threads: int) -> Cost:
    """The answer of the process as values."""
    training, steps = (tuple(CostPoint(**point) for point in found[name]) for name in ("training", "steps"))
    return Cost(training, steps, threads, found["repeats"])
