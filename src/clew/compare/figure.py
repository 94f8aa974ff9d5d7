"""A comparison as a picture: the score of each mixer with its spread, the time beside it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from clew.compare.metric import ACCURACY
from clew.compare.summary import Group
from clew.train.report.figures.canvas import Theme, new_figure, plain_logarithmic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_comparison"]

LONGEST, WIDTH = 32, 80
"""Letters that fit above a panel, and above both."""


def draw_comparison(group: Group, theme: Theme) -> Figure:
    """Two panels, a row for each mixer: a dot for each seed with the median as a bar; seconds an epoch."""
    from matplotlib.ticker import MaxNLocator

    lines = group.lines[::-1]  # the first one at the top
    rows = range(len(lines))
    figure = new_figure(1.5 + 0.36 * len(lines))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    for row, line in enumerate(lines):
        scores = line.scores
        left.hlines(row, scores[0], scores[-1], color=theme.series[0], lw=5, alpha=0.3)
        left.plot(scores, [row] * len(scores), "o", color=theme.series[0], ms=4.5)
        left.plot([line.median], [row], "|", color=theme.ink, ms=15, mew=2)
    left.axvline(group.trivial, color=theme.series[1], lw=1.4, ls="--")
    left.set_yticks(rows, [line.label for line in lines])
    left.set_ylim(-0.6, len(lines) - 0.4)
    metric = group.metric
    title = group.training.title
    if len(title) > LONGEST:  # the panels would make room for it, or it would run across both
        figure.suptitle(textwrap.fill(title, WIDTH), fontsize="medium")
        title = group.training.task
    left.set(title=f"{title}: {metric.name}", xlabel=f"test split; dashed: {metric.trivial}")
    if metric is ACCURACY:
        left.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g}%")
        left.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    else:
        left.set_xscale("log")
        plain_logarithmic(left.xaxis)
    right.plot([line.epoch_seconds for line in lines], rows, "D", color=theme.series[2], ms=6)
    right.set(title="Time", xlabel="an epoch (s)", xscale="log")
    right.margins(x=0.15)
    plain_logarithmic(right.xaxis)
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
    return figure
