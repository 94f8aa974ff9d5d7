"""A model that learns from labelled sequences."""

from dataclasses import dataclass
from pathlib import Path

from torch.optim import AdamW

from clew.data import Dataset
from clew.models import ModelConfig, SequenceModel
from clew.runs import DataRecord
from clew.train.checks import check_fit
from clew.train.config import TrainConfig
from clew.train.objective import prepare
from clew.train.step import Stepper
from clew.train.team import Team

__all__ = ["Labelled", "default_directory"]


@dataclass(frozen=True)
class Labelled:
    """A model, labelled sequences and the settings of training: a :class:`clew.train.task.Task`.

    Attributes:
        model: what is trained.
        dataset: what it learns from.
        config: how.
    """

    model: SequenceModel
    dataset: Dataset
    config: TrainConfig

    @property
    def record(self) -> DataRecord:
        """What ``config.json`` says of the data."""
        return DataRecord.of(self.dataset)

    @property
    def directory(self) -> Path:
        """Where the run lies."""
        return Path(self.config.directory or default_directory(self.dataset, self.model.config))

    def check(self) -> None:
        """Check that the parts belong together; see :func:`clew.train.checks.check_fit`."""
        check_fit(self.model, self.dataset)

    def begin(self) -> None:
        """Set by what the model standardises."""
        prepare(self.model, self.dataset)

    def files(self) -> dict[str, bytes]:
        """None."""
        return {}

    def steps(self, optimiser: AdamW, team: Team, taken: int) -> Stepper:
        """What takes the steps."""
        return Stepper(self.model, optimiser, self.dataset, self.config, team, taken)


def default_directory(dataset: Dataset, config: ModelConfig) -> Path:
    """Where a run lies whose settings do not say: ``runs/japanese-vowels-s4d``, for instance."""
    return Path("runs") / f"{dataset.name}-{config.mixer}"
