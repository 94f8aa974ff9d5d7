"""The confusion matrix: which class was taken for which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

__all__ = ["Confusion", "count_confusions"]


@dataclass(frozen=True)
class Confusion:
    """How often each class was predicted for each true class.

    Attributes:
        counts: (classes, classes) int; rows are true classes, columns predictions.
        classes: their names.
        split: the part of the data that was counted, "test" or "validation".
        unit: what was counted, "sequences" or "samples".
    """

    counts: np.ndarray
    classes: tuple[str, ...]
    split: str
    unit: str

    @property
    def accuracy(self) -> float:
        """Share of the diagonal, 0 to 1."""
        return float(np.trace(self.counts) / max(self.counts.sum(), 1))


def count_confusions(
    predictions: Tensor, targets: Tensor, classes: Sequence[str], split: str, unit: str
) -> Confusion:
    """Count predictions (any shape, int64) against targets of that shape; negative targets are ignored."""
    predicted, true = predictions.flatten().numpy(), targets.flatten().numpy()
    known = true >= 0
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (true[known], predicted[known]), 1)
    return Confusion(counts, tuple(classes), split, unit)
