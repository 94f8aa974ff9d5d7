"""``clew evaluate``: how good a trained model is on data it has not learned from."""

from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from clew.cli.locate import run_directory
from clew.errors import unknown_name

__all__ = ["Options", "run"]

_SPLITS = ("test", "train", "validation")


@dataclass(frozen=True)
class Options:
    """Measure a trained model on a split of its data set.

    Prints loss, accuracy and count, writes them and the confusion matrix to evaluation.json in the run
    directory, and brings report.html up to date.
    """

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run directory, from clew train."""
    split: Annotated[str, tyro.conf.arg(metavar="NAME")] = "test"
    """test, validation or train."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    """Sequences at a time."""


def run(options: Options) -> int:
    """Measure, print and keep the result."""
    if options.split not in _SPLITS:
        raise unknown_name("split", options.split, _SPLITS)
    if options.batch_size < 1:
        raise ValueError(f"--batch-size must be 1 or more, got {options.batch_size}")
    path = run_directory(options.run)

    from clew.runs import RunDirectory, load, load_dataset
    from clew.train import evaluate, report

    model = load(path)
    split = getattr(load_dataset(path), options.split)
    if not len(split):
        raise ValueError(f"the data set of {options.run} has no {options.split} split")
    result = evaluate(model, split, options.batch_size)
    confusion = _confusion(result.predictions, result.targets, model.config.n_classes)
    count = len(result.targets)
    RunDirectory(path).write_evaluation(
        {
            "split": options.split,
            "loss": result.loss,
            "accuracy": result.accuracy,
            "count": count,
            "confusion": confusion,
        }
    )
    report_file = report.write(path)
    print(f"split     {options.split}")
    print(f"loss      {result.loss:.4f}")
    print(f"accuracy  {result.accuracy:.2%}")
    print(f"count     {count}")
    print(f"report    {report_file}")
    return 0


def _confusion(predictions: Any, targets: Any, n_classes: int) -> list[list[int]]:
    """How often each class (row) was taken for each (column)."""
    flat = (targets * n_classes + predictions).bincount(minlength=n_classes**2)
    rows: list[list[int]] = flat.reshape(n_classes, n_classes).tolist()
    return rows
