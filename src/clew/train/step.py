"""The numbers of training: one step of the optimiser, one validation, over all processes of a team."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import AdamW

from clew.data import Dataset
from clew.data.dataset import nothing
from clew.models import SequenceModel
from clew.nn import Dropout
from clew.train.config import TrainConfig
from clew.train.evaluate import evaluating, measure
from clew.train.gradient import check_finite, gradient
from clew.train.objective import objective_of, targets_in
from clew.train.order import batches, epoch_order
from clew.train.position import Position
from clew.train.schedule import warmup_cosine
from clew.train.team import Team

__all__ = ["StepResult", "Stepper"]


class StepResult(NamedTuple):
    """What a step measured, over the global batch and before the weights moved.

    Attributes:
        loss: summed over the targets.
        measured: what the objective measures beside it, summed likewise: right answers, squared errors,
            or bits.
        targets: how many targets there were.
        learning_rate: the highest of the groups' rates.
    """

    loss: float
    measured: float
    targets: int
    learning_rate: float


class Stepper:
    """Takes the steps of a run; which one is the caller's to say.

    Each process of the team works on its rows of the global batch, padded to one length. It scales its loss
    so that the mean over the processes, which is what data-parallel gradients are, is the mean over the
    targets of the global batch; so several processes take the steps that one would, but for rounding.

    Args:
        model: on the team's device; the same in each process.
        optimiser: over the parameters of ``model``.
        dataset: what to learn.
        config: how.
        team: the processes.
        taken: how many steps were taken before.

    Attributes:
        objective: what the model learns by.
    """

    def __init__(
        self,
        model: SequenceModel,
        optimiser: AdamW,
        dataset: Dataset,
        config: TrainConfig,
        team: Team,
        taken: int,
    ) -> None:
        self.model, self.dataset, self.config, self.team = model, dataset, config, team
        self.objective = objective_of(model)
        self.epoch_steps = math.ceil(len(dataset.train) / config.batch_size)
        self.epochs = config.epochs
        self.steps: int | None = config.epochs * self.epoch_steps
        self.validates = bool(len(dataset.validation))
        self._optimiser = optimiser
        self._schedule = warmup_cosine(optimiser, config.epochs * self.epoch_steps, config.warmup, taken)
        self._parallel = team.accelerator.prepare(model)
        self._parallel.train()
        self._target_counts = targets_in(dataset.train.targets)
        self._dropouts = [layer for layer in model.modules() if isinstance(layer, Dropout)]
        self._batches: tuple[int, list[list[int]]] = (-1, [])

    def step(self, epoch: int, batch: int) -> StepResult:
        """Take the step of ``batch`` in ``epoch``, both from 0.

        Raises:
            ValueError: if the loss or its gradient is not finite; the weights have then not moved.
        """
        indices = self._indices(epoch, batch)
        count = int(self._target_counts[indices].sum())
        share, device = self.team.rows(len(indices)), self.team.device
        longest = int(self.dataset.train.lengths[indices].max())
        inputs, lengths, targets = self.dataset.train.batch(indices[share.rows], time=longest)
        if share.idle:
            targets = torch.full_like(targets, nothing(targets))
        for dropout in self._dropouts:
            dropout.set_rows(len(indices), share.rows)

        answers, _ = self._parallel(inputs.to(device), lengths=lengths.to(device))
        loss, measured = self.objective.sums(answers, targets.to(device))
        where = f"at step {epoch * self.epoch_steps + batch + 1} (epoch {epoch + 1}, batch {batch + 1})"
        limit = self.config.gradient_clip
        total, total_measured = gradient(self.team, self.model, loss, measured, count, limit, where)
        rate = float(max(self._schedule.get_last_lr()))
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()
        return StepResult(total, total_measured, count, rate)

    def validate(self) -> tuple[float, float]:
        """The mean loss on the validation split and what is measured beside it, by all processes.

        Raises:
            ValueError: if the loss is not finite.
        """
        split = self.dataset.validation
        totals = torch.zeros(3, dtype=torch.float64, device=self.team.device)
        parts = batches(list(range(len(split))), self.config.batch_size)
        with evaluating(self.model):
            for indices in parts[self.team.index :: self.team.size]:
                totals += measure(self.model, split, indices)[2]
        loss, measured, count = self.team.sum(totals).tolist()
        check_finite(loss, f"the validation loss is {loss / count}")
        return loss / count, measured / count

    def finished(self, position: Position) -> bool:
        """Whether all epochs have passed, or the validation loss has not fallen for long enough."""
        return position.epoch >= self.epochs or position.stale >= self.config.patience

    def over(self, position: Position) -> bool:
        """Whether every batch of the epoch was seen."""
        return position.batch >= self.epoch_steps

    def samples(self, position: Position) -> list[dict[str, Any]]:
        """None: measures say how good answers are."""
        return []

    def memory(self) -> dict[str, Tensor]:
        """Nothing: each batch stands alone."""
        return {}

    def recall(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Nothing to take back."""

    def close(self) -> None:
        """Leave the model as one that is trained no more."""
        for dropout in self._dropouts:
            dropout.set_rows(None, None)
        self._optimiser.zero_grad()
        self.model.eval()

    def _indices(self, epoch: int, batch: int) -> list[int]:
        """The sequences of a global batch."""
        if self._batches[0] != epoch:
            order = epoch_order(len(self.dataset.train), self.config.seed, epoch)
            self._batches = (epoch, batches(order, self.config.batch_size))
        return self._batches[1][batch]
