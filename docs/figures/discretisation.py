"""The spring again, in steps that are too long for comfort: four ways to step."""

import torch

import clew
from clew.train.report.figures.canvas import new_figure

SPRING = clew.StateSpace([[0.0, 1.0], [-1.0, -0.2]], [[0.0], [1.0]], [[1.0, 0.0]])
STEP, COUNT = 0.8, 25
TIMES = torch.linspace(0, STEP * COUNT, 500)
METHODS = ("zoh", "bilinear", "backward_euler", "forward_euler")
MARKS = ("o", "s", "^", "v")


def draw(theme):
    """One panel: the exact step response, and the discrete ones on it."""
    figure = new_figure(3.3)
    axes = figure.subplots()
    axes.plot(TIMES, SPRING.step_response(TIMES)[:, 0, 0], color=theme.muted, label="exact")
    at = STEP * torch.arange(1, COUNT + 1)
    for method, mark, colour in zip(METHODS, MARKS, theme.series, strict=False):
        found = SPRING.discretize(STEP, method=method).step_response(COUNT)[:, 0, 0]
        axes.plot(at, found, mark, ms=4.5, ls=":", lw=0.9, color=colour, label=method)
    axes.set(title=f"A force sets in; Δ = {STEP}", xlabel="t", ylabel="position y", ylim=(-1.2, 3.4))
    axes.legend(ncols=5, loc="lower center", fontsize=8.5)
    return figure
