"""Learning curves: loss and accuracy against epochs, the kept epoch marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import Theme, new_figure, plain_logarithmic
from clew.train.report.measure.learning import Learning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_learning"]


def draw_learning(learning: Learning, theme: Theme) -> Figure:
    """Two panels, loss on a logarithmic axis and accuracy in percent, training and validation in each."""
    figure = new_figure(3.3)
    left, right = figure.subplots(1, 2)
    _draw(left, learning, theme, "loss", 1.0)
    _draw(right, learning, theme, "accuracy", 100.0)
    left.set(title="Loss", ylabel="cross-entropy (nats)", yscale="log")
    right.set(title="Accuracy", ylabel="accuracy (%)")
    right.set_ylim(None, 102.0)
    plain_logarithmic(left.yaxis)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw(axes: Axes, learning: Learning, theme: Theme, quantity: str, scale: float) -> None:
    """One quantity of the training and the validation curve, and the kept epoch."""
    from matplotlib.ticker import MaxNLocator

    for curve, name, colour, dashes in (
        (learning.train, "training", theme.series[0], "-"),
        (learning.validation, "validation", theme.series[1], "--"),
    ):
        if not len(curve.epochs):
            continue
        values = np.maximum(getattr(curve, quantity) * scale, 1e-6)
        alone = "o" if len(values) == 1 else None
        axes.plot(curve.epochs, values, dashes, color=colour, label=name, marker=alone)
    if learning.best is not None:
        epoch = learning.validation.epochs[learning.best]
        value = getattr(learning.validation, quantity)[learning.best] * scale
        axes.plot(
            [epoch],
            [max(value, 1e-6)],
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
