"""One training of a comparison, measured."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from clew import data
from clew.compare import memory
from clew.compare.made import made_here
from clew.compare.plan import Training
from clew.compare.results import Measured, Row
from clew.data import IGNORE, Dataset, Split
from clew.files.atomic import json_to_bytes, write_bytes
from clew.models import build
from clew.runs import RunDirectory
from clew.train import ValueEvaluation, evaluate, fit

__all__ = ["measure", "measured_before", "trivial_accuracy"]

_ROW = "comparison.json"


def measure(training: Training, directory: Path, device: str = "auto") -> Row:
    """Train and measure; the row goes into the run directory as well.

    Args:
        training: what to train.
        directory: of the run; an interrupted run that lies there goes on from its checkpoint.
        device: where to train.

    Raises:
        ValueError: if the training cannot be done, or its loss ceases to be finite.
        OSError: if something cannot be read or written.
    """
    config = training.train_config(device, directory)
    dataset = data.load(training.task, training.task_options)
    torch.manual_seed(training.seed)
    model = build(training.model_config(dataset))
    begun = directory.exists()
    trained_before = begun and RunDirectory(directory).finished
    start = memory.start_peak()
    run = fit(model, dataset, config, resume=begun)
    # A run that only waited to be measured was trained in a process that took its peak with it.
    peak = None if trained_before or start is None else memory.peak()
    evaluation = evaluate(model, dataset.test, config.batch_size)
    steps = [line for line in run.metrics if line["kind"] == "train"]
    judged: dict[str, Any]
    if isinstance(evaluation, ValueEvaluation):
        judged = {
            "mean_squared_error": evaluation.mean_squared_error,
            "trivial": evaluation.trivial_mean_squared_error,
            "count": evaluation.count,
        }
    else:
        judged = {
            "accuracy": evaluation.accuracy,
            "trivial": trivial_accuracy(dataset),
            "count": len(evaluation.targets),
        }
    measured = Measured(
        **judged,
        loss=evaluation.loss,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        epochs=steps[-1]["epoch"] + 1,
        best_epoch=_best_epoch(run.metrics),
        seconds=steps[-1]["seconds"],
        epoch_seconds=_epoch_seconds(steps),
        start_bytes=None if peak is None else start,
        peak_bytes=peak,
    )
    row = Row(training, measured, made_here(model.head.weight.device))
    write_bytes(directory / _ROW, json_to_bytes(row.as_json()))
    return row


def measured_before(training: Training, directory: Path) -> Row | None:
    """The row of a run that was measured, if it lies in ``directory``.

    Raises:
        ValueError: if the row there is damaged, or one of another training.
    """
    file = directory / _ROW
    if not file.is_file():
        return None
    try:
        row = Row.from_json(json.loads(file.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} is not a row of results: {error}") from None
    if row.training != training:
        raise ValueError(f"{file} is the row of another training: remove {directory} to train anew")
    return row


def trivial_accuracy(dataset: Dataset) -> float:
    """The accuracy on the test split of always naming the class most frequent in the training split.

    >>> trivial_accuracy(data.load("japanese-vowels"))  # 30 of each speaker to learn from
    0.0837
    """
    names = _targets(dataset.train).bincount(minlength=dataset.n_classes).argmax()
    accuracy: float = (_targets(dataset.test) == names).double().mean().item()
    return accuracy


def _targets(split: Split) -> torch.Tensor:
    """Every target of ``split`` that asks for something, in one dimension."""
    targets = torch.cat([target.reshape(-1) for target in split.targets])
    return targets[targets != IGNORE]


def _best_epoch(metrics: Sequence[dict[str, Any]]) -> int:
    """The epoch, from 1, whose weights were kept: the last where there was no validation."""
    best = [line["epoch"] for line in metrics if line["kind"] == "validation" and line["best"]]
    return int(best[-1] if best else metrics[-1]["epoch"]) + 1


def _epoch_seconds(steps: Sequence[dict[str, Any]]) -> float:
    """The median from one epoch's last step to the next one's, the first counted from the start."""
    ends = list({line["epoch"]: line["seconds"] for line in steps}.values())
    median: float = statistics.median(end - before for before, end in zip([0.0, *ends], ends, strict=False))
    return median
