"""Models: a configuration, and the network built from it."""

from clew.models.build import build
from clew.models.classifier import Classifier, ClassifierState
from clew.models.config import ModelConfig
from clew.models.decoder import Decoder
from clew.models.groups import parameter_groups
from clew.models.language_config import LanguageModelConfig
from clew.models.language_model import LanguageModel, LanguageModelConstants
from clew.models.rounded import rounded

__all__ = [
    "Classifier",
    "ClassifierState",
    "Decoder",
    "LanguageModel",
    "LanguageModelConfig",
    "LanguageModelConstants",
    "ModelConfig",
    "build",
    "parameter_groups",
    "rounded",
]
