"""The process that measures what a model costs: ``python -m … RUN SECONDS THREADS`` prints JSON.

Time is the median of repeated passes. Memory is how far the peak of the resident memory ("high water mark")
rises above what was resident before the first pass; lengths grow from pass to pass, so each peak is that of
its own length. The mark is set back once, which Linux allows a process to do for itself (proc(5),
``clear_refs``, value 5); elsewhere no memory is reported.
"""

import dataclasses
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from clew.models import Regressor, SequenceModel
from clew.runs import load_sequence_model
from clew.train.objective import objective_of
from clew.train.report.measure.cost import CostPoint

__all__ = ["main"]

SHORTEST, LONGEST, GROWTH = 16, 16_384, 4
REPEATS = 3


def main(arguments: Sequence[str]) -> None:
    """Measure, half of the time for each way to run, and print what was found."""
    run_directory, seconds, threads = Path(arguments[0]), float(arguments[1]), int(arguments[2])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = load_sequence_model(run_directory)
    try:
        model.initial_state(1)
    except ValueError:
        streams = False
    else:
        streams = True
    found = {
        "steps": _measure(lambda x: _run_steps(model.eval(), x), model, seconds / 2) if streams else [],
        "training": _measure(lambda x: _train(model.train(), x), model, seconds / 2),
    }
    points = {name: [dataclasses.asdict(point) for point in points] for name, points in found.items()}
    print(json.dumps({**points, "repeats": REPEATS}))


def _train(model: SequenceModel, x: torch.Tensor) -> None:
    """Forward and backward over ``x`` (1, time, channel)."""
    answers, _ = model(x)
    values = isinstance(model, Regressor)
    wanted = torch.zeros_like(answers) if values else torch.zeros(answers.shape[:-1], dtype=torch.int64)
    torch.autograd.backward(objective_of(model).sums(answers, wanted)[0])
    model.zero_grad(set_to_none=True)


def _run_steps(model: SequenceModel, x: torch.Tensor) -> None:
    """One stream over the samples of ``x`` (1, time, channel)."""
    with torch.inference_mode():
        state, constants = model.initial_state(1), model.constants()
        for sample in x.unbind(1):
            _, state = model.step(sample, state, constants=constants)


def _measure(run: Callable[[torch.Tensor], None], model: SequenceModel, seconds: float) -> list[CostPoint]:
    """Points at lengths ``GROWTH`` times the last, until the next would leave the time that is given."""
    end = time.perf_counter() + seconds
    noise = torch.randn(1, LONGEST, model.config.d_input)
    inputs = noise * model.input_std + model.input_mean
    run(inputs[:, :SHORTEST])
    gc.collect()
    before = _start_of_peak()
    points: list[CostPoint] = []
    length = SHORTEST
    while length <= LONGEST:
        times: list[float] = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            run(inputs[:, :length])
            times.append(time.perf_counter() - start)
        memory = None if before is None else max(_status("VmHWM") - before, 0)
        points.append(CostPoint(length, statistics.median(times), memory))
        if time.perf_counter() + REPEATS * GROWTH * points[-1].seconds > end:
            break
        length *= GROWTH
    return points


def _start_of_peak() -> int | None:
    """Set the peak of the resident memory back to what is resident, and return that in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    except OSError:
        return None


def _status(field: str) -> int:
    """A memory field of ``/proc/self/status`` in bytes; the file has it in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main(sys.argv[1:])
