"""A model from its configuration."""

from clew.models.classifier import Classifier
from clew.models.config import ModelConfig
from clew.nn import Backbone, Block, mixers

__all__ = ["build"]


def build(config: ModelConfig) -> Classifier:
    """The model that ``config`` describes, its parameters drawn from torch's generator as it stands.

    Raises:
        ValueError: for an unknown name (the message has the nearest right one) or a size below 1.

    >>> model = build(ModelConfig(d_input=12, n_classes=9, d_model=16, mixer_options={"d_state": "8"}))
    >>> model.backbone.blocks[1].mixer.d_state
    8
    """
    for name in ("d_input", "n_classes", "d_model", "n_layers"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is at least 1; got {getattr(config, name)}")
    blocks = [
        Block(
            mixers.build(config.mixer, config.d_model, options=config.mixer_options),
            norm=config.norm,
            activation=config.activation,
            channel_mixing=config.channel_mixing,
            dropout=config.dropout,
        )
        for _ in range(config.n_layers)
    ]
    return Classifier(config, Backbone(blocks))
