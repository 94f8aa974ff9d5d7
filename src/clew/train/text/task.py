"""A language model that learns from text."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from torch.optim import AdamW

from clew.data import TextDataset
from clew.models import LanguageModel
from clew.runs import TextRecord
from clew.train.team import Team
from clew.train.text.config import TextConfig
from clew.train.text.rows import Rows
from clew.train.text.steps import TextSteps

__all__ = ["Text"]


@dataclass(frozen=True)
class Text:
    """A language model, a text and the settings of training: a :class:`clew.train.task.Task`.

    Attributes:
        model: what is trained.
        dataset: what it learns from.
        config: how.
    """

    model: LanguageModel
    dataset: TextDataset
    config: TextConfig

    @property
    def record(self) -> TextRecord:
        """What ``config.json`` says of the data."""
        return TextRecord.of(self.dataset)

    @property
    def directory(self) -> Path:
        """Where the run lies: ``runs/shakespeare-mamba2``, for instance, if the settings do not say."""
        return Path(self.config.directory or Path("runs") / f"{self.dataset.name}-{self.model.config.mixer}")

    def check(self) -> None:
        """Check that the parts belong together.

        Raises:
            ValueError: if the model has another vocabulary than the text, or the text is too short for a row.
        """
        there, here = self.dataset.tokenizer.n_tokens, self.model.config.n_tokens
        if there != here:
            raise ValueError(f"the model tells {here} tokens apart, and the text is of {there}")
        config = self.config
        Rows(len(self.dataset.train), config.length, config.batch_size, config.seed, config.carry_state)

    def begin(self) -> None:
        """Nothing to prepare."""

    def files(self) -> dict[str, bytes]:
        """The tokenizer's."""
        with tempfile.TemporaryDirectory() as folder:
            self.dataset.tokenizer.save(folder)
            return {file.name: file.read_bytes() for file in Path(folder).iterdir()}

    def steps(self, optimiser: AdamW, team: Team, taken: int) -> TextSteps:
        """What takes the steps."""
        return TextSteps(self.model, optimiser, self.dataset, self.config, team, taken)
