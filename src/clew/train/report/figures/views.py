"""The difference between the views, on the scale of rounding errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from clew.train.report.figures.canvas import Theme, new_figure
from clew.train.report.measure.views import STEPS, Agreement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_views"]

ROUNDING: Final = 2.0**-23
"""Distance from 1 to the next float32."""

NOTHING: Final = 1e-9
"""Where an exact agreement is drawn."""


def draw_views(agreements: Sequence[Agreement], theme: Theme) -> Figure:
    """A row for each part of the model, a mark for each view: its relative distance to one step at a time."""
    figure = new_figure(1.3 + 0.42 * len(agreements))
    axes = figure.subplots()
    views = list(dict.fromkeys(view for agreement in agreements for view in agreement.differences))
    for number, (view, marker) in enumerate(zip(views, "osD^v", strict=False)):
        offset = 0.18 * (number - (len(views) - 1) / 2)
        points = [
            (max(agreement.differences[view] / (agreement.scale or 1.0), NOTHING), row + offset)
            for row, agreement in enumerate(agreements)
            if view in agreement.differences
        ]
        axes.plot(*zip(*points, strict=True), marker, ms=7, color=theme.series[number], label=view)
    axes.axvline(ROUNDING, color=theme.ink, lw=1.2, ls="--")
    axes.annotate(
        "one rounding error",
        (ROUNDING, 1),
        (5, -3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=9,
    )
    axes.set_yticks(range(len(agreements)), [agreement.part for agreement in agreements])
    axes.set(xscale="log", xlim=(NOTHING / 2, 1e-2), ylim=(len(agreements) - 0.5, -0.8))
    axes.set_xlabel(f"largest |view − {STEPS}| ÷ largest |value|")
    ticks = [NOTHING, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]
    axes.set_xticks(ticks, ["none", *(rf"$10^{{{exponent}}}$" for exponent in range(-8, -1))])
    axes.minorticks_off()
    figure.legend(loc="outside lower center", ncols=len(views))
    return figure
