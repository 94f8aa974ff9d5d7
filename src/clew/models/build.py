"""A model from its configuration."""

from typing import overload

from clew.models.classifier import Classifier
from clew.models.config import ModelConfig
from clew.models.language_config import LanguageModelConfig
from clew.models.language_model import LanguageModel
from clew.models.regressor import Regressor
from clew.models.sequence_model import SequenceModel
from clew.nn import Backbone, Block, mixers

__all__ = ["build"]


@overload
def build(config: ModelConfig) -> SequenceModel: ...
@overload
def build(config: LanguageModelConfig) -> LanguageModel: ...
def build(config: ModelConfig | LanguageModelConfig) -> SequenceModel | LanguageModel:
    """The model that ``config`` describes, its parameters drawn from torch's generator as it stands.

    With ``n_values`` it is a :class:`Regressor`, otherwise a :class:`Classifier`.

    Raises:
        ValueError: for an unknown name (the message has the nearest right one), a size below 1, or classes
            and values at once.

    >>> model = build(ModelConfig(d_input=12, n_classes=9, d_model=16, mixer_options={"d_state": "8"}))
    >>> model.backbone.blocks[1].mixer.d_state
    8
    """
    if isinstance(config, LanguageModelConfig):
        _check_sizes(config, ("n_tokens", "d_model", "n_layers"))
        return LanguageModel(config, _backbone(config, config.norm_epsilon))
    if config.n_classes and config.n_values:
        raise ValueError(
            f"a model tells classes apart or gives values; got n_classes={config.n_classes} and "
            f"n_values={config.n_values}"
        )
    outputs = "n_values" if config.n_values else "n_classes"
    _check_sizes(config, ("d_input", outputs, "d_model", "n_layers"))
    kind = Regressor if config.n_values else Classifier
    return kind(config, _backbone(config, None))


def _check_sizes(config: ModelConfig | LanguageModelConfig, names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is at least 1; got {getattr(config, name)}")


def _backbone(config: ModelConfig | LanguageModelConfig, norm_epsilon: float | None) -> Backbone:
    return Backbone(
        Block(
            mixers.build(config.mixer, config.d_model, options=config.mixer_options),
            norm=config.norm,
            norm_epsilon=norm_epsilon,
            activation=config.activation,
            channel_mixing=config.channel_mixing,
            dropout=config.dropout,
        )
        for _ in range(config.n_layers)
    )
