"""A step that depends on the input: keep what is marked, let the rest pass."""

import torch

import clew
from clew.train.report.figures.canvas import new_figure

LENGTH = 120
GENERATOR = torch.Generator().manual_seed(3)
NOISE = torch.randn(LENGTH, generator=GENERATOR, dtype=torch.float64) * 0.5
MARKED = torch.tensor([10, 45, 90])
X = NOISE.clone()
X[MARKED] = torch.tensor([2.0, -1.5, 1.0], dtype=torch.float64)


def hold(step: torch.Tensor) -> torch.Tensor:
    """h[k] = e^{−Δ[k]} h[k−1] + (1 − e^{−Δ[k]}) x[k]: A = −1, B = 1, held over a step of Δ[k]."""
    decay = torch.exp(-step)
    return clew.ops.linear_scan(decay[None], ((1 - decay) * X)[None])[0][0]


def draw(theme):
    """Two panels: the same Δ for every sample, and a Δ that is large at marked samples alone."""
    figure = new_figure(3.4)
    fixed, selective = figure.subplots(2, 1, sharex=True, sharey=True)
    chosen = torch.full((LENGTH,), 1e-3, dtype=torch.float64)
    chosen[MARKED] = 8.0
    for axes, step, title in (
        (fixed, torch.full_like(chosen, 0.1), "Δ the same at every sample"),
        (selective, chosen, "Δ from the sample: large where it is marked"),
    ):
        axes.vlines(range(LENGTH), 0, X, color=theme.muted, alpha=0.55, lw=1.4)
        axes.plot(MARKED, X[MARKED], "o", ms=6, color=theme.series[1], label="marked")
        axes.plot(hold(step), color=theme.series[0], label="state h")
        axes.set(title=title, ylim=(-2, 2.4))
    fixed.legend(loc="upper right", ncols=2)
    selective.set_xlabel("k")
    return figure
