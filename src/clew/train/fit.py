"""Training, from a model and a data set to a run directory."""

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import overload

import torch
from torch import Tensor
from torch.optim import AdamW

from clew.data import Dataset, TextDataset
from clew.models import LanguageModel, SequenceModel
from clew.runs import Run, RunConfig, RunDirectory, newest_checkpoint, read_checkpoint
from clew.runs.load import load_weights
from clew.train.config import TrainConfig
from clew.train.labelled import Labelled
from clew.train.loop import Loop
from clew.train.optimiser import build_optimiser
from clew.train.position import Position
from clew.train.snapshot import restore, take
from clew.train.task import Task
from clew.train.team import Team
from clew.train.text import TextConfig
from clew.train.text.task import Text

__all__ = ["fit"]

logger = logging.getLogger(__name__)

# What may change when a run goes on: neither says what is computed.
_FREE = frozenset({"training.checkpoint_every", "training.device"})


@overload
def fit(
    model: SequenceModel,
    dataset: Dataset,
    config: TrainConfig,
    *,
    resume: bool = False,
    progress: bool = True,
) -> Run: ...
@overload
def fit(
    model: LanguageModel,
    dataset: TextDataset,
    config: TextConfig,
    *,
    resume: bool = False,
    progress: bool = True,
) -> Run: ...
def fit(
    model: SequenceModel | LanguageModel,
    dataset: Dataset | TextDataset,
    config: TrainConfig | TextConfig,
    *,
    resume: bool = False,
    progress: bool = True,
) -> Run:
    """Train ``model`` on ``dataset``.

    Minimises the mean cross entropy of classes, or the mean squared error of standardised values, with AdamW,
    a warmup and a cosine, and clipped gradients; keeps the weights with the lowest loss on the validation
    split, and stops when it has not fallen for ``patience`` epochs. Without a validation split it trains for
    all epochs and keeps the last weights. A language model learns from text for so many steps or minutes,
    without an early end; see :class:`TextConfig`.

    Everything goes into the run directory: ``config.json``, ``metrics.jsonl`` with a line a step, a
    checkpoint every few seconds, and in the end ``model.safetensors``. The same seed, threads and machine
    give the same bits, whether or not the run was interrupted on the way. Under torchrun or ``accelerate
    launch`` the processes divide each batch among them, and follow the loss curve of one.

    Args:
        model: trained in place, and moved to the device; standardised with the data's means and deviations
            where training starts afresh, if its samples are numbers.
        dataset: what to learn.
        config: how.
        resume: go on with the run in ``config.directory`` that was interrupted; ``model`` then needs only the
            same configuration, its weights are replaced. A run that is finished is loaded, and said to be.
        progress: whether to show a progress bar where there is a terminal.

    Returns:
        The run, with the trained model in evaluation mode.

    Raises:
        FileExistsError: if there is something at ``config.directory``, and ``resume`` is false.
        FileNotFoundError: if ``resume`` is true and there is no run.
        ValueError: if model and data do not belong together, the data hold NaN or infinity, the run to go on
            with was another one or is damaged: nothing has then been written. Or if the loss ceases to be
            finite: all up to the last checkpoint is then kept.
    """
    task = _task(model, dataset, config)
    task.check()
    team = Team.form(config.device)
    path = task.directory
    record = RunConfig(
        model=model.config,
        data=task.record,
        training=config.as_record(),
        threads=torch.get_num_threads(),
        processes=team.size,
    )
    if resume:
        directory = _open(path, record)
        if directory.finished:
            logger.warning("the run in %s is finished: there is nothing to resume", path)
            load_weights(model, directory.model_file)
            return Run(directory.path, model.eval(), directory.metrics(), directory.config)
    else:
        RunDirectory.check_free(path)
    if not len(dataset.validation) and team.leads:
        logger.warning("no validation split: no early stopping, and the last weights are kept")

    devices = [team.device] if team.device.type == "cuda" else []
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices))
        torch.manual_seed(config.seed)
        model.to(team.device)
        optimiser = build_optimiser(model, config)
        if resume:
            if team.leads:
                stack.enter_context(directory.lock())
            position, best, metrics_size, memory = _restart(directory, task, optimiser)
        else:
            position, best = Position(), None
            task.begin()
        team.wait()
        steps = task.steps(optimiser, team, position.step)
        stack.callback(steps.close)
        if resume:
            if memory is not None:
                steps.recall(*memory)
            if team.leads:
                directory.rewind(metrics_size)
        elif team.leads:
            directory = RunDirectory.create(
                path, record, take(steps, optimiser, position, best, 0), task.files()
            )
            stack.enter_context(directory.lock())
        team.wait()
        directory = RunDirectory(path)
        Loop(steps, optimiser, directory, progress=progress).run(position, best)
        if team.leads:
            directory.finish(model)
        team.wait()
    return Run(directory.path, model, directory.metrics(), directory.config)


def _task(
    model: SequenceModel | LanguageModel, dataset: Dataset | TextDataset, config: TrainConfig | TextConfig
) -> Task:
    """The task of these three, if they belong together."""
    if (
        isinstance(model, LanguageModel)
        and isinstance(dataset, TextDataset)
        and isinstance(config, TextConfig)
    ):
        return Text(model, dataset, config)
    if isinstance(model, SequenceModel) and isinstance(dataset, Dataset) and isinstance(config, TrainConfig):
        return Labelled(model, dataset, config)
    raise ValueError(
        "fit takes a LanguageModel, a TextDataset and a TextConfig, or a Classifier or Regressor, a Dataset "
        f"and a TrainConfig; got a {type(model).__name__}, a {type(dataset).__name__} "
        f"and a {type(config).__name__}"
    )


def _open(path: Path, record: RunConfig) -> RunDirectory:
    """The run at ``path``, if it is the one that ``record`` describes."""
    directory = RunDirectory(path)
    differences = directory.config.differences(record, ignored=_FREE)
    if differences:
        raise ValueError(f"{path} is another run: {'; '.join(differences)}")
    was, now = directory.config, record
    if (was.threads, was.processes) != (now.threads, now.processes):
        logger.warning(
            "%s was started with %d × %d threads and goes on with %d × %d: the last digits may differ",
            path, was.processes, was.threads, now.processes, now.threads,
        )  # fmt: skip
    return directory


def _restart(
    directory: RunDirectory, task: Task, optimiser: AdamW
) -> tuple[Position, dict[str, Tensor] | None, int, tuple[Mapping[str, Tensor], Path] | None]:
    """Restore the newest checkpoint, or start over.

    Returns:
        The position, the best weights, the size of the metrics; and what the steps kept, with its file.
    """
    path = newest_checkpoint(directory.checkpoints)
    if path is None:
        logger.warning("%s holds no checkpoint: training starts over", directory.path)
        task.begin()
        return Position(), None, 0, None
    checkpoint = read_checkpoint(path)
    memory = (checkpoint.tensors.get("memory", {}), path / "memory.safetensors")
    return *restore(checkpoint, path, task.model, optimiser), memory
