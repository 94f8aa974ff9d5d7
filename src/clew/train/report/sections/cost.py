"""The section on time and memory."""

from clew.train.report.figures.cost import draw_cost
from clew.train.report.material import Material
from clew.train.report.measure.cost import Cost, CostPoint, measure_cost
from clew.train.report.measure.memory import state_bytes
from clew.train.report.section import Picture, Section, Table
from clew.train.report.words import count, duration, memory

__all__ = ["cost"]

TITLE = "What it costs"


def cost(run: Material, seconds: float) -> Section:
    """Time and memory against the length, measured in about ``seconds`` after a process has started."""
    if seconds <= 0:
        return Section("cost", TITLE, "Left out: no time was given for measuring it.")
    try:
        found = measure_cost(run.path, seconds)
    except ChildProcessError as reason:
        return Section("cost", TITLE, f"Left out: the process that measures failed ({reason}).")
    longest = found.training[-1]
    finding = f"A sequence of {longest.length:,} samples is trained on in {duration(longest.seconds)}."
    if found.steps:
        step = found.steps[-1]
        finding += (
            f" A sample in a stream takes {duration(step.seconds / step.length)} and the stream keeps "
            f"{memory(state_bytes(run.model))}, whatever came before."
        )
    return Section(
        key="cost",
        title=TITLE,
        reading="A parallel pass works on all samples at once and pays with memory that grows with the "
        "length; steps take their time one after the other, in memory that stays flat.",
        finding=finding,
        picture=Picture.of(
            lambda theme: draw_cost(found, theme), f"Time and memory against the length. {finding}"
        ),
        table=_table(found),
        method=_method(found),
    )


def _table(found: Cost) -> Table:
    """A row for each length, both ways side by side."""
    training, steps = ({point.length: point for point in points} for points in (found.training, found.steps))
    return Table(
        caption="One pass over a sequence: median time, growth of the process",
        header=("length", "training: time", "memory", "steps: time", "memory"),
        rows=tuple(
            (f"{length:,}", *_cells(training.get(length)), *_cells(steps.get(length)))
            for length in sorted(training.keys() | steps.keys())
        ),
    )


def _cells(point: CostPoint | None) -> tuple[str, str]:
    """Time and memory as text; a dash for what was not measured."""
    if point is None:
        return "–", "–"
    return duration(point.seconds), "–" if point.memory is None else memory(point.memory)


def _method(found: Cost) -> str:
    """How it was measured."""
    text = (
        f"Measured in a fresh process on the CPU with {count(found.threads, 'thread')}, on one sequence of "
        f"noise at a time; training is forward and backward, steps are model.step alone; times are medians "
        f"of {found.repeats} passes, and lengths grow until the time for measuring is spent. "
    )
    if found.training[0].memory is None:
        return f"{text}Memory is left out: this system does not let a process set back the mark of its peak."
    return (
        f"{text}Memory is how far the peak of the process's resident memory rose above what it was after a "
        "first short pass."
    )
