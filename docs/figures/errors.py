"""How well the past can be drawn from N numbers: HiPPO's, averages that forget, and a tanh RNN's."""

import math

import torch

import clew
from clew.train.report.figures.canvas import new_figure, plain_logarithmic

LENGTH, SIGNALS, TEST = 500, 300, 60
ORDERS = (2, 4, 8, 16, 32, 64)


def signals() -> torch.Tensor:
    """(signal, 2 L): sums of eight sinusoids of up to 8 cycles in L, of random amplitudes and phases."""
    generator = torch.Generator().manual_seed(0)

    def draw():
        return torch.rand(SIGNALS, 8, 1, generator=generator, dtype=torch.float64)

    t = (torch.arange(2 * LENGTH, dtype=torch.float64) + 0.5) / LENGTH
    return ((2 * draw() - 1) * torch.sin(2 * math.pi * (8 * draw() * t + draw()))).sum(1)


def error(past: torch.Tensor, wanted: torch.Tensor) -> float:
    """Relative L² error over all test signals."""
    return float((past - wanted).norm() / wanted.norm())


def read_out(states: torch.Tensor, wanted: torch.Tensor) -> float:
    """The best linear reading of the past from N numbers, fitted on some signals and tried on others."""
    ones = torch.cat((states, torch.ones(len(states), 1, dtype=states.dtype)), dim=1)
    weights = [
        torch.linalg.lstsq(ones[:-TEST], wanted[:-TEST], rcond=cut, driver="gelsd").solution
        for cut in (1e-10, 1e-6, 1e-3)
    ]
    return min(error(ones[-TEST:] @ each, wanted[-TEST:]) for each in weights)


def averages(x: torch.Tensor, order: int) -> torch.Tensor:
    """N exponential moving averages, with time constants from 1 sample to all of them."""
    spans = torch.logspace(0, math.log10(LENGTH), order, dtype=torch.float64)
    keep = torch.exp(-1 / spans)
    y, _ = clew.ops.linear_scan(keep, (1 - keep) * x[..., None])
    return y[:, -1]


def network(x: torch.Tensor, order: int, radius: float, size: float) -> torch.Tensor:
    """The last state of a tanh RNN of N units, its recurrence orthogonal and its weights not trained."""
    torch.manual_seed(order)
    A = radius * torch.nn.init.orthogonal_(torch.empty(order, order, dtype=torch.float64))
    b = size * torch.randn(order, dtype=torch.float64)
    h = torch.zeros(len(x), order, dtype=torch.float64)
    for x_k in x.unbind(1):
        h = torch.tanh(h @ A.T + x_k[:, None] * b)
    return h


def measure() -> dict[str, list[float]]:
    """The relative error of the last L samples against the order; of the RNN, the best of four."""
    x = signals()
    past = x[:, LENGTH:]
    at = (torch.arange(LENGTH, dtype=torch.float64) + 0.5) / LENGTH
    found = {name: [] for name in NAMES}
    for order in ORDERS:
        for name, measure_name, window in (
            ("LegS", "legs", None),
            ("LegT", "legt", LENGTH),
            ("FouT", "fout", LENGTH),
        ):
            memory = clew.hippo.Memory(measure_name, order, window=window)
            seen = past if window is None else x  # LegS starts where the window does
            last = memory.run(seen[-TEST:])[1].coefficients
            found[name].append(error(memory.reconstruct(last, at), past[-TEST:]))
        found["average"].append(read_out(averages(x, order), past))
        choices = [(radius, size) for radius in (0.99, 0.999) for size in (0.01, 0.3)]
        found["RNN"].append(min(read_out(network(x, order, *choice), past) for choice in choices))
    return found


NAMES = {
    "LegS": "LegS",
    "LegT": "LegT",
    "FouT": "FouT",
    "average": "exponential moving averages",
    "RNN": "tanh RNN, untrained",
}
FOUND = measure()


def draw(theme):
    """One panel on logarithmic axes."""
    figure = new_figure(3.5)
    axes = figure.subplots()
    for (name, label), colour, mark in zip(NAMES.items(), theme.series, "osd^v", strict=False):
        axes.plot(ORDERS, FOUND[name], marker=mark, ms=5, color=colour, label=label)
    axes.set(
        title="What is lost of 500 samples",
        xlabel="numbers kept, N",
        ylabel="relative L² error",
        yscale="log",
    )
    axes.set_xscale("log", base=2)
    axes.set_xticks(ORDERS, [str(order) for order in ORDERS])
    plain_logarithmic(axes.yaxis)
    axes.legend(loc="lower left")
    return figure
