"""``clew compare``: mixers side by side on one task, with one budget and the same seeds."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from clew.cli.arguments import pairs
from clew.cli.table import table
from clew.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clew.compare import Budget, Group, Row, Training
    from clew.data import Dataset

__all__ = ["Options", "run"]

_Words = Annotated[tuple[str, ...], tyro.conf.arg(metavar="MIXER:NAME=VALUE ...")]
_Pairs = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")]


@dataclass(frozen=True)
class Options:
    """Train several mixers on a task with one budget and the same seeds, and show them side by side.

    TASK is the name of a data set, or the path of your own, as for clew train. Each training runs in a fresh
    process and becomes a row of the results file as soon as it is finished, measured on the test split. Run
    again, what has a row is left out, and what was interrupted goes on; another budget makes other rows.

    Without --mixers nothing is trained: what the results file has of the task is shown, with --data-options
    what it has of the task with these.
    """

    task: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="TASK")]
    """The name of a data set, or the path of your own."""
    data_options: _Pairs = ()
    """Options of the data set, such as length=20."""
    mixers: Annotated[str, tyro.conf.arg(metavar="NAME,NAME,...")] = ""
    """The layers to compare, such as s4d,lru,gru."""
    mixer_options: _Words = ()
    """Options of mixers, such as s4d:d_state=32,rnn:nonlinearity=none."""
    seeds: Annotated[str, tyro.conf.arg(metavar="N,N,...")] = "0,1,2"
    """Each mixer is trained once with each."""
    d_model: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    """Channels inside the models."""
    n_layers: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """Layers."""
    dropout: Annotated[float, tyro.conf.arg(metavar="P")] = 0.0
    """Probability of dropout."""
    pooling: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """What is answered from: mean, last or step; auto is step for a target a sample, else mean."""
    epochs: Annotated[int, tyro.conf.arg(metavar="N")] = 60
    """Passes over the training data, at most."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="N")] = 32
    """Sequences in a step."""
    learning_rate: Annotated[float, tyro.conf.arg(metavar="RATE")] = 4e-3
    """Of all but the dynamics of the mixers, at its highest."""
    patience: Annotated[int, tyro.conf.arg(metavar="N")] = 15
    """Stop after so many epochs without a better validation loss."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto, cpu or cuda."""
    results: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The file of rows; results.json in the directory if not given."""
    directory: Annotated[Path, tyro.conf.arg(metavar="PATH")] = Path("runs/compare")
    """The folder for the run directories and the plots."""


def run(options: Options) -> int:
    """Train what has no row yet, print the table, draw the plot."""
    results = options.results or options.directory / "results.json"

    from clew.compare import carry_out, group_rows, read_rows

    _check_paths(results, options.directory)
    before = read_rows(results)
    if not options.mixers:
        for group in group_rows(_rows_of_task(options, before, results)):
            _show(group, options.directory)
        return 0

    trainings = _trainings(options)
    try:
        failed = carry_out(trainings, results, options.directory, device=options.device, say=_say)
    except KeyboardInterrupt:
        print("clew: interrupted; the same command goes on", file=sys.stderr)
        raise
    for group in group_rows(read_rows(results)):
        if any(row.training in trainings for line in group.lines for row in line.rows):
            print()
            _show(group, options.directory)
    return 1 if failed else 0


def _rows_of_task(options: Options, rows: "Sequence[Row]", results: Path) -> "list[Row]":
    """The rows of the task, which is read only if its name alone does not tell what it is."""
    from clew.compare import options_of_task
    from clew.data import datasets

    task, given = options.task, {}
    if options.data_options or task not in datasets:
        dataset = _dataset(options)
        task, given = dataset.name, options_of_task(dataset)
    found = [
        row
        for row in rows
        if row.training.task == task and given.items() <= dict(row.training.task_options).items()
    ]
    if not found:
        titles = {row.training.title for row in rows}
        named = " ".join([options.task, *options.data_options])
        raise unknown_name(f"task in {results}:", named, titles or {"none yet"})
    return found


def _trainings(options: Options) -> list["Training"]:
    """What is to be trained, all of it checked before the first one begins."""
    import torch

    from clew.compare import plan
    from clew.models import build

    mixer_options, seeds = _mixers(options), _seeds(options.seeds)
    dataset = _dataset(options)
    trainings = plan(dataset, mixer_options, _budget(options, dataset), seeds)
    for training in trainings:
        training.train_config(options.device, options.directory)
    for training in trainings[: len(mixer_options)]:
        with torch.random.fork_rng(devices=[]):
            build(training.model_config(dataset))
    return trainings


def _mixers(options: Options) -> dict[str, dict[str, str]]:
    """The mixers by name, each with the options given for it, checked before the data is read."""
    from clew.nn import mixers

    names = _listed(options.mixers, "--mixers")
    for name in names:
        if name not in mixers:
            raise unknown_name("mixer", name, mixers)
    given: dict[str, list[str]] = {name: [] for name in names}
    for word in ",".join(options.mixer_options).split(","):
        name, colon, pair = word.partition(":")
        if not word:
            continue
        if not colon:
            raise ValueError(f"--mixer-options takes mixer:name=value, got {word!r}")
        if name not in given:
            raise unknown_name("mixer in --mixer-options:", name, given)
        given[name].append(pair)
    read = {name: pairs(words, "--mixer-options") for name, words in given.items()}
    for name, pairs_ in read.items():
        mixers.read_options(name, pairs_, skip=1)
    return read


def _seeds(text: str) -> list[int]:
    words = _listed(text, "--seeds")
    for word in words:
        if not word.isascii() or not word.isdigit():
            raise ValueError(f"--seeds takes whole numbers from 0, got {word!r}")
    return [int(word) for word in words]


def _listed(text: str, option: str) -> list[str]:
    """The words between the commas of ``text``, each of which may be there once."""
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not word:
            raise ValueError(f"{option} takes words between commas, got {text!r}")
        if words.count(word) > 1:
            raise ValueError(f"{option}: {word!r} is given twice")
    return words


def _dataset(options: Options) -> "Dataset":
    from clew.data import load

    dataset = load(options.task, pairs(options.data_options, "--data-options"))
    if not len(dataset.test):
        raise ValueError(f"{options.task} has no test split to compare on: set an option of the data set")
    return dataset


def _budget(options: Options, dataset: "Dataset") -> "Budget":
    from clew.compare import Budget

    pooling = options.pooling
    if pooling == "auto":
        pooling = "step" if dataset.target == "step" else "mean"
    return Budget(
        d_model=options.d_model,
        n_layers=options.n_layers,
        dropout=options.dropout,
        pooling=pooling,  # type: ignore[arg-type] # the model says which there are
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        patience=options.patience,
    )


def _check_paths(results: Path, directory: Path) -> None:
    """Find out before the first training that its row could not be kept."""
    if results.is_dir():
        raise IsADirectoryError(f"the results go to a file; {results} is a folder")
    for path in (results.parent, directory):
        file = next((place for place in (path, *path.parents) if place.is_file()), None)
        if file is not None:
            raise NotADirectoryError(f"{path} cannot be a folder: {file} is a file")


def _say(training: "Training", what: str, failed: bool) -> None:
    """A line on a training: what became of it goes to standard output, that it failed to standard error."""
    line = f"{training.label}, seed {training.seed}: {' '.join(what.split())}"
    if failed:
        print(f"clew: {line}", file=sys.stderr)
    else:
        print(line, flush=True)


def _show(group: "Group", directory: Path) -> None:
    """The table of a group, and its plot as a PNG beside its runs."""
    from clew.compare.figure import draw_comparison
    from clew.compare.summary import ALIGN, cells, conditions
    from clew.files.atomic import write_bytes
    from clew.train.report.figures.canvas import LIGHT, to_png

    print("\n".join([group.training.title, *conditions(group), "", table(cells(group), ALIGN)]))
    plot = group.training.directory(directory).parent / "comparison.png"
    plot.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(plot, to_png(lambda theme: draw_comparison(group, theme), LIGHT))
    print(f"\nplot  {plot}")
