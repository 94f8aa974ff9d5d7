"""Models: a configuration, and the network built from it."""

from clew.models.build import build
from clew.models.classifier import Classifier, ClassifierState
from clew.models.config import ModelConfig
from clew.models.groups import parameter_groups

__all__ = ["Classifier", "ClassifierState", "ModelConfig", "build", "parameter_groups"]
