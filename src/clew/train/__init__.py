"""Training a model on a data set, and measuring it."""

from clew.train.config import TrainConfig
from clew.train.evaluate import Evaluation, evaluate
from clew.train.fit import default_directory, fit

__all__ = ["Evaluation", "TrainConfig", "default_directory", "evaluate", "fit"]
