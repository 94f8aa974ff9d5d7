"""Time constants: over how many samples each pole of a layer remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import Theme, new_figure, plain_logarithmic
from clew.train.report.measure.dynamics import LayerDynamics
from clew.train.report.words import samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_time_constants"]

SHORTEST = 0.1
"""In samples; what fades faster is counted in the first bar."""

LONGEST = 1e6
"""In samples; what fades slower, or never, is counted in the last bar."""


def draw_time_constants(
    layers: Sequence[LayerDynamics], longest_sequence: int | None, theme: Theme
) -> Figure:
    """A histogram for each layer over a common logarithmic axis; the longest sequence as a line."""
    constants = [np.clip(layer.time_constants, SHORTEST, LONGEST) for layer in layers]
    marked = [] if longest_sequence is None else [float(longest_sequence)]
    everything = np.concatenate([*constants, marked])
    low, high = np.log10(everything.min()), np.log10(everything.max())
    bins = np.logspace(low - 0.05, high + 0.05, 46)
    figure = new_figure(0.8 + 1.45 * len(layers))
    rows = figure.subplots(len(layers), 1, sharex=True, squeeze=False)[:, 0]
    for index, (axes, layer, values) in enumerate(zip(rows, layers, constants, strict=True)):
        axes.hist(values, bins, color=theme.series[index % len(theme.series)], edgecolor=theme.paper, lw=0.4)
        for mark in marked:
            axes.axvline(mark, color=theme.ink, lw=1.3, ls="--")
        middle = samples(float(np.median(layer.time_constants)))
        axes.set_title(
            f"{layer.name.capitalize()}: {values.size:,} poles, half of them below {middle} samples"
        )
        axes.set(ylabel="poles", xscale="log")
        axes.grid(visible=False, axis="x")
    for mark in marked:
        rows[0].annotate(
            f"longest sequence: {mark:,.0f}",
            (mark, 1),
            (6, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            fontsize=9,
        )
    rows[-1].set_xlabel("time constant τ (samples)")
    plain_logarithmic(rows[-1].xaxis)
    return figure
