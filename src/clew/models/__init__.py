"""Models: a configuration, and the network built from it."""

from clew.models.build import build
from clew.models.classifier import Classifier
from clew.models.config import ModelConfig
from clew.models.decoder import Decoder
from clew.models.groups import parameter_groups
from clew.models.language_config import LanguageModelConfig
from clew.models.language_model import LanguageModel, LanguageModelConstants
from clew.models.quickest import quickest
from clew.models.regressor import Regressor
from clew.models.rounded import rounded
from clew.models.sequence_model import SequenceModel, SequenceState

__all__ = [
    "Classifier",
    "Decoder",
    "LanguageModel",
    "LanguageModelConfig",
    "LanguageModelConstants",
    "ModelConfig",
    "Regressor",
    "SequenceModel",
    "SequenceState",
    "build",
    "parameter_groups",
    "quickest",
    "rounded",
]
