"""Training, from a model and a data set to a run directory."""

import contextlib
import logging
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import AdamW

from clew.data import Dataset
from clew.models import ModelConfig, SequenceModel
from clew.runs import DataRecord, Run, RunConfig, RunDirectory, newest_checkpoint, read_checkpoint
from clew.runs.load import load_weights
from clew.train.checks import check_fit
from clew.train.config import TrainConfig
from clew.train.loop import Loop
from clew.train.objective import prepare
from clew.train.optimiser import build_optimiser
from clew.train.position import Position
from clew.train.snapshot import restore, take
from clew.train.step import Stepper
from clew.train.team import Team

__all__ = ["default_directory", "fit"]

logger = logging.getLogger(__name__)

# What may change when a run goes on: neither says what is computed.
_FREE = frozenset({"training.checkpoint_every", "training.device"})


def fit(
    model: SequenceModel,
    dataset: Dataset,
    config: TrainConfig,
    *,
    resume: bool = False,
    progress: bool = True,
) -> Run:
    """Train ``model`` on ``dataset``.

    Minimises the mean cross entropy of classes, or the mean squared error of standardised values, with AdamW,
    a warmup and a cosine, and clipped gradients; keeps the weights with the lowest loss on the validation
    split, and stops when it has not fallen for ``patience`` epochs. Without a validation split it trains for
    all epochs and keeps the last weights.

    Everything goes into the run directory: ``config.json``, ``metrics.jsonl`` with a line a step, a
    checkpoint every few seconds, and in the end ``model.safetensors``. The same seed, threads and machine
    give the same bits, whether or not the run was interrupted on the way. Under torchrun or ``accelerate
    launch`` the processes divide each batch among them, and follow the loss curve of one.

    Args:
        model: trained in place, and moved to the device; standardised with the data's means and deviations
            where training starts afresh.
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
    check_fit(model, dataset)
    team = Team.form(config.device)
    path = Path(config.directory or default_directory(dataset, model.config))
    record = RunConfig(
        model=model.config,
        data=DataRecord.of(dataset),
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
            position, best, metrics_size = _restart(directory, model, dataset, optimiser)
            team.wait()
            if team.leads:
                directory.rewind(metrics_size)
        else:
            position, best = Position(), None
            prepare(model, dataset)
            team.wait()
            if team.leads:
                directory = RunDirectory.create(path, record, take(model, optimiser, position, best, 0))
                stack.enter_context(directory.lock())
        team.wait()
        directory = RunDirectory(path)
        stepper = Stepper(model, optimiser, dataset, config, team, position.step)
        stack.callback(stepper.close)
        Loop(stepper, optimiser, directory, progress=progress).run(position, best)
        if team.leads:
            directory.finish(model)
        team.wait()
    return Run(directory.path, model, directory.metrics(), directory.config)


def default_directory(dataset: Dataset, config: ModelConfig) -> Path:
    """Where a run lies whose settings do not say: ``runs/japanese-vowels-s4d``, for instance."""
    return Path("runs") / f"{dataset.name}-{config.mixer}"


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
    directory: RunDirectory, model: SequenceModel, dataset: Dataset, optimiser: AdamW
) -> tuple[Position, dict[str, Tensor] | None, int]:
    """Restore the newest checkpoint, or start over: the position, best weights, size of the metrics."""
    path = newest_checkpoint(directory.checkpoints)
    if path is not None:
        return restore(read_checkpoint(path), path, model, optimiser)
    logger.warning("%s holds no checkpoint: training starts over", directory.path)
    prepare(model, dataset)
    return Position(), None, 0
