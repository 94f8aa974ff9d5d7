"""What an evaluation found: of classes, or of values."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from clew.data.dataset import asked

__all__ = ["MOST_PAIRS", "Evaluation", "ValueEvaluation", "record"]

MOST_PAIRS = 1000
"""So many predictions are kept beside their targets in ``evaluation.json``, to be drawn: the first ones."""


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a split.

    Attributes:
        loss: the mean cross entropy of a target, in nats.
        accuracy: the share of targets that had the highest logit.
        predictions: (count,) int64: the class with the highest logit, for each target that is not ``IGNORE``,
            sequence after sequence.
        targets: (count,) int64: what was asked for.
    """

    loss: float
    accuracy: float
    predictions: Tensor
    targets: Tensor


@dataclass(frozen=True)
class ValueEvaluation:
    """How good the values are that a model gives on a split.

    All in the units of the data, the loss aside. Sums are float64.

    Attributes:
        loss: the mean squared error of a standardised value: in variances of the training targets.
        predictions: (count, value) float32: what the model gave, for each sequence or frame that is asked for
            a value, sequence after sequence.
        targets: (count, value) float32: what was asked for; NaN where nothing was.
        trivial: (value,) float32: the mean of each value over the training targets, the trivial answer.
    """

    loss: float
    predictions: Tensor
    targets: Tensor
    trivial: Tensor

    @property
    def count(self) -> int:
        """How many values were asked for."""
        return int(asked(self.targets).sum())

    @property
    def mean_squared_error(self) -> float:
        """The mean of (prediction − target)² over all values that were asked for."""
        return self._mean_squared_error(self.predictions)

    @property
    def root_mean_squared_error(self) -> float:
        """Its root, in the units of the values themselves."""
        return math.sqrt(self.mean_squared_error)

    @property
    def trivial_mean_squared_error(self) -> float:
        """The mean squared error of always answering the mean of the training targets."""
        return self._mean_squared_error(self.trivial.expand_as(self.targets))

    @property
    def explained(self) -> float:
        """R², the share of the variance of the targets that the model explains; the mean over the values.

        Of a value it is 1 − Σ (prediction − target)² / Σ (target − mean target)²: 1 for no error, 0 for no
        better than the mean of these targets, below 0 for worse. Of targets that are all the same it is 1 if
        there is no error, else 0; values that nothing asked for do not count.
        """
        shares = [
            _explained(predicted[is_asked], wanted[is_asked])
            for predicted, wanted, is_asked in zip(
                self.predictions.double().T, self.targets.double().T, asked(self.targets).T, strict=True
            )
            if is_asked.any()
        ]
        return sum(shares) / len(shares)

    def _mean_squared_error(self, answers: Tensor) -> float:
        error = (answers.double() - self.targets.double())[asked(self.targets)]
        return error.square().mean().item()


def _explained(predicted: Tensor, wanted: Tensor) -> float:
    """R² of one value, both (count,) float64."""
    error = (predicted - wanted).square().sum()
    spread = (wanted - wanted.mean()).square().sum()
    if bool((wanted == wanted[0]).all()):
        return float(error == 0)
    return float(1 - error / spread)


def record(found: Evaluation | ValueEvaluation, split: str, n_classes: int) -> dict[str, Any]:
    """What ``evaluation.json`` keeps, in types that JSON has.

    Args:
        found: the result.
        split: on which split.
        n_classes: how many there are, of an :class:`Evaluation`.

    Returns:
        The numbers; of classes with the confusion matrix, rows true and columns predicted, of values with
        the first ``MOST_PAIRS`` rows of predictions and targets, ``None`` where nothing was asked for.
    """
    if isinstance(found, Evaluation):
        return {
            "split": split,
            "loss": found.loss,
            "accuracy": found.accuracy,
            "count": len(found.targets),
            "confusion": _confusion(found.predictions, found.targets, n_classes),
        }
    is_asked = asked(found.targets[:MOST_PAIRS])
    return {
        "split": split,
        "loss": found.loss,
        "mean_squared_error": found.mean_squared_error,
        "explained": found.explained,
        "trivial_mean_squared_error": found.trivial_mean_squared_error,
        "count": found.count,
        "predictions": _rows(found.predictions[:MOST_PAIRS], is_asked),
        "targets": _rows(found.targets[:MOST_PAIRS], is_asked),
    }


def _confusion(predictions: Tensor, targets: Tensor, n_classes: int) -> list[list[int]]:
    """How often each class (row) was taken for each (column)."""
    flat = (targets * n_classes + predictions).bincount(minlength=n_classes**2)
    rows: list[list[int]] = flat.reshape(n_classes, n_classes).tolist()
    return rows


def _rows(values: Tensor, is_asked: Tensor) -> list[list[float | None]]:
    """(row, value) as lists, ``None`` where nothing was asked for: JSON has no NaN."""
    return [
        [value if known else None for value, known in zip(row, flags, strict=True)]
        for row, flags in zip(values.tolist(), is_asked.tolist(), strict=True)
    ]
