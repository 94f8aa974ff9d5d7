"""What a run needs of its model, its data and its settings, whatever they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor
from torch.optim import AdamW

from clew.models import LanguageModel, SequenceModel
from clew.runs import DataRecord, TextRecord
from clew.train.objective import Objective
from clew.train.position import Position
from clew.train.step import StepResult
from clew.train.team import Team

__all__ = ["Settings", "Steps", "Task"]


class Settings(Protocol):
    """What the settings of every kind of training have; see :class:`clew.train.TrainConfig`."""

    @property
    def learning_rate(self) -> float:
        """Of AdamW, at its highest."""

    @property
    def dynamics_learning_rate(self) -> float:
        """The same, of the parameters that hold the dynamics of the layers."""

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""

    @property
    def seed(self) -> int:
        """Of the order of the data and of dropout."""

    @property
    def checkpoint_every(self) -> float:
        """Seconds between two checkpoints."""

    @property
    def device(self) -> str:
        """Where to compute: auto, cpu or cuda."""

    @property
    def directory(self) -> str | Path | None:
        """The run directory."""

    def as_record(self) -> dict[str, Any]:
        """The fields that ``config.json`` keeps."""


class Steps(Protocol):
    """Takes the steps of a run and validates after each stretch of them, called an epoch."""

    @property
    def model(self) -> SequenceModel | LanguageModel:
        """What is trained, on the team's device."""

    @property
    def team(self) -> Team:
        """The processes."""

    @property
    def objective(self) -> Objective:
        """What is measured, and its name."""

    @property
    def epochs(self) -> int:
        """How many stretches there are at most."""

    @property
    def steps(self) -> int | None:
        """How many steps there are at most; none where the clock decides."""

    @property
    def validates(self) -> bool:
        """Whether there is a validation split."""

    @property
    def config(self) -> Settings:
        """The settings."""

    def finished(self, position: Position) -> bool:
        """Whether training has come to its end."""

    def over(self, position: Position) -> bool:
        """Whether the steps of the epoch are taken, so that its validation comes next."""

    def step(self, epoch: int, batch: int) -> StepResult:
        """Take the step of ``batch`` in ``epoch``, both from 0.

        Raises:
            ValueError: if the loss or its gradient is not finite; the weights have then not moved.
        """

    def validate(self) -> tuple[float, float]:
        """The mean loss on the validation split, and the mean of what is measured beside it.

        Raises:
            ValueError: if the loss is not finite.
        """

    def samples(self, position: Position) -> list[dict[str, Any]]:
        """Lines of metrics that show the model at work after a validation.

        Asked of the process that leads alone.
        """

    def memory(self) -> dict[str, Tensor]:
        """What the next step depends on besides weights, optimiser and position: a checkpoint keeps it."""

    def recall(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take back what :meth:`memory` gave.

        Args:
            tensors: what the checkpoint has of it.
            path: its file, for messages.

        Raises:
            ValueError: if it is not of such a run.
        """

    def close(self) -> None:
        """Leave the model as one that is trained no more."""


class Task(Protocol):
    """A model, what it learns from, and how."""

    @property
    def model(self) -> SequenceModel | LanguageModel:
        """What is trained."""

    @property
    def config(self) -> Settings:
        """The settings."""

    @property
    def record(self) -> DataRecord | TextRecord:
        """What ``config.json`` says of the data."""

    @property
    def directory(self) -> Path:
        """Where the run lies."""

    def check(self) -> None:
        """Check that the parts belong together.

        Raises:
            ValueError: if they do not, or there is nothing to learn from.
        """

    def begin(self) -> None:
        """Prepare the model, where training starts afresh."""

    def files(self) -> dict[str, bytes]:
        """What lies in the run directory from the start, besides what lies in every one."""

    def steps(self, optimiser: AdamW, team: Team, taken: int) -> Steps:
        """What takes the steps.

        Args:
            optimiser: over the parameters of the model.
            team: the processes.
            taken: how many steps were taken before.
        """
