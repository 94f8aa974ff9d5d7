"""What was predicted beside what is true, of a model that gives values."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Predicted"]


@dataclass(frozen=True)
class Predicted:
    """Values that a model gave, and those that were asked for.

    Attributes:
        predictions: (row, value) float64.
        targets: (row, value) float64; NaN where nothing was asked for.
        values: the name of each value.
        split: the part of the data, "test" or "validation".
        mean_squared_error: over the whole split, of which the rows may be the first ones.
        trivial: the mean squared error of always answering the mean of the training targets.
        explained: R², the share of variance explained.
        count: how many values the split asks for.
    """

    predictions: np.ndarray
    targets: np.ndarray
    values: tuple[str, ...]
    split: str
    mean_squared_error: float
    trivial: float
    explained: float
    count: int
