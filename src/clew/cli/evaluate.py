"""``clew evaluate``: how good a trained model is on data it has not learned from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from clew.cli.arguments import pairs
from clew.cli.locate import run_directory
from clew.cli.table import table
from clew.errors import unknown_name

if TYPE_CHECKING:
    from clew.data import Split
    from clew.models import Classifier

__all__ = ["Options", "run"]

_SPLITS = ("test", "train", "validation")
_AT_A_TIME = 64


@dataclass(frozen=True)
class Options:
    """Measure a trained model on a split of its data set, or a language model on a part of its text.

    Prints loss, accuracy and count, writes them and the confusion matrix to evaluation.json in the run
    directory, and brings report.html up to date. Of text it measures bits per byte, the state carried on
    from end to end, and shows what xz -9 takes. With --data-options or --resample it only prints: the run
    directory keeps what was measured as the model was trained.
    """

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run directory, from clew train."""
    split: Annotated[str, tyro.conf.arg(metavar="NAME")] = "test"
    """test, validation or train."""
    batch_size: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Sequences at a time, 64 if not given; of text so many stretches of it side by side, 1 if not given."""
    data_options: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")] = ()
    """Options of the data set in place of the run's, such as stride=2: the same data at half the rate."""
    resample: Annotated[float | None, tyro.conf.arg(metavar="FACTOR")] = None
    """Measure the model for samples so many times as far apart, too, beside the model as trained."""


def run(options: Options) -> int:
    """Measure, print and keep the result."""
    if options.split not in _SPLITS:
        raise unknown_name("split", options.split, _SPLITS)
    if options.batch_size is not None and options.batch_size < 1:
        raise ValueError(f"--batch-size must be 1 or more, got {options.batch_size}")
    path = run_directory(options.run)

    from clew.models import LanguageModel
    from clew.runs import load, load_dataset

    given = pairs(options.data_options, "--data-options")
    model = load(path)
    if isinstance(model, LanguageModel):
        from clew.cli.evaluate_text import evaluate_and_keep

        if given or options.resample is not None:
            raise ValueError("a text has no --data-options, and a language model is not resampled")
        evaluate_and_keep(path, model, options.split, options.batch_size or 1)
        return 0
    models = {"as trained": model}
    if options.resample is not None:
        models[f"resampled by {options.resample:g}"] = models["as trained"].resample(options.resample)
    split = getattr(load_dataset(path, given), options.split)
    if not len(split):
        raise ValueError(f"the data set of {options.run} has no {options.split} split")
    if given or options.resample is not None:
        print(_side_by_side(models, split, options))
    else:
        _measure_and_keep(path, models["as trained"], split, options)
    return 0


def _side_by_side(models: "dict[str, Classifier]", split: "Split", options: Options) -> str:
    """A column for each model."""
    from clew.train import evaluate

    found = [evaluate(model, split, options.batch_size or _AT_A_TIME) for model in models.values()]
    rows = [
        [options.split, *models],
        ["loss", *(f"{result.loss:.4f}" for result in found)],
        ["accuracy", *(f"{result.accuracy:.2%}" for result in found)],
        ["count", *(f"{len(result.targets)}" for result in found)],
    ]
    return table(rows, "<" + ">" * len(models))


def _measure_and_keep(path: Path, model: "Classifier", split: "Split", options: Options) -> None:
    """Print the result, and write it and the report to the run directory."""
    from clew.runs import RunDirectory
    from clew.train import evaluate, report

    result = evaluate(model, split, options.batch_size or _AT_A_TIME)
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


def _confusion(predictions: Any, targets: Any, n_classes: int) -> list[list[int]]:
    """How often each class (row) was taken for each (column)."""
    flat = (targets * n_classes + predictions).bincount(minlength=n_classes**2)
    rows: list[list[int]] = flat.reshape(n_classes, n_classes).tolist()
    return rows
