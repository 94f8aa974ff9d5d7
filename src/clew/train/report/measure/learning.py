"""Learning curves: what the log of a run says of loss and accuracy, epoch by epoch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Curve", "Learning", "learning"]


@dataclass(frozen=True)
class Curve:
    """Loss (nats) and accuracy (0 to 1) at some moments of training, counted in epochs that have passed."""

    epochs: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray


@dataclass(frozen=True)
class Learning:
    """The learning curves of a run.

    Attributes:
        train: mean over the steps of each epoch, at the epoch's end.
        validation: measured at the end of each epoch.
        best: index into ``validation`` of the epoch whose weights were kept; None where none is marked.
        seconds: time spent in training, as logged; None where it is not.
    """

    train: Curve
    validation: Curve
    best: int | None
    seconds: float | None


def learning(metrics: Iterable[Mapping[str, Any]]) -> Learning:
    """Read the learning curves out of the lines of ``metrics.jsonl``.

    >>> lines = [{"kind": "train", "step": 1, "epoch": 0, "loss": 2.0, "accuracy": 0.5, "seconds": 0.1},
    ...          {"kind": "train", "step": 2, "epoch": 0, "loss": 1.0, "accuracy": 0.7, "seconds": 0.2},
    ...          {"kind": "validation", "step": 2, "epoch": 0, "loss": 1.2, "accuracy": 0.6, "best": True}]
    >>> learning(lines).train
    Curve(epochs=array([1.]), loss=array([1.5]), accuracy=array([0.6]))
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
    means = [
        {key: float(np.mean([line[key] for line in lines])) for key in ("loss", "accuracy")}
        | {"epoch": epoch}
        for epoch, lines in sorted(steps.items())
    ]
    return Learning(_curve(means), _curve(validations), best, seconds)


def _curve(lines: list[Any]) -> Curve:
    """The curve through ``lines``, each with an epoch (the first is 0), a loss and an accuracy."""
    return Curve(
        epochs=np.array([line["epoch"] + 1.0 for line in lines]),
        loss=np.array([line["loss"] for line in lines], dtype=float),
        accuracy=np.array([line["accuracy"] for line in lines], dtype=float),
    )
