"""Learning curves: loss and accuracy, or error and variance explained, by epochs; the kept one marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from clew.train.objective import ACCURACY
from clew.train.report.figures.canvas import Theme, new_figure, plain_logarithmic
from clew.train.report.measure.learning import Curve, Learning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_learning"]

WORST = -25.0
"""In percent of the variance; what is explained worse, as before the first steps, is not told apart."""


def draw_learning(learning: Learning, theme: Theme) -> Figure:
    """Two panels, training and validation in each.

    Of classes the loss on a logarithmic axis and the accuracy in percent; of values the mean squared error on
    a logarithmic axis and the share of the training variance that is explained, 1 − loss, in percent.
    """
    figure = new_figure(3.3)
    left, right = figure.subplots(1, 2)
    if learning.measure == ACCURACY:
        _draw(left, learning, theme, lambda curve: curve.loss)
        _draw(right, learning, theme, lambda curve: 100.0 * curve.measured)
        left.set(title="Loss", ylabel="cross-entropy (nats)", yscale="log")
        right.set(title="Accuracy", ylabel="accuracy (%)")
    else:
        _draw(left, learning, theme, lambda curve: curve.measured)
        _draw(right, learning, theme, lambda curve: np.maximum(100.0 * (1.0 - curve.loss), WORST), WORST)
        left.set(title="Mean squared error", ylabel="in units of the data, squared", yscale="log")
        right.set(title="Variance explained", ylabel="share of the variance (%)")
    right.set_ylim(None, 102.0)
    plain_logarithmic(left.yaxis)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw(
    axes: Axes,
    learning: Learning,
    theme: Theme,
    quantity: Callable[[Curve], np.ndarray],
    least: float = 1e-6,
) -> None:
    """One quantity of the training and the validation curve, and the kept epoch."""
    from matplotlib.ticker import MaxNLocator

    for curve, name, colour, dashes in (
        (learning.train, "training", theme.series[0], "-"),
        (learning.validation, "validation", theme.series[1], "--"),
    ):
        if not len(curve.epochs):
            continue
        values = np.maximum(quantity(curve), least)
        alone = "o" if len(values) == 1 else None
        axes.plot(curve.epochs, values, dashes, color=colour, label=name, marker=alone)
    if learning.best is not None:
        epoch = learning.validation.epochs[learning.best]
        value = quantity(learning.validation)[learning.best]
        axes.plot(
            [epoch],
            [max(value, least)],
            "o",
            ms=9,
            mfc="none",
            mew=2,
            color=theme.ink,
            zorder=5,
            clip_on=False,
            label=f"kept: epoch {epoch:.0f}",
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
