"""A signal, and what four memories of 24 numbers can draw of it."""

import math

import torch

import clew
from clew.train.report.figures.canvas import new_figure

LENGTH, WINDOW, ORDER = 2000, 800, 24
T = torch.arange(LENGTH, dtype=torch.float64)
SIGNAL = torch.sin(2 * math.pi * T / 500) + 0.5 * torch.sin(2 * math.pi * T / 180 + 1) + 0.3 * (T > 1500)
MEMORIES = {
    "LegS: everything": (clew.hippo.Memory("legs", ORDER), LENGTH),
    "LegT: the last 800": (clew.hippo.Memory("legt", ORDER, window=WINDOW), WINDOW),
    "FouT: the last 800": (clew.hippo.Memory("fout", ORDER, window=WINDOW), WINDOW),
    "LagT: the later, the better": (clew.hippo.Memory("lagt", ORDER, window=100), WINDOW),
}


def draw(theme):
    """Four panels."""
    figure = new_figure(4.2)
    for axes, (name, (memory, back)), colour in zip(
        figure.subplots(2, 2, sharex=True, sharey=True).flat, MEMORIES.items(), theme.series, strict=False
    ):
        ago = back - torch.arange(back, dtype=torch.float64) - 0.5
        at = 1 - ago / (memory.window or LENGTH)
        past = memory.reconstruct(memory.project(SIGNAL)[-1], at)
        axes.plot(T, SIGNAL, color=theme.muted, lw=1.1)
        axes.plot(T[-back:], past, color=colour, lw=1.5)
        axes.set(title=name, ylim=(-2.2, 2.6))
    figure.supxlabel("k", fontsize=10)
    return figure
