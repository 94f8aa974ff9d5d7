"""Everything that is needed to build a language model again, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["LanguageModelConfig"]


@dataclass(frozen=True)
class LanguageModelConfig:
    """A language model's shape.

    Attributes:
        n_tokens: tokens to tell apart: the size of the vocabulary.
        mixer: a name in :data:`clew.nn.mixers`.
        mixer_options: the mixer's own options, by name; values may be text.
        d_model: channels inside.
        n_layers: blocks.
        norm: in each block and before the head.
        norm_epsilon: what the norm adds to the mean square, or to the variance.
        activation: after each mixer.
        channel_mixing: the last part of each block.
        dropout: probability.
        tied: whether the head's weights are those of the embedding.
        padded_to: rows of the embedding and the head; a published vocabulary is often filled up to a multiple
            of 8 or 16. The rows past ``n_tokens`` are nobody's. ``None`` for ``n_tokens``.
    """

    n_tokens: int
    mixer: str = "mamba2"
    mixer_options: Mapping[str, Any] = field(default_factory=dict)
    d_model: int = 128
    n_layers: int = 4
    norm: Literal["layer", "rms", "none"] = "rms"
    norm_epsilon: float = 1e-5
    activation: Literal["gelu", "silu", "relu", "none"] = "none"
    channel_mixing: Literal["glu", "mlp", "none"] = "none"
    dropout: float = 0.0
    tied: bool = True
    padded_to: int | None = None
