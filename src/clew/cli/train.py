"""``clew train``: from the name or the path of a data set to a run directory."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from clew.cli.arguments import pairs
from clew.cli.locate import nothing_at
from clew.cli.training import carry_out, check_place, show_warnings

if TYPE_CHECKING:
    from clew.data import Dataset
    from clew.models import ModelConfig
    from clew.runs import Run
    from clew.train import TrainConfig

__all__ = ["Options", "run"]

_Pairs = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")]


@dataclass(frozen=True)
class Options:
    """Train a model on a data set: a classifier, or a regressor where the data asks for values.

    DATASET is a name, such as japanese-vowels, digits, fashion-mnist, listops, pathfinder, spoken-language,
    maze or adding (a wrong one lists them all), or your own: a folder of CSV files, one sequence each in a
    folder named by its label, or a CSV file with the columns series, time and label.

    The run directory gets config.json, metrics.jsonl, checkpoints/, model.safetensors and report.html. The
    same command under torchrun or accelerate launch trains with several processes.
    """

    dataset: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="DATASET")]
    """The name of a data set, or the path of your own."""
    data_options: _Pairs = ()
    """Options of the data set, such as validation=0.2."""
    mixer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "s4d"
    """The layer that mixes over time, such as s4d, s5, lru or gru (a wrong one lists them all)."""
    mixer_options: _Pairs = ()
    """Options of the mixer, such as d_state=32 init=lin."""
    d_model: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    """Channels inside the model."""
    n_layers: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """Layers."""
    dropout: Annotated[float, tyro.conf.arg(metavar="P")] = 0.0
    """Probability of dropout."""
    pooling: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """What is answered from: mean, last or step; auto is step for a target a sample, else mean."""
    epochs: Annotated[int, tyro.conf.arg(metavar="N")] = 60
    """Passes over the training data, at most."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="N")] = 32
    """Sequences in a step, over all processes."""
    learning_rate: Annotated[float, tyro.conf.arg(metavar="RATE")] = 4e-3
    """Of all but the dynamics of the mixer, at its highest."""
    patience: Annotated[int, tyro.conf.arg(metavar="N")] = 15
    """Stop after so many epochs without a better validation loss."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of the first weights, the order of the data and dropout."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto, cpu or cuda."""
    directory: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """The run directory; runs/DATASET-MIXER if not given."""
    resume: bool = False
    """Go on with a run that was interrupted."""


def run(options: Options) -> int:
    """Train, write the report, and say what to do next."""
    show_warnings()
    training = _training(options)
    dataset = _dataset(options)
    config = _model(options, dataset)
    return carry_out(config, dataset, training, resume=options.resume, summary=_summary)


def _training(options: Options) -> "TrainConfig":
    """The settings of training, and where the run goes, checked before the data is read."""
    from clew.nn import mixers
    from clew.train import TrainConfig

    mixers.read_options(options.mixer, pairs(options.mixer_options, "--mixer-options"), skip=1)
    source = Path(options.dataset)
    name = source.resolve().stem if source.exists() else options.dataset
    directory = Path(options.directory or Path("runs") / f"{name}-{options.mixer}")
    config = TrainConfig(
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        patience=options.patience,
        seed=options.seed,
        device=options.device,  # type: ignore[arg-type] # TrainConfig says which there are
        directory=directory,
    )
    check_place(directory, options.resume)
    return config


def _dataset(options: Options) -> "Dataset":
    from clew.data import datasets, load

    given = pairs(options.data_options, "--data-options")
    name = options.dataset
    if name not in datasets and ("/" in name or name.endswith(".csv")) and not Path(name).exists():
        raise nothing_at(name, "data set")
    return load(name, given)


def _model(options: Options, dataset: "Dataset") -> "ModelConfig":
    from clew.models import ModelConfig
    from clew.nn import mixers

    pooling = options.pooling
    if pooling == "auto":
        pooling = "step" if dataset.target == "step" else "mean"
    return ModelConfig(
        d_input=dataset.d_input,
        n_classes=dataset.n_classes,
        mixer=options.mixer,
        mixer_options=mixers.read_options(
            options.mixer, pairs(options.mixer_options, "--mixer-options"), skip=1
        ),
        d_model=options.d_model,
        n_layers=options.n_layers,
        dropout=options.dropout,
        pooling=pooling,  # type: ignore[arg-type] # the model says which there are
        n_values=dataset.n_values,
    )


def _summary(result: "Run", report: Path) -> str:
    """What came out, where it is, and the commands that come next."""
    from clew.train.objective import in_words

    validations = [line for line in result.metrics if line["kind"] == "validation"]
    data, mixer = result.config.data.name, result.config.model.mixer
    lines = [f"trained {mixer} on {data}"]
    if validations:
        best = min(validations, key=lambda line: line["loss"])
        lines[0] += (
            f": {len(validations)} epoch{'s' * (len(validations) > 1)}, "
            f"best validation loss {best['loss']:.4f} with {in_words(best)}"
        )
    place = shlex.quote(str(result.directory))
    commands = [
        f"clew evaluate {place}           # measure it on the test split",
        f"clew info {place}               # layers, poles, time constants",
    ]
    if not result.config.model.mixer_options.get("bidirectional"):
        commands.append(f"clew stream {place} < samples   # one sample a line in, one prediction a line out")
    return "\n".join(
        [
            *lines,
            f"run     {result.directory}",
            f"report  {report}",
            "",
            *commands,
        ]
    )
