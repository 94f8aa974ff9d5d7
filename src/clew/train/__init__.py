"""Training a model on a data set, and measuring it."""

from clew.train.config import TrainConfig
from clew.train.evaluate import evaluate
from clew.train.evaluation import Evaluation, ValueEvaluation
from clew.train.fit import fit
from clew.train.heap import keep_freed_memory
from clew.train.labelled import default_directory
from clew.train.text import TextConfig

__all__ = [
    "Evaluation",
    "TextConfig",
    "TrainConfig",
    "ValueEvaluation",
    "default_directory",
    "evaluate",
    "fit",
    "keep_freed_memory",
]
