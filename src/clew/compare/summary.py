"""Rows of results as a table: what was trained on one task with one budget, a line for each mixer."""

import dataclasses
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from clew.compare.metric import Metric
from clew.compare.plan import Training
from clew.compare.results import Row
from clew.train.report.words import count, duration, memory

__all__ = ["ALIGN", "Group", "Line", "cells", "conditions", "group_rows"]

ALIGN = "<>>>>>>>>>"
"""The side on which each column of :func:`cells` is flush."""

_HEAD = ["lowest", "highest", "seeds", "parameters", "training", "an epoch", "memory", "of training"]


@dataclass(frozen=True)
class Line:
    """A mixer with its options, over its seeds.

    Attributes:
        label: mixer and options.
        rows: of its trainings, by seed.
    """

    label: str
    rows: tuple[Row, ...]

    @property
    def scores(self) -> list[float]:
        """Of the seeds, ascending: accuracies, or mean squared errors."""
        return sorted(row.measured.score for row in self.rows)

    @property
    def median(self) -> float:
        """The median of the scores."""
        return statistics.median(self.scores)

    @property
    def seconds(self) -> float:
        """The median time of a training."""
        return statistics.median(row.measured.seconds for row in self.rows)

    @property
    def epoch_seconds(self) -> float:
        """The median time of an epoch."""
        return statistics.median(row.measured.epoch_seconds for row in self.rows)


@dataclass(frozen=True)
class Group:
    """What may be compared: one task, one budget.

    Attributes:
        training: any of its trainings.
        lines: a mixer each, the best median first.
    """

    training: Training
    lines: tuple[Line, ...]

    @property
    def metric(self) -> Metric:
        """By what its lines are compared."""
        return self.lines[0].rows[0].measured.metric

    @property
    def trivial(self) -> float:
        """The score of always naming the most frequent class, or of always answering the mean."""
        return self.lines[0].rows[0].measured.trivial


def group_rows(rows: Iterable[Row]) -> list[Group]:
    """``rows`` by task and budget, in the order in which each first appears."""
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        lines = groups.setdefault(str(_frame(row.training)), {})
        lines.setdefault(row.training.label, []).append(row)
    return [_group(lines) for lines in groups.values()]


def conditions(group: Group) -> list[str]:
    """Under what the rows of ``group`` were made: the budget, then machine and versions of all of them."""
    budget = group.training.budget
    most = "" if budget.patience >= budget.epochs else f", {budget.patience} without a better validation loss"
    dropout = f", dropout {budget.dropout:g}" if budget.dropout else ""
    made = [row.made for line in group.lines for row in line.rows]
    machines = dict.fromkeys(f"{one.processor}, {one.device}, {count(one.threads, 'thread')}" for one in made)
    versions = dict.fromkeys(f"clew {one.commit.removeprefix('clew ')}, torch {one.torch}" for one in made)
    return [
        f"Model: {count(budget.n_layers, 'layer')} of {budget.d_model} channels, {budget.pooling} "
        f"pooling{dropout}. Budget: {count(budget.epochs, 'epoch')}{most}, batches of {budget.batch_size}, "
        f"learning rate {budget.learning_rate:g}.",
        f"Made on {'; '.join(machines)}, with {'; '.join(versions)}.",
    ]


def cells(group: Group) -> list[list[str]]:
    """The table as text: a head, a row for each mixer, and one for what is known without a model."""
    metric = group.metric
    rows = [["mixer", metric.name, *_HEAD]]
    for line in group.lines:
        low, high = line.scores[0], line.scores[-1]
        first = line.rows[0].measured
        peak = _largest(line.rows, lambda row: row.measured.peak_bytes)
        grown = _largest(line.rows, _growth)
        rows.append(
            [
                line.label,
                metric.text(line.median),
                metric.text(low),
                metric.text(high),
                str(len(line.rows)),
                f"{first.parameters:,}",
                duration(line.seconds),
                duration(line.epoch_seconds),
                "–" if peak is None else memory(peak),
                "–" if grown is None else memory(grown),
            ]
        )
    return [*rows, [metric.trivial, metric.text(group.trivial), *[""] * len(_HEAD)]]


def _group(lines: dict[str, list[Row]]) -> Group:
    """Mixers by their median, the best first; where that is the same, by name."""
    made = [
        Line(label, tuple(sorted(rows, key=lambda row: row.training.seed))) for label, rows in lines.items()
    ]
    sign = -1 if made[0].rows[0].measured.metric.high else 1
    ordered = sorted(made, key=lambda line: (sign * line.median, line.label))
    return Group(ordered[0].rows[0].training, tuple(ordered))


def _frame(training: Training) -> tuple[object, ...]:
    """What the trainings of a group have in common."""
    return training.task, sorted(training.task_options.items()), dataclasses.astuple(training.budget)


def _growth(row: Row) -> int | None:
    """By how much the process grew as it trained."""
    measured = row.measured
    if measured.peak_bytes is None or measured.start_bytes is None:
        return None
    return measured.peak_bytes - measured.start_bytes


def _largest(rows: Sequence[Row], value: Callable[[Row], int | None]) -> int | None:
    """The largest of the values that are known."""
    return max((known for row in rows if (known := value(row)) is not None), default=None)
