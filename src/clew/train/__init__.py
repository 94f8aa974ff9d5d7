"""Training a model on a data set, and measuring it."""

from clew.train.config import TrainConfig
from clew.train.evaluate import evaluate
from clew.train.evaluation import Evaluation, ValueEvaluation
from clew.train.fit import default_directory, fit

__all__ = ["Evaluation", "TrainConfig", "ValueEvaluation", "default_directory", "evaluate", "fit"]
