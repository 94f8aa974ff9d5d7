"""The layers of a model in one picture, without a run or its data."""

from clew.models import LanguageModel, SequenceModel
from clew.train.report.figures.canvas import LIGHT, stacked_png
from clew.train.report.figures.kernels import draw_kernels
from clew.train.report.figures.poles import draw_poles
from clew.train.report.figures.time_constants import draw_time_constants
from clew.train.report.measure.dynamics import evenly_spaced, layer_dynamics

__all__ = ["picture"]

LAGS = 256


def picture(model: SequenceModel | LanguageModel) -> bytes:
    """The poles of the layers beside the unit circle, their time constants, and their kernels, as one PNG.

    Args:
        model: of a deep one some layers are drawn, evenly spaced.

    Raises:
        ValueError: if a layer is not a linear time-invariant system; the message says why.
    """
    layers = evenly_spaced(layer_dynamics(model, LAGS))
    return stacked_png(
        [
            lambda theme: draw_poles(layers, theme),
            lambda theme: draw_time_constants(layers, None, theme),
            lambda theme: draw_kernels(layers, theme),
        ],
        LIGHT,
    )
