"""Training a model on a data set, and measuring it."""

from clew.train.config import TrainConfig
from clew.train.evaluate import Evaluation, evaluate
from clew.train.fit import fit
from clew.train.labelled import default_directory
from clew.train.text import TextConfig

__all__ = ["Evaluation", "TextConfig", "TrainConfig", "default_directory", "evaluate", "fit"]
