"""Everything that is needed to build a model again, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["ModelConfig"]


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a classifier or of a regressor.

    Attributes:
        d_input: channels of a raw sample.
        n_classes: classes to tell apart, for a classifier; 0 for a regressor.
        mixer: a name in :data:`clew.nn.mixers`.
        mixer_options: the mixer's own options, by name; values may be text.
        d_model: channels inside.
        n_layers: blocks.
        norm: in each block and before the head.
        activation: after each mixer.
        channel_mixing: the last part of each block.
        dropout: probability.
        pooling: what the head reads: the mean over the samples so far, the last sample, or every sample
            (``step``: one answer for each).
        n_values: values to give, for a regressor; 0 for a classifier.
    """

    d_input: int
    n_classes: int = 0
    mixer: str = "s4d"
    mixer_options: Mapping[str, Any] = field(default_factory=dict)
    d_model: int = 64
    n_layers: int = 2
    norm: Literal["layer", "rms", "none"] = "layer"
    activation: Literal["gelu", "silu", "relu", "none"] = "gelu"
    channel_mixing: Literal["glu", "mlp", "none"] = "glu"
    dropout: float = 0.0
    pooling: Literal["mean", "last", "step"] = "mean"
    n_values: int = 0

    @property
    def n_outputs(self) -> int:
        """How many numbers an answer has: classes or values."""
        return self.n_classes or self.n_values
