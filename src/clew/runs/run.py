"""What a training run leaves in the hands of its caller."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clew.models import LanguageModel, SequenceModel
from clew.runs.config import RunConfig

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        directory: the run directory.
        model: the trained model: the best weights, in evaluation mode.
        metrics: the lines of ``metrics.jsonl``, oldest first.
        config: what ``config.json`` says.
    """

    directory: Path
    model: SequenceModel | LanguageModel = field(repr=False)
    metrics: list[dict[str, Any]] = field(repr=False)
    config: RunConfig = field(repr=False)
