"""Training a model on a data set, and measuring it."""

from clew.train.config import TrainConfig

__all__ = ["TrainConfig"]
