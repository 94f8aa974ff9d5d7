"""The figures, from made-up numbers: labels that do not collide, named axes, colours that can be told apart.

Oracle: the boxes of the texts as matplotlib's own renderer lays them out; WCAG 2.1's contrast formula;
Machado's matrices for colour vision without red or green cones.

| tolerance | why |
| --- | --- |
| OVERLAP = 1 pixel | boxes are rounded to whole pixels |
| CONTRAST = 4.5 | WCAG 2.1, 1.4.3, level AA, for text |
| DISTANCE = 20 | in CIELAB; 2.3 is just noticeable, 20 is told apart at a glance in thin lines |
"""

import functools
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations, pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from clew.train.report.figures.canvas import DARK, LIGHT, Theme, to_png
from clew.train.report.figures.confusion import draw_confusion
from clew.train.report.figures.cost import draw_cost
from clew.train.report.figures.kernels import draw_kernels
from clew.train.report.figures.learning import draw_learning
from clew.train.report.figures.poles import draw_poles
from clew.train.report.figures.posterior import draw_posterior
from clew.train.report.figures.time_constants import draw_time_constants
from clew.train.report.figures.views import draw_views
from clew.train.report.measure.confusion import Confusion
from clew.train.report.measure.cost import Cost, CostPoint
from clew.train.report.measure.dynamics import LayerDynamics
from clew.train.report.measure.learning import Learning, learning
from clew.train.report.measure.stream import Trace
from clew.train.report.measure.views import Agreement

OVERLAP, CONTRAST, DISTANCE = 1.0, 4.5, 20.0


def log(epochs: int, losses: tuple[float, float], validation: bool = True) -> Learning:
    """A run of so many epochs, whose loss falls from the first value to the second."""
    lines = []
    for epoch in range(epochs):
        loss = losses[0] * (losses[1] / losses[0]) ** (epoch / max(epochs - 1, 1))
        lines.append({"kind": "train", "step": epoch + 1, "epoch": epoch, "loss": loss, "accuracy": 0.9})
        if validation:
            lines.append(lines[-1] | {"kind": "validation", "best": True})
    return learning(lines)


def confusion(size: int, name: str) -> Confusion:
    counts = np.random.default_rng(0).integers(0, 3, (size, size)) + 12_345 * np.eye(size, dtype=int)
    return Confusion(counts, tuple(f"{name} {index}" for index in range(size)), "test", "sequences")


def dynamics(
    layers: int, rates: tuple[float, float], lags: int = 64, continuous: bool = True
) -> list[LayerDynamics]:
    """Poles that fade at rates within these bounds, in 1/sample."""
    draw = np.random.default_rng(1)
    found = []
    for number in range(layers):
        poles = -draw.uniform(*rates, (5, 6)) + 1j * draw.uniform(-4, 4, (5, 6))
        kernels = np.exp(poles[:, :1] * np.arange(lags)).real
        found.append(
            LayerDynamics(f"layer {number + 1}", kernels, np.exp(poles), poles if continuous else None)
        )
    return found


def traces(number: int, time: int, classes: int, per_sample: bool = False) -> list[Trace]:
    draw = np.random.default_rng(2)
    found = []
    for index in range(number):
        weights = draw.random((time, classes))
        target = draw.integers(0, classes, time) if per_sample else np.array(index % classes)
        found.append(Trace(index, target, weights / weights.sum(axis=1, keepdims=True)))
    return found


def agreements(layers: int, difference: float) -> list[Agreement]:
    views = {"convolution": difference, "scan": difference / 3, "recurrent": 0.0}
    return [Agreement(f"layer {number + 1}", views, difference, 2.0) for number in range(layers)] + [
        Agreement("logits", views, difference, 0.0)
    ]


