"""What a language model of the command line is unless its options say otherwise."""

from typing import Literal, NamedTuple

__all__ = ["SIZES", "Size", "Surroundings", "surroundings"]


class Size(NamedTuple):
    """Channels and layers of a model."""

    d_model: int
    n_layers: int


SIZES = {
    "tiny": Size(64, 2),
    "small": Size(128, 4),
    "medium": Size(256, 6),
    "base": Size(512, 8),
    "large": Size(768, 24),
}
"""The ladder. With ``mamba2`` and bytes: 0.1, 0.6, 2.9, 14 and 90 million parameters."""


class Surroundings(NamedTuple):
    """What stands around a mixer, and how it learns.

    Attributes:
        activation: after the mixer.
        channel_mixing: the last part of each block.
        learning_rate: of AdamW, at its highest.
        dynamics_share: the learning rate of the dynamics, as a share of that.
    """

    activation: Literal["gelu", "none"]
    channel_mixing: Literal["glu", "none"]
    learning_rate: float
    dynamics_share: float


# A Mamba block has its gate and its nonlinearity inside; every other layer gets both from the block.
_GATED = Surroundings("none", "none", 4e-3, 1.0)
_LINEAR = Surroundings("gelu", "glu", 4e-3, 0.25)
_NONLINEAR = Surroundings("gelu", "glu", 4e-3, 1.0)

_OF = {
    "mamba": _GATED,
    "mamba2": _GATED,
    "gru": _NONLINEAR,
    "lstm": _NONLINEAR,
    "rnn": _NONLINEAR,
    "lmu": _NONLINEAR,
}


def surroundings(mixer: str) -> Surroundings:
    """What stands around ``mixer``: that of linear time-invariant layers for any that the table has not."""
    return _OF.get(mixer, _LINEAR)
