"""Where S4's modes start: poles of HiPPO-LegS's normal part, and the kernels they make."""

import torch

import clew
from clew.nn.spectra import initial_spectrum
from clew.train.report.figures.canvas import new_figure

ORDER, LENGTH = 64, 1000


def draw(theme):
    """Two panels."""
    figure = new_figure(3.1)
    left, right = figure.subplots(1, 2)
    for init, colour, mark in zip(("legs", "lin"), theme.series, "o^", strict=False):
        poles, _ = initial_spectrum(init, ORDER)
        left.plot(poles.real, poles.imag, mark, ms=4.5, color=colour, label=init, alpha=0.8)
    left.set(
        title="Poles, one of each pair",
        xlabel="Re λ",
        ylabel="Im λ",
        xlim=(-1, 0.05),
        yscale="symlog",
        ylim=(-0.4, 3000),
    )
    left.legend(loc="upper left")
    A, B = clew.hippo.transition("legs", ORDER)
    C = torch.eye(ORDER, dtype=torch.float64)[[0, 1, 2, 4]]
    kernel = clew.StateSpace(A, B, C).discretize(0.005).kernel(LENGTH)[..., 0]
    times = 0.005 * torch.arange(1, LENGTH + 1)
    for row, (order, colour) in enumerate(zip((0, 1, 2, 4), theme.series, strict=False)):
        right.plot(times, kernel[:, row], color=colour, label=f"n = {order}")
    right.set(title="Kernels of LegS, state n", xlabel="t", xscale="log")
    right.legend(loc="upper right")
    return figure
