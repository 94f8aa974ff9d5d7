"""``clew evaluate``: how good a trained model is on data it has not learned from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from clew.cli.arguments import pairs
from clew.cli.locate import run_directory
from clew.cli.table import table
from clew.errors import unknown_name

if TYPE_CHECKING:
    from clew.data import Split
    from clew.models import SequenceModel
    from clew.train import Evaluation, ValueEvaluation

__all__ = ["Options", "run"]

_SPLITS = ("test", "train", "validation")
_AT_A_TIME = 64


@dataclass(frozen=True)
class Options:
    """Measure a trained model on a split of its data set, or a language model on a part of its text.

    Prints loss, accuracy and count, writes them and the confusion matrix to evaluation.json in the run
    directory, and brings report.html up to date. Of values it prints the mean squared error and its root, the
    share of variance explained (R²), and the mean squared error of always answering the mean. Of text it
    measures bits per byte, the state carried on from end to end, and shows what xz -9 takes. With
    --data-options or --resample it only prints: the run directory keeps what was measured as the model was
    trained.
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


def _side_by_side(models: "dict[str, SequenceModel]", split: "Split", options: Options) -> str:
    """A column for each model."""
    from clew.train import evaluate

    found = [_lines(evaluate(model, split, options.batch_size or _AT_A_TIME)) for model in models.values()]
    names = [name for name, _ in found[0]]
    values = zip(*([value for _, value in lines] for lines in found), strict=True)
    rows = [[options.split, *models], *([name, *row] for name, row in zip(names, values, strict=True))]
    return table(rows, "<" + ">" * len(models))


def _measure_and_keep(path: Path, model: "SequenceModel", split: "Split", options: Options) -> None:
    """Print the result, and write it and the report to the run directory."""
    from clew.runs import RunDirectory
    from clew.train import evaluate, report
    from clew.train.evaluation import record

    result = evaluate(model, split, options.batch_size or _AT_A_TIME)
    RunDirectory(path).write_evaluation(record(result, options.split, model.config.n_classes))
    report_file = report.write(path)
    lines = [("split", options.split), *_lines(result), ("report", str(report_file))]
    print(table(lines, "<<"))


def _lines(result: "Evaluation | ValueEvaluation") -> list[tuple[str, str]]:
    """What is printed of an evaluation: names and numbers."""
    from clew.train import ValueEvaluation

    if isinstance(result, ValueEvaluation):
        return [
            ("mean squared error", f"{result.mean_squared_error:.4g}"),
            ("its root", f"{result.root_mean_squared_error:.4g}"),
            ("R²", f"{result.explained:.4f}"),
            ("always the mean", f"{result.trivial_mean_squared_error:.4g}"),
            ("count", str(result.count)),
        ]
    return [
        ("loss", f"{result.loss:.4f}"),
        ("accuracy", f"{result.accuracy:.2%}"),
        ("count", str(len(result.targets))),
    ]
