"""The paper that figures are drawn on: themes, sizes, and a figure as PNG bytes.

matplotlib is imported inside the functions, so that it is loaded when a figure is drawn and not before. No
figure touches pyplot: each is an object of its own, drawn by the Agg canvas.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

__all__ = [
    "DARK",
    "DOTS_PER_INCH",
    "LIGHT",
    "WIDTH",
    "Theme",
    "colour_map",
    "new_figure",
    "plain_logarithmic",
    "stacked_png",
    "to_png",
]

WIDTH: Final = 7.2
"""Width of every figure in inches: wide enough for two panels, narrow enough to be read on a telephone."""

DOTS_PER_INCH: Final = 160


@dataclass(frozen=True)
class Theme:
    """Colours of a page. ``series`` are told apart by people who do not see red or green.

    Source: M. Okabe and K. Ito, "Color Universal Design", 2008; the dark theme lightens the two darkest.
    """

    name: str
    paper: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """The matplotlib settings of this theme."""
        return {
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 10.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 8,
            "axes.facecolor": self.paper,
            "axes.edgecolor": self.muted,
            "axes.labelcolor": self.ink,
            "axes.titlecolor": self.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.unicode_minus": True,
            "grid.color": self.grid,
            "grid.linewidth": 0.8,
            "figure.facecolor": self.paper,
            "text.color": self.ink,
            "xtick.color": self.muted,
            "ytick.color": self.muted,
            "xtick.labelcolor": self.ink,
            "ytick.labelcolor": self.ink,
            "legend.frameon": False,
            "legend.fontsize": 9.5,
            "lines.linewidth": 1.9,
            "lines.solid_capstyle": "round",
        }


LIGHT: Final = Theme(
    name="light",
    paper="#ffffff",
    ink="#1d2433",
    muted="#7b8494",
    grid="#e6e9ef",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
DARK: Final = Theme(
    name="dark",
    paper="#161b26",
    ink="#e6e9f0",
    muted="#8d97a9",
    grid="#2a3140",
    series=("#56b4e9", "#f0853a", "#2bbd92", "#dd9bc1", "#e9b44c", "#9fb3ff"),
)


def new_figure(height: float) -> Figure:
    """An empty figure of the common width, ``height`` inches high, that spaces its panels by itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH, layout="constrained")


def colour_map(*colours: str) -> Colormap:
    """A colour scale through ``colours``, evenly spaced."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("clew", colours)


def plain_logarithmic(axis: Axis) -> None:
    """A logarithmic axis whose ticks say 0.05, 20 or 5,000 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    wide = high > 1e3 * max(low, 1e-300)
    locator = LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0))
    seen = [tick for tick in locator.tick_values(low, high) if low <= tick <= high]
    axis.set_major_locator(locator if len(seen) > 2 else MaxNLocator(5))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1e3 else f"{value:.4g}")
    )
    axis.set_minor_formatter(NullFormatter())


def to_png(draw: Callable[[Theme], Figure], theme: Theme) -> bytes:
    """The PNG file of the figure that ``draw`` makes in ``theme``; the same bytes each time."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    settings: Any = theme.settings()
    with matplotlib.rc_context(settings):
        figure = draw(theme)
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def stacked_png(draws: Sequence[Callable[[Theme], Figure]], theme: Theme) -> bytes:
    """The PNG file of figures of the common width, one below the other; the same bytes each time."""
    import matplotlib
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.image import imsave

    pixels = []
    settings: Any = theme.settings()
    with matplotlib.rc_context(settings):
        for draw in draws:
            canvas: Any = FigureCanvasAgg(draw(theme))
            canvas.draw()
            pixels.append(np.array(canvas.buffer_rgba()))
    buffer = io.BytesIO()
    nameless: Any = {"Software": None}
    imsave(buffer, np.concatenate(pixels), format="png", dpi=DOTS_PER_INCH, metadata=nameless)
    return buffer.getvalue()
