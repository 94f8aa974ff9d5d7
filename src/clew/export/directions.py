"""A layer that reads both ways as two that read one way, each of which has a step."""

import copy
from typing import Any, NamedTuple

import torch

from clew.nn import DSS, GRU, LMU, LRU, LSTM, RNN, S4, S4D, S5, LinearLMU, Mamba, Mamba2, Mixer

__all__ = ["Directions", "directions"]


class Directions(NamedTuple):
    """The two branches of a bidirectional layer, whose sum it is.

    Attributes:
        forwards: a layer of one direction.
        backwards: another, which is given every sequence from its end to its beginning.
        without_present: the backward branch does not see the present, as in :mod:`clew.nn.both_ways`.
    """

    forwards: Mixer[Any, Any]
    backwards: Mixer[Any, Any]
    without_present: bool


# Layers whose backward branch is a layer of its own, ``reverse``, or, where that is None, the layer itself.
_OF_LAYERS: tuple[type[Mixer[Any, Any]], ...] = (GRU, LMU, LSTM, RNN, Mamba, Mamba2)
# Systems with a second output: what it is called without ``_reverse``, what passes the sample on, which only
# the forward branch does, and whether the backward branch is without the present.
_OF_OUTPUTS: dict[type[Mixer[Any, Any]], tuple[str, str, bool]] = {
    DSS: ("W", "D", True),
    LRU: ("C", "D", False),
    LinearLMU: ("W_m", "W_x", False),
    S4: ("C", "D", True),
    S4D: ("C", "D", True),
    S5: ("C", "D", False),
}


def directions(mixer: Mixer[Any, Any]) -> Directions:
    """The branches of a layer with ``bidirectional=True``.

    Args:
        mixer: which stays as it is: copies are changed.

    Raises:
        ValueError: for a layer that is none of clew's own.
    """
    forwards: Any = copy.deepcopy(mixer)
    forwards.bidirectional = False
    if type(mixer) in _OF_LAYERS:
        reverse, forwards.reverse = forwards.reverse, None
        return Directions(forwards, forwards if reverse is None else reverse, False)
    if type(mixer) not in _OF_OUTPUTS:
        known = sorted(kind.__name__ for kind in [*_OF_LAYERS, *_OF_OUTPUTS])
        raise ValueError(
            f"{type(mixer).__name__} with bidirectional=True cannot be exported: what the backward branch "
            f"does is known of {', '.join(known)}"
        )
    output, direct, without_present = _OF_OUTPUTS[type(mixer)]
    backwards = copy.deepcopy(forwards)
    with torch.no_grad():
        backwards.get_parameter(output).copy_(mixer.get_parameter(f"{output}_reverse"))
        backwards.get_parameter(direct).zero_()
    return Directions(forwards, backwards, without_present)
