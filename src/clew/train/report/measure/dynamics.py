"""What the trained layers are as systems: their kernels, poles and time constants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from clew.models import LanguageModel, SequenceModel
from clew.nn import Mixer

__all__ = ["MOST_LAYERS", "LayerDynamics", "evenly_spaced", "layer_dynamics"]

MOST_LAYERS = 6
"""Of a deeper model so many layers are drawn, evenly spaced."""

MOST_RESPONSES = 256
"""Of a layer with several inputs and outputs so many responses are kept, the strongest."""


@dataclass(frozen=True)
class LayerDynamics:
    """One layer as a discrete system, seen from outside and from inside.

    Attributes:
        name: such as ``"layer 1"``.
        kernels: (responses, lags) float64, the answer of an output to one unit impulse at an input.
        poles: (systems, order) complex128, eigenvalues of Ā; inside the unit circle they fade.
        continuous_poles: (systems, order) complex128 in radians per sample, eigenvalues of A·Δ; None where
            the layer has no continuous system.
    """

    name: str
    kernels: np.ndarray
    poles: np.ndarray
    continuous_poles: np.ndarray | None

    @property
    def time_constants(self) -> np.ndarray:
        """Samples until what a pole remembers has faded to 1/e: τ = −1 / ln |λ|, infinite for |λ| ≥ 1."""
        with np.errstate(divide="ignore"):
            rate = -np.log(np.abs(self.poles).ravel())
        return np.where(rate > 0, 1.0 / np.where(rate > 0, rate, 1.0), np.inf)


def layer_dynamics(model: SequenceModel | LanguageModel, lags: int) -> tuple[LayerDynamics, ...]:
    """The dynamics of each layer of ``model``.

    Args:
        model: its mixers are asked for their systems.
        lags: how much of each kernel to take, in samples.

    Raises:
        ValueError: if a layer is not a linear time-invariant system; the message says why.
    """
    with torch.no_grad():
        return tuple(
            _dynamics(f"layer {number}", block.mixer, lags)  # type: ignore[arg-type]
            for number, block in enumerate(model.backbone.blocks, start=1)
        )


def evenly_spaced(layers: Sequence[LayerDynamics]) -> list[LayerDynamics]:
    """``MOST_LAYERS`` of ``layers``, with the first and the last; all of them if there are no more."""
    last = len(layers) - 1
    chosen = np.unique(np.linspace(0, last, min(len(layers), MOST_LAYERS)).round().astype(int))
    return [layers[index] for index in chosen]


def _dynamics(name: str, mixer: Mixer[Any, Any], lags: int) -> LayerDynamics:
    system = mixer.system()
    kernel = system.kernel(lags).movedim(-3, -1)  # (…, output, input, lag)
    kernels = kernel.reshape(-1, lags).double().cpu()
    strongest = kernels.square().sum(dim=1).topk(min(len(kernels), MOST_RESPONSES)).indices.sort().values
    poles = system.poles().to(torch.complex128).cpu()
    try:
        continuous = mixer.continuous_system().poles().to(torch.complex128).cpu()
    except ValueError:
        per_sample = None
    else:
        dt = torch.as_tensor(system.dt, dtype=torch.float64).cpu()
        per_sample = (continuous * dt[..., None]).numpy()
    return LayerDynamics(name, kernels[strongest].numpy(), poles.numpy(), per_sample)
