"""Learning curves: what the log of a run says of the loss and what is measured beside it, epoch by epoch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clew.train.objective import ACCURACY, MEAN_SQUARED_ERROR

__all__ = ["Curve", "Learning", "learning"]


@dataclass(frozen=True)
class Curve:
    """Some moments of training, counted in epochs that have passed.

    Attributes:
        epochs: the moments.
        loss: of classes in nats; of values in variances of the training targets.
        measured: of classes the accuracy, 0 to 1; of values the mean squared error in units of the data.
    """

    epochs: np.ndarray
    loss: np.ndarray
    measured: np.ndarray


@dataclass(frozen=True)
class Learning:
    """The learning curves of a run.

    Attributes:
        train: mean over the steps of each epoch, at the epoch's end.
        validation: measured at the end of each epoch.
        best: index into ``validation`` of the epoch whose weights were kept; None where none is marked.
        seconds: time spent in training, as logged; None where it is not.
        measure: what was measured beside the loss: ``"accuracy"`` or ``"mean_squared_error"``.
    """

    train: Curve
    validation: Curve
    best: int | None
    seconds: float | None
    measure: str = ACCURACY


def learning(metrics: Iterable[Mapping[str, Any]]) -> Learning:
    """Read the learning curves out of the lines of ``metrics.jsonl``.

    >>> lines = [{"kind": "train", "step": 1, "epoch": 0, "loss": 2.0, "accuracy": 0.5, "seconds": 0.1},
    ...          {"kind": "train", "step": 2, "epoch": 0, "loss": 1.0, "accuracy": 0.7, "seconds": 0.2},
    ...          {"kind": "validation", "step": 2, "epoch": 0, "loss": 1.2, "accuracy": 0.6, "best": True}]
    >>> learning(lines).train
    Curve(epochs=array([1.]), loss=array([1.5]), measured=array([0.6]))
    """
    steps: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    validations: list[Mapping[str, Any]] = []
    seconds: float | None = None
    for line in metrics:
        if line["kind"] == "train":
            steps[line["epoch"]].append(line)
            seconds = line.get("seconds", seconds)
        elif line["kind"] == "validation":
            validations.append(line)
    best = max((index for index, line in enumerate(validations) if line.get("best")), default=None)
    logged = [line for lines in steps.values() for line in lines] + validations
    measure = MEAN_SQUARED_ERROR if any(MEAN_SQUARED_ERROR in line for line in logged) else ACCURACY
    means = [
        {key: float(np.mean([line[key] for line in lines])) for key in ("loss", measure)} | {"epoch": epoch}
        for epoch, lines in sorted(steps.items())
    ]
    return Learning(_curve(means, measure), _curve(validations, measure), best, seconds, measure)


def _curve(lines: list[Any], measure: str) -> Curve:
    """The curve through ``lines``, each with an epoch (the first is 0), a loss and a ``measure``."""
    return Curve(
        epochs=np.array([line["epoch"] + 1.0 for line in lines]),
        loss=np.array([line["loss"] for line in lines], dtype=float),
        measured=np.array([line[measure] for line in lines], dtype=float),
    )
