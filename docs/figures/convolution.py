"""The worked example's outputs taken apart into the terms of the samples, and its matrix."""

import torch

import clew
from clew.train.report.figures.canvas import colour_map, new_figure

SYSTEM = clew.DiscreteStateSpace(
    A=[[0.5, 0.1], [0.2, 0.3]], B=[[0.4, 0.5, 0.6], [0.7, 0.8, 0.9]], C=[[1, 0.5], [0.5, 1]]
)
X = torch.arange(1.0, 13.0, dtype=torch.float64).reshape(4, 3)


def draw(theme):
    """Two panels."""
    figure = new_figure(3.0)
    bars, matrix = figure.subplots(1, 2)
    for sample in range(4):
        heights = [float(SYSTEM.terms(X, k)[k - sample, 0]) if sample <= k else 0.0 for k in range(4)]
        below = [sum(float(SYSTEM.terms(X, k)[k - j, 0]) for j in range(sample) if j <= k) for k in range(4)]
        bars.bar(
            range(4), heights, bottom=below, color=theme.series[sample], width=0.62, label=f"of x[{sample}]"
        )
    bars.set(title="What each sample adds to y[k]", xlabel="k", xticks=range(4))
    bars.legend(loc="upper left")
    bars.grid(axis="x", visible=False)
    image = matrix.imshow(SYSTEM.matrix(4), cmap=colour_map(theme.paper, theme.series[0]), vmin=0)
    matrix.set(title="The matrix T of y = T x", xlabel="sample · input", ylabel="sample · output")
    matrix.set_xticks([1, 4, 7, 10], ["x[0]", "x[1]", "x[2]", "x[3]"])
    matrix.set_yticks([0.5, 2.5, 4.5, 6.5], ["y[0]", "y[1]", "y[2]", "y[3]"])
    matrix.grid(visible=False)
    figure.colorbar(image, ax=matrix, shrink=0.8)
    return figure
