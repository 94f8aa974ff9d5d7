"""The sections on the layers as systems: kernels, poles, time constants."""

from collections.abc import Sequence

import numpy as np

from clew.train.report.figures.kernels import draw_kernels
from clew.train.report.figures.poles import draw_poles
from clew.train.report.figures.time_constants import draw_time_constants
from clew.train.report.material import Material
from clew.train.report.measure.dynamics import LayerDynamics, evenly_spaced, layer_dynamics
from clew.train.report.section import Picture, Section
from clew.train.report.text_material import TextMaterial
from clew.train.report.words import count, samples

__all__ = ["dynamics"]

TITLES = {"kernels": "Kernels", "poles": "Poles", "time_constants": "Time constants"}

SHORTEST_KERNEL, LONGEST_KERNEL = 32, 256
"""Kernels are drawn over the longest sequence, but over no fewer and no more samples than these."""


def dynamics(run: Material | TextMaterial) -> list[Section]:
    """The three sections, with figures, or without and with the reason."""
    lags = min(max(run.longest, SHORTEST_KERNEL), LONGEST_KERNEL)
    try:
        every = layer_dynamics(run.model, lags)
    except ValueError as reason:
        why = f"Left out: {str(reason).rstrip('.')}."
        return [Section(key, title, why) for key, title in TITLES.items()]
    layers = evenly_spaced(every)
    drawn = ", ".join(layer.name.removeprefix("layer ") for layer in layers)
    method = f"Drawn are layers {drawn} of {len(every)}." if len(layers) < len(every) else ""
    return [
        _kernels(layers, method),
        _poles(layers, method),
        _time_constants(layers, run.longest, method),
    ]


def _kernels(layers: Sequence[LayerDynamics], method: str) -> Section:
    return Section(
        key="kernels",
        title=TITLES["kernels"],
        reading="A kernel is a layer's answer to a single click: its height at lag l says how much a sample "
        "still counts l samples later, and its waves are the rhythms that the layer listens for.",
        picture=Picture.of(
            lambda theme: draw_kernels(layers, theme),
            f"Kernels of {count(len(layers), 'layer')} against the lag in samples, each scaled to a peak of "
            "1: some as lines, all as a picture sorted by how far back they reach.",
        ),
        method=method,
    )


def _poles(layers: Sequence[LayerDynamics], method: str) -> Section:
    radius = max(float(np.abs(layer.poles).max()) for layer in layers)
    plane = all(layer.continuous_poles is not None for layer in layers)
    left = "the further left of zero in the plane, or " if plane else ""
    finding = (
        f"All poles lie inside the unit circle (the outermost has modulus {radius:.5f}): every state fades."
        if radius < 1
        else f"The outermost pole has modulus {radius:.5f}: a state there does not fade."
    )
    return Section(
        key="poles",
        title=TITLES["poles"],
        reading=f"Each dot is one mode of a layer's state: {left}the nearer to the centre of the circle, the "
        "sooner it forgets, and the larger its angle, the faster it oscillates"
        f"{' (dotted: half a turn a sample, the fastest that samples can tell)' if plane else ''}.",
        finding=finding,
        picture=Picture.of(
            lambda theme: draw_poles(layers, theme),
            f"Poles of {count(len(layers), 'layer')}{' in the continuous plane and' if plane else ''} on the "
            f"unit disc. {finding}",
        ),
        method=method,
    )


def _time_constants(layers: Sequence[LayerDynamics], longest: int, method: str) -> Section:
    spans = [
        f"{layer.name} from {samples(layer.time_constants.min())} to {samples(layer.time_constants.max())}"
        for layer in layers
    ]
    finding = f"In samples: {'; '.join(spans)}."
    return Section(
        key="time_constants",
        title=TITLES["time_constants"],
        reading="A mode with time constant τ has forgotten about two thirds of a sample τ samples later; "
        "modes to the right of the dashed line remember over a whole sequence.",
        finding=finding,
        picture=Picture.of(
            lambda theme: draw_time_constants(layers, longest, theme),
            f"Histogram of the time constants of each layer. {finding} The longest training sequence has "
            f"{longest:,} samples.",
        ),
        method=method,
    )
