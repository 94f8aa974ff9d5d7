"""Predicted against true values: on the diagonal there is no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import WIDTH, Theme, new_figure
from clew.train.report.measure.predicted import Predicted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_PANELS", "draw_predicted"]

MOST_PANELS = 6
"""Of more values the first ones are drawn."""


def draw_predicted(found: Predicted, theme: Theme) -> Figure:
    """A square panel for each value: a dot for each target, the true value across, the predicted one up."""
    number = min(len(found.values), MOST_PANELS)
    columns = min(number, 3)
    rows = -(-number // columns)
    figure = new_figure(0.3 + (0.62 * WIDTH if columns == 1 else WIDTH / columns) * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index >= number:
            axes.set_visible(False)
            continue
        _draw(axes, found.targets[:, index], found.predictions[:, index], theme)
        axes.set_title(found.values[index])
    for row in grid:
        row[0].set_ylabel("predicted")
    for column in range(columns):
        lowest = max(row for row in range(rows) if row * columns + column < number)
        grid[lowest, column].set_xlabel("true")
    return figure


def _draw(axes: Axes, true: np.ndarray, predicted: np.ndarray, theme: Theme) -> None:
    """The dots, the diagonal, and room around both."""
    known = ~np.isnan(true)
    both = np.concatenate([true[known], predicted[known]])
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    room = 0.04 * (high - low) or 0.5
    ends = (low - room, high + room)
    axes.plot(ends, ends, color=theme.ink, lw=1.2, ls="--")
    axes.plot(true[known], predicted[known], "o", color=theme.series[0], ms=3.5, alpha=0.5, mew=0)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
