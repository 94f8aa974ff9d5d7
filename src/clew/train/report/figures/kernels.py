"""The kernels of the trained layers: how long and in what rhythm each channel listens to the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import Theme, colour_map, new_figure
from clew.train.report.measure.dynamics import LayerDynamics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_kernels"]

EXAMPLES = 4
"""Kernels drawn as lines, of all that are drawn as a picture."""


def draw_kernels(layers: Sequence[LayerDynamics], theme: Theme) -> Figure:
    """A row for each layer: left some kernels as lines, right all as rows of a picture, quickest first."""
    figure = new_figure(0.5 + 2.3 * len(layers))
    diverging = colour_map(theme.series[0], theme.paper, theme.series[1])
    grid = figure.subplots(len(layers), 2, squeeze=False, width_ratios=(1.0, 1.15))
    for row, (layer, (left, right)) in enumerate(zip(layers, grid, strict=True)):
        kernels = _by_reach(layer.kernels)
        peak = np.abs(kernels).max(axis=1, keepdims=True)
        kernels = kernels / np.where(peak > 0, peak, 1.0)
        chosen = np.unique(np.linspace(0, len(kernels) - 1, EXAMPLES + 2).round().astype(int)[1:-1])
        left.axhline(0, color=theme.muted, lw=0.9)
        for colour, style, index in zip(theme.series, ("-", "--", "-.", ":"), chosen, strict=False):
            left.plot(kernels[index], style, color=colour, lw=1.7)
        left.set(
            title=f"{layer.name.capitalize()}: {len(chosen)} kernels",
            ylabel="answer (peak = 1)",
            ylim=(-1.08, 1.08),
        )
        picture = right.imshow(
            kernels, aspect="auto", cmap=diverging, vmin=-1, vmax=1, interpolation="nearest",
            extent=(-0.5, kernels.shape[1] - 0.5, len(kernels) + 0.5, 0.5),
        )  # fmt: skip
        right.grid(visible=False)
        right.set(title=f"{layer.name.capitalize()}: all {len(kernels)}", ylabel="kernel, quickest first")
        figure.colorbar(picture, ax=right, ticks=(-1, 0, 1))
        for axes in (left, right):
            axes.set_xlabel("lag (samples)" if row == len(layers) - 1 else "")
    return figure


def _by_reach(kernels: np.ndarray) -> np.ndarray:
    """``kernels`` (responses, lags) sorted by the mean lag of their energy."""
    energy = kernels**2
    total = energy.sum(axis=1)
    reach = (energy * np.arange(kernels.shape[1])).sum(axis=1) / np.where(total > 0, total, 1.0)
    return kernels[np.argsort(reach, kind="stable")]
