"""What the report on a language model is made from: a finished run and its model; the text is not read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clew.models import LanguageModel
from clew.runs import RunConfig, RunDirectory, TextRecord, load

__all__ = ["TextMaterial"]


@dataclass(frozen=True)
class TextMaterial:
    """A finished run on text, read from its directory.

    Attributes:
        path: the run directory.
        config: its ``config.json``.
        data: what that says of the text.
        model: the trained model, on the CPU, in evaluation mode.
        metrics: the lines of ``metrics.jsonl``.
        evaluation: what ``clew evaluate`` measured; none before.
    """

    path: Path
    config: RunConfig
    data: TextRecord
    model: LanguageModel
    metrics: list[dict[str, Any]]
    evaluation: Mapping[str, Any] | None

    @classmethod
    def read(cls, path: Path) -> "TextMaterial":
        """Read the run directory ``path``.

        Raises:
            FileNotFoundError: if it is not a run directory, or its run is not finished.
            ValueError: if a file in it is damaged, or it is no run on text.
        """
        directory, model = RunDirectory(path), load(path)
        data = directory.config.data
        if not isinstance(model, LanguageModel) or not isinstance(data, TextRecord):
            raise ValueError(f"{path} is not a run on text")
        return cls(path, directory.config, data, model, directory.metrics(), directory.evaluation())

    @property
    def longest(self) -> int:
        """Tokens in a row of training."""
        return int(self.config.training["length"])

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The lines of the metrics of one kind: ``"train"``, ``"validation"`` or ``"sample"``."""
        return [line for line in self.metrics if line["kind"] == kind]

    @property
    def best(self) -> dict[str, Any]:
        """The validation whose weights were kept."""
        return min(self.lines("validation"), key=lambda line: float(line["loss"]))
