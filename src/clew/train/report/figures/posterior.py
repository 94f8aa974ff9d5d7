"""The posterior in a stream: how the model's belief sharpens with each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import Theme, colour_map, new_figure
from clew.train.report.measure.stream import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_posterior"]


def draw_posterior(traces: Sequence[Trace], classes: Sequence[str], theme: Theme) -> Figure:
    """One panel for each sequence: lines where it has one class, a picture where each sample has its own."""
    per_step = traces[0].target.ndim == 1
    columns = 1 if per_step else min(3, len(traces))
    rows = -(-len(traces) // columns)
    figure = new_figure(0.6 + (1.8 if per_step else 2.0) * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, trace in zip(grid.flat, traces, strict=False):
        (_draw_steps if per_step else _draw_lines)(axes, trace, classes, theme)
    for axes in grid.flat[len(traces) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel("class" if per_step else "probability (%)")
    for column in range(columns):
        lowest = max(row for row in range(rows) if row * columns + column < len(traces))
        grid[lowest, column].set_xlabel("samples seen")
    if not per_step:
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw_lines(axes: Axes, trace: Trace, classes: Sequence[str], theme: Theme) -> None:
    """The probability of each class after each sample, the true one and its strongest rival emphasised."""
    from matplotlib.ticker import MaxNLocator

    percent, target = 100 * trace.probabilities, int(trace.target)
    seen = np.arange(1, len(percent) + 1)
    rivals = np.delete(np.arange(percent.shape[1]), target)
    rival = int(rivals[percent[:, rivals].max(axis=0).argmax()])
    others = [index for index in rivals if index != rival]
    if others:
        lines = axes.plot(seen, percent[:, others], color=theme.muted, lw=0.9, alpha=0.6)
        lines[0].set_label("other classes")
    axes.plot(seen, percent[:, rival], "--", color=theme.series[1], lw=1.5, label="strongest rival")
    axes.plot(seen, percent[:, target], color=theme.series[0], lw=2.8, label="true class")
    for line in axes.lines if len(seen) == 1 else ():
        line.set_marker("o")
    verdict = "" if trace.right else " ✗"
    axes.set_title(f"{classes[target]}{verdict}", fontsize=9.5)
    axes.set(xlim=(0, max(len(seen), 2)), ylim=(-3, 103))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))


def _draw_steps(axes: Axes, trace: Trace, classes: Sequence[str], theme: Theme) -> None:
    """The probability of every class at every sample as a picture, rings where the truth is."""
    time, number = trace.probabilities.shape
    picture = axes.imshow(
        100 * trace.probabilities.T,
        aspect="auto",
        origin="lower",
        cmap=colour_map(theme.paper, theme.series[0]),
        vmin=0,
        vmax=100,
        interpolation="nearest",
        extent=(0.5, time + 0.5, -0.5, number - 0.5),
    )
    asked = np.flatnonzero(trace.target >= 0)
    size = float(np.clip(3000 / max(time * number / 4, 1), 2.0, 40.0))
    axes.scatter(
        asked + 1, trace.target[asked], s=size, facecolors="none", edgecolors=theme.series[1], linewidths=1.2
    )
    axes.grid(visible=False)
    axes.set_title(f"Validation sequence {trace.index + 1}", fontsize=9.5)
    ticks = range(0, number, 1 + (number - 1) // 10)
    axes.set_yticks(ticks, [classes[index] for index in ticks])
    axes.figure.colorbar(picture, ax=axes, label="probability (%)", ticks=(0, 50, 100))
