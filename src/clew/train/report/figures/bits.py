"""The learning curve of a language model: bits per byte against steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clew.train.report.figures.canvas import Theme, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_bits"]

POINTS = 200
"""Steps are averaged so that the curve of training has no more points than these."""


def draw_bits(
    steps: Sequence[Mapping[str, Any]],
    validations: Sequence[Mapping[str, Any]],
    evaluation: Mapping[str, Any] | None,
    theme: Theme,
) -> Figure:
    """Training and validation, the kept weights marked, and what ``xz -9`` takes where it is known."""
    figure = new_figure(3.3)
    axes = figure.subplots()
    groups = np.array_split(np.arange(len(steps)), min(len(steps), POINTS))
    bits = np.array([line["bits_per_byte"] for line in steps])
    places = np.array([line["step"] for line in steps])
    axes.plot(
        [places[group].mean() for group in groups],
        [bits[group].mean() for group in groups],
        color=theme.series[0],
        label="training",
        marker="o" if len(groups) == 1 else None,
    )
    axes.plot(
        [line["step"] for line in validations],
        [line["bits_per_byte"] for line in validations],
        "o--",
        ms=4,
        color=theme.series[1],
        label="validation",
    )
    best = min(validations, key=lambda line: float(line["loss"]))
    axes.plot(
        [best["step"]],
        [best["bits_per_byte"]],
        "o",
        ms=9,
        mfc="none",
        mew=2,
        color=theme.ink,
        label=f"kept: step {best['step']:,}",
    )
    if evaluation is not None:
        axes.axhline(
            evaluation["xz_alone"], ls=":", color=theme.muted, label=f"xz -9, {evaluation['split']} part"
        )
    axes.set(title="Bits per byte", xlabel="step", ylabel="bits per byte", yscale="log")
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.yaxis.set_minor_formatter("{x:.3g}")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
