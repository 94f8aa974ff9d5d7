"""Time and memory against the length of a sequence: training in parallel, running in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clew.train.report.figures.canvas import Theme, new_figure, plain_logarithmic
from clew.train.report.measure.cost import Cost, CostPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_cost"]


def draw_cost(cost: Cost, theme: Theme) -> Figure:
    """Two panels on logarithmic axes: milliseconds a sequence, and mebibytes of working memory."""
    figure = new_figure(3.4)
    left, right = figure.subplots(1, 2)
    for points, name, colour, style in (
        (cost.training, "training in parallel (forward and backward)", theme.series[0], "o-"),
        (cost.steps, "running in steps", theme.series[1], "s--"),
    ):
        if not points:
            continue
        lengths = [point.length for point in points]
        left.plot(lengths, [1e3 * point.seconds for point in points], style, ms=5, color=colour, label=name)
        memory = _memory(points)
        right.plot(lengths[: len(memory)], memory, style, ms=5, color=colour)
    left.set(title="Time", ylabel="time (ms)", yscale="log")
    right.set(title="Memory", ylabel="growth of the process (MiB)")
    plain_logarithmic(left.yaxis)
    for axes in (left, right):
        _count_axis(axes)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _memory(points: tuple[CostPoint, ...]) -> list[float]:
    """Mebibytes for each point, none if they could not be measured."""
    return [point.memory / 2**20 for point in points if point.memory is not None]


def _count_axis(axes: Axes) -> None:
    """A logarithmic axis of powers of two, with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=4))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("length L (samples)")
