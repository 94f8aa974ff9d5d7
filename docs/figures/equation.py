"""A weight on a spring: what it does to a push, to a lasting force, and to oscillations."""

import torch

import clew
from clew.train.report.figures.canvas import new_figure, plain_logarithmic

SPRING = clew.StateSpace([[0.0, 1.0], [-1.0, -0.2]], [[0.0], [1.0]], [[1.0, 0.0]])
TIMES = torch.linspace(0, 30, 400)
OMEGA = torch.logspace(-1, 1, 400)


def draw(theme):
    """Two panels."""
    figure = new_figure(2.9)
    left, right = figure.subplots(1, 2)
    left.plot(TIMES, SPRING.impulse_response(TIMES)[:, 0, 0], color=theme.series[0], label="after a push")
    left.plot(
        TIMES,
        SPRING.step_response(TIMES)[:, 0, 0],
        "--",
        color=theme.series[1],
        label="after a force sets in",
    )
    left.set(title="In time", xlabel="t", ylabel="position y", ylim=(-0.8, 2.5))
    left.legend(loc="upper right")
    right.plot(OMEGA, SPRING.frequency_response(OMEGA)[:, 0, 0].abs(), color=theme.series[2])
    right.set(
        title="In frequency",
        xlabel="ω (radians per unit of time)",
        ylabel="gain |H(iω)|",
        xscale="log",
        yscale="log",
    )
    plain_logarithmic(right.xaxis)
    plain_logarithmic(right.yaxis)
    return figure
