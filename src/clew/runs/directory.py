"""The folder of one training run, and what lies where in it."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from torch import nn

from clew.files.atomic import clean_leftovers, json_to_bytes, new_directory, write_bytes
from clew.files.tensors import tensors_to_bytes
from clew.runs.checkpoints import Checkpoint, remove_checkpoints, write_checkpoint
from clew.runs.config import RunConfig
from clew.runs.lock import locked
from clew.runs.metrics import cut_metrics, read_metrics

__all__ = ["RunDirectory"]


class RunDirectory:
    """A run directory that exists.

    ``config.json`` says how to rebuild the run, ``metrics.jsonl`` what it measured, ``model.safetensors``
    holds the trained weights (there once the run is finished), ``evaluation.json`` the result on a split,
    ``checkpoints`` what an interrupted run goes on from.

    Args:
        path: the folder.

    Attributes:
        path: the folder.
        config: what its ``config.json`` says.

    Raises:
        FileNotFoundError: if it is not a run directory.
        ValueError: if its ``config.json`` is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.config_file.is_file():
            problem = "has no config.json" if self.path.exists() else "does not exist"
            raise FileNotFoundError(f"{self.path} is not a run directory: it {problem}")
        self.config = RunConfig.read(self.config_file)

    @classmethod
    def create(
        cls, path: str | Path, config: RunConfig, start: Checkpoint, files: Mapping[str, bytes] | None = None
    ) -> "RunDirectory":
        """Make the run directory ``path``, which appears whole or not at all.

        Args:
            path: where; nothing is there yet.
            config: goes into its ``config.json``.
            start: the checkpoint from which the run starts.
            files: what else lies there from the start, by name.

        Raises:
            FileExistsError: if there is something at ``path``.
            OSError: if it cannot be written.
        """
        path = Path(path)
        cls.check_free(path)
        with new_directory(path) as aside:
            (aside / "config.json").write_bytes(json_to_bytes(config.as_json()))
            (aside / "metrics.jsonl").write_bytes(b"")
            for name, content in (files or {}).items():
                (aside / name).write_bytes(content)
            (aside / "checkpoints" / start.name).mkdir(parents=True)
            write_checkpoint(aside / "checkpoints" / start.name, start)
        return cls(path)

    @staticmethod
    def check_free(path: str | Path) -> None:
        """Check that a run directory can be made at ``path``.

        Raises:
            FileExistsError: if there is something at ``path``; the message says what to do.
        """
        if Path(path).is_symlink() or Path(path).exists():
            raise FileExistsError(
                f"{path} exists: continue that run with --resume (resume=True), or choose another --directory"
            )

    @property
    def config_file(self) -> Path:
        """``config.json``: how to rebuild the run."""
        return self.path / "config.json"

    @property
    def metrics_file(self) -> Path:
        """``metrics.jsonl``: a line a step and a line a validation."""
        return self.path / "metrics.jsonl"

    @property
    def model_file(self) -> Path:
        """``model.safetensors``: the trained weights."""
        return self.path / "model.safetensors"

    @property
    def evaluation_file(self) -> Path:
        """``evaluation.json``: the result on a split."""
        return self.path / "evaluation.json"

    @property
    def report_file(self) -> Path:
        """``report.html``: the report on the run."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """``checkpoints``: the folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def finished(self) -> bool:
        """Whether training came to its end, so that the trained weights are there."""
        return self.model_file.is_file()

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``, oldest first; see :func:`clew.runs.read_metrics`."""
        return read_metrics(self.metrics_file)

    def lock(self) -> AbstractContextManager[None]:
        """A ``with`` block in which no other process trains here.

        Raises:
            ValueError: on entering it, if another process does.
        """
        return locked(self.config_file)

    def rewind(self, metrics_size: int) -> None:
        """Forget what was written after a checkpoint: whole lines of metrics, and files half written.

        Args:
            metrics_size: as the checkpoint has it, in bytes.

        Raises:
            ValueError: if lines of metrics from before the checkpoint are missing.
        """
        cut_metrics(self.metrics_file, metrics_size)
        clean_leftovers(self.path)
        clean_leftovers(self.checkpoints)

    def finish(self, model: nn.Module) -> None:
        """Write the weights of ``model``, with which the run is finished; then remove its checkpoints."""
        write_bytes(self.model_file, tensors_to_bytes(model.state_dict()))
        remove_checkpoints(self.checkpoints)

    def write_evaluation(self, evaluation: dict[str, Any]) -> None:
        """Write ``evaluation.json``, in one visible step."""
        write_bytes(self.evaluation_file, json_to_bytes(evaluation))

    def evaluation(self) -> dict[str, Any] | None:
        """What ``evaluation.json`` says, if there is one.

        Raises:
            ValueError: if it is damaged.
        """
        if not self.evaluation_file.is_file():
            return None
        try:
            evaluation = json.loads(self.evaluation_file.read_bytes())
        except ValueError:
            evaluation = None
        if not isinstance(evaluation, dict):
            raise ValueError(f"{self.evaluation_file} is not a JSON object")
        return evaluation

    def __repr__(self) -> str:
        state = "finished" if self.finished else "not finished"
        return f"RunDirectory({str(self.path)!r}, {state})"
