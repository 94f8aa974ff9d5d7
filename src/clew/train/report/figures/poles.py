"""The poles of the trained layers, in the continuous plane and on the unit disc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import Theme, new_figure
from clew.train.report.measure.dynamics import LayerDynamics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_poles"]

SLOWEST = 1e-6
"""In 1/sample; poles that fade slower are not told apart."""

FLAT = 0.1
"""In rad/sample; below, the frequency axis is linear, above logarithmic."""


def draw_poles(layers: Sequence[LayerDynamics], theme: Theme) -> Figure:
    """A row for each layer: the continuous poles where there are any, and the discrete ones."""
    continuous = all(layer.continuous_poles is not None for layer in layers)
    figure = new_figure(0.4 + 3.1 * len(layers))
    grid = figure.subplots(len(layers), 1 + continuous, squeeze=False)
    for layer, row in zip(layers, grid, strict=True):
        if layer.continuous_poles is not None and continuous:
            _draw_plane(row[0], layer.continuous_poles.ravel(), layer.name, theme)
        _draw_disc(row[-1], layer.poles.ravel(), layer.name, theme)
    return figure


def _draw_plane(axes: Axes, poles: np.ndarray, name: str, theme: Theme) -> None:
    """Eigenvalues of A·Δ: distance to the left of 0 is the rate of fading, height the frequency."""
    rate = np.maximum(np.abs(poles.real), SLOWEST)
    axes.scatter(poles.real, poles.imag, s=7, color=theme.series[0], alpha=0.45, linewidths=0)
    axes.axvline(0, color=theme.ink, lw=1)
    for limit, text in ((np.pi, "π"), (-np.pi, "−π")):
        axes.axhline(limit, color=theme.ink, lw=0.9, ls=":")
        axes.annotate(
            text,
            (1, limit),
            (2, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
        )
    axes.set_xscale("symlog", linthresh=rate.min())
    axes.set_yscale("symlog", linthresh=FLAT)
    axes.set_xlim(-1.6 * rate.max(), max(0.4 * rate.min(), 1.6 * poles.real.max()))
    height = 1.6 * max(np.abs(poles.imag).max(), np.pi)
    axes.set_ylim(-height, height)
    across = [10.0**power for power in range(-6, 4) if 2 * rate.min() < 10.0**power < 1.6 * rate.max()]
    upright = [10.0**power for power in range(-1, 6) if 10.0**power < height]
    axes.set_xticks([-value for value in across] + [0], [f"−{value:g}" for value in across] + ["0"])
    axes.set_yticks(
        [-value for value in upright] + [0, *upright],
        [f"−{value:g}" for value in upright] + ["0", *(f"{value:g}" for value in upright)],
    )
    axes.minorticks_off()
    axes.set_title(f"{name.capitalize()}: continuous")
    axes.set(xlabel="real part (1/sample)", ylabel="imaginary part (rad/sample)")


def _draw_disc(axes: Axes, poles: np.ndarray, name: str, theme: Theme) -> None:
    """Eigenvalues of Ā and the unit circle: the nearer to it, the longer the memory."""
    turn = np.linspace(0, 2 * np.pi, 361)
    axes.plot(np.cos(turn), np.sin(turn), color=theme.ink, lw=1)
    axes.scatter(poles.real, poles.imag, s=7, color=theme.series[1], alpha=0.45, linewidths=0)
    reach = max(1.08, 1.05 * float(np.abs(poles).max(initial=0.0)))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set(title=f"{name.capitalize()}: discrete", xlabel="real part", ylabel="imaginary part")
    axes.set_xticks((-1, 0, 1))
    axes.set_yticks((-1, 0, 1))
