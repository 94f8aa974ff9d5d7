"""The confusion matrix as a square of shares with the counts written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clew.train.report.figures.canvas import WIDTH, Theme, new_figure
from clew.train.report.measure.confusion import Confusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_confusion"]

MOST_WRITTEN = 16
"""Up to so many classes, every count and every name fit."""

FAINTEST = 0.25
"""A single mistake is painted at least this strongly, so that it is seen among the right answers."""

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""How bright red, green and blue are: ITU-R BT.709."""


def draw_confusion(confusion: Confusion, theme: Theme) -> Figure:
    """Rows are true classes, columns predictions; colour is the share of the row, numbers are counts."""
    counts, size = confusion.counts, len(confusion.classes)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(min(2.0 + 0.4 * size, 0.8 * WIDTH))
    axes = figure.subplots()
    painted = _paint(share, theme)
    axes.imshow(painted, interpolation="nearest")
    axes.grid(visible=False)
    edges = np.arange(size + 1) - 0.5
    if size <= MOST_WRITTEN:
        axes.hlines(edges, -0.5, size - 0.5, color=theme.grid, lw=0.8)
        axes.vlines(edges, -0.5, size - 0.5, color=theme.grid, lw=0.8)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                strong = painted[row, column] @ LUMINANCE < 0.5
                axes.text(
                    column, row, f"{count:,}", ha="center", va="center", fontsize=9.5 if count < 1e4 else 7,
                    color="white" if strong else "black",
                )  # fmt: skip
    ticks = range(0, size, 1 + (size - 1) // MOST_WRITTEN)
    names = [_short(confusion.classes[index]) for index in ticks]
    axes.set_xticks(ticks, names, rotation=90 if max(map(len, names)) > 60 // size else 0)
    axes.set_yticks(ticks, names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
    axes.set_title(
        f"{int(np.trace(counts)):,} of {int(counts.sum()):,} {confusion.split} {confusion.unit} right"
    )
    return figure


def _paint(share: np.ndarray, theme: Theme) -> np.ndarray:
    """Colours (classes, classes, 3): right answers in the theme's first colour, mistakes in its second."""
    from matplotlib.colors import to_rgb

    paper, right, wrong = (np.array(to_rgb(colour)) for colour in (theme.paper, *theme.series[:2]))
    diagonal = np.eye(len(share), dtype=bool)[..., None]
    mistakes = np.where(share > 0, FAINTEST + (1 - FAINTEST) * share, 0.0)
    strength = np.where(diagonal[..., 0], share, mistakes)[..., None]
    painted: np.ndarray = paper + strength * (np.where(diagonal, right, wrong) - paper)
    return painted


def _short(name: str, length: int = 14) -> str:
    """``name``, without its middle where it is longer than ``length`` characters.

    >>> _short("an extraordinarily long name")
    'an extr…g name'
    """
    half = length // 2
    return name if len(name) <= length else f"{name[:half]}…{name[1 - half :]}"