def cost(points: int, memory: int | None) -> Cost:
    made = tuple(
        CostPoint(64 * 2**n, 1e-3 * 2**n, None if memory is None else memory * 2**n) for n in range(points)
    )
    return Cost(made, made[: max(points // 2, 1)], threads=2, repeats=3)


NAMES = [f"class {index}" for index in range(40)]
FIGURES: dict[str, Callable[[Theme], Figure]] = {
    "learning": lambda theme: draw_learning(log(60, (2.2, 0.003)), theme),
    "learning, one epoch": lambda theme: draw_learning(log(1, (2.2, 2.2)), theme),
    "learning, narrow": lambda theme: draw_learning(log(300, (2.21, 2.17)), theme),
    "learning, no validation": lambda theme: draw_learning(log(9, (2.0, 1e-9), validation=False), theme),
    "confusion, two": lambda theme: draw_confusion(confusion(2, "yes"), theme),
    "confusion, nine": lambda theme: draw_confusion(confusion(9, "speaker"), theme),
    "confusion, long names": lambda theme: draw_confusion(
        confusion(12, "an extraordinarily long name"), theme
    ),
    "confusion, many": lambda theme: draw_confusion(confusion(200, "word"), theme),
    "kernels": lambda theme: draw_kernels(dynamics(2, (0.001, 0.3)), theme),
    "kernels, deep": lambda theme: draw_kernels(dynamics(6, (0.001, 0.3), lags=256), theme),
    "poles": lambda theme: draw_poles(dynamics(2, (0.001, 0.05)), theme),
    "poles, all alike": lambda theme: draw_poles(dynamics(1, (0.5, 0.5)), theme),
    "poles, far apart": lambda theme: draw_poles(dynamics(1, (1e-7, 300.0)), theme),
    "poles, unstable": lambda theme: draw_poles(dynamics(1, (-0.1, 0.1)), theme),
    "poles, discrete alone": lambda theme: draw_poles(dynamics(3, (0.01, 0.1), continuous=False), theme),
    "time constants": lambda theme: draw_time_constants(dynamics(2, (0.001, 0.3)), 29, theme),
    "time constants, alike": lambda theme: draw_time_constants(dynamics(1, (0.5, 0.5)), 2, theme),
    "time constants, wide": lambda theme: draw_time_constants(dynamics(6, (-1.0, 80.0)), 20_000, theme),
    "posterior": lambda theme: draw_posterior(traces(6, 29, 9), NAMES, theme),
    "posterior, two classes": lambda theme: draw_posterior(traces(2, 2000, 2), NAMES, theme),
    "posterior, one sample": lambda theme: draw_posterior(traces(4, 1, 40), NAMES, theme),
    "posterior, each sample": lambda theme: draw_posterior(traces(3, 60, 8, per_sample=True), NAMES, theme),
    "views": lambda theme: draw_views(agreements(2, 3e-7), theme),
    "views, deep": lambda theme: draw_views(agreements(24, 3e-3), theme),
    "cost": lambda theme: draw_cost(cost(9, 1 << 20), theme),
    "cost, one length": lambda theme: draw_cost(cost(1, 0), theme),
    "cost, no memory": lambda theme: draw_cost(cost(5, None), theme),
}


@functools.cache
def draw(name: str) -> Figure:
    """The figure, laid out."""
    with matplotlib.rc_context(LIGHT.settings()):
        figure = FIGURES[name](LIGHT)
        FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize("name", FIGURES)
def test_no_label_covers_another_or_is_cut_off(name: str) -> None:
    figure = draw(name)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = []
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        for axis in (axes.xaxis, axes.yaxis):
            ticks = _tick_boxes(axis, renderer)
            for (one, before), (other, after) in pairwise(ticks):
                assert not _overlap(before, after), f"ticks {one!r} and {other!r}"
            texts += ticks
            texts.append((axis.get_label_text(), axis.label.get_window_extent(renderer)))
        title = axes.title if axes.title.get_text() else axes._left_title  # type: ignore[attr-defined]
        texts.append((title.get_text(), title.get_window_extent(renderer)))
    texts = [(text, box) for text, box in texts if text.strip()]
    for (one, before), (other, after) in combinations(texts, 2):
        assert not _overlap(before, after), f"{one!r} and {other!r}"
    for text, box in texts:
        assert box.x0 >= -OVERLAP, text
        assert box.y0 >= -OVERLAP, text
        assert box.x1 <= figure.bbox.x1 + OVERLAP, text
        assert box.y1 <= figure.bbox.y1 + OVERLAP, text


def _tick_boxes(axis: Axis, renderer: object) -> list[tuple[str, object]]:
    """Text and box of each major tick label that can be seen, in order."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    return [
        (tick.label1.get_text(), tick.label1.get_window_extent(renderer))  # type: ignore[arg-type]
        for tick in axis.get_major_ticks()
        if tick.label1.get_visible()
        and tick.label1.get_text()
        and low - slack <= tick.get_loc() <= high + slack
    ]


def _overlap(one: object, other: object) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)  # type: ignore[attr-defined]
    upright = min(one.y1, other.y1) - max(one.y0, other.y0)  # type: ignore[attr-defined]
    return bool(across > OVERLAP and upright > OVERLAP)


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_says_what_it_is(name: str) -> None:
    for axes in draw(name).axes:
        place = axes.get_subplotspec()
        if not axes.get_visible() or place is None:
            continue
        words = name.startswith("views")  # its rows are named by their ticks
        assert axes.get_ylabel() or words or not place.is_first_col()
        assert axes.get_xlabel() or not place.is_last_row()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_same_numbers_give_the_same_bytes(theme: Theme) -> None:
    figure = FIGURES["poles, all alike"]
    assert to_png(figure, theme) == to_png(figure, theme)


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    to_png(FIGURES["learning, one epoch"], DARK)
    assert dict(matplotlib.rcParams) == before


def test_matplotlib_is_loaded_by_the_first_figure_and_pyplot_never() -> None:
    script = """
import sys
from clew.train.report.figures.learning import draw_learning
from clew.train.report import write
assert not [name for name in sys.modules if name.startswith("matplotlib")]
from clew.train.report.figures.canvas import LIGHT, to_png
from clew.train.report.measure.learning import learning
curves = learning([{"kind": "train", "step": 1, "epoch": 0, "loss": 1.0, "accuracy": 0.5}])
to_png(lambda theme: draw_learning(curves, theme), LIGHT)
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_text_stands_out_from_the_paper(theme: Theme) -> None:
    assert _contrast(theme.ink, theme.paper) >= CONTRAST


def _contrast(one: str, other: str) -> float:
    """WCAG 2.1, "contrast ratio"."""
    bright, dim = sorted(
        (0.05 + _linear(colour) @ (0.2126, 0.7152, 0.0722) for colour in (one, other)), reverse=True
    )
    return float(bright / dim)


def _linear(colour: str) -> np.ndarray:
    """Linear red, green and blue (IEC 61966-2-1)."""
    value = np.array(to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE Transactions on Visualization and Computer Graphics 15 (6), 2009, table 1, severity 1.0.
VISION = {
    "all cones": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_first_colours_are_told_apart(theme: Theme, vision: str) -> None:
    seen = {colour: _lab(VISION[vision] @ _linear(colour)) for colour in (*theme.series[:3], theme.paper)}
    for (one, here), (other, there) in combinations(seen.items(), 2):
        assert np.linalg.norm(here - there) >= DISTANCE, (one, other)


def _lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB under D65, from linear sRGB (IEC 61966-2-1; CIE 15:2004)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = np.clip(to_xyz @ linear, 0, None) / (to_xyz @ np.ones(3))
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
