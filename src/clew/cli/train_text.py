"""``clew train text``: from files of text to a language model."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from clew.cli.arguments import pairs
from clew.cli.locate import nothing_at
from clew.cli.sizes import SIZES, surroundings
from clew.cli.training import carry_out, check_place, show_warnings
from clew.errors import unknown_name

if TYPE_CHECKING:
    from clew.data import TextDataset
    from clew.models import LanguageModelConfig
    from clew.runs import Run
    from clew.train import TextConfig

__all__ = ["Options", "run"]

DEFAULT_STEPS = 2000


@dataclass(frozen=True)
class Options:
    """Train a language model on any text.

    Of all the bytes, in the order of the files, the first 90% are learned from, the next 5% watched, the last
    5% left for clew evaluate. What is reported is bits per byte, which is the same measure for any tokens.

    Sizes, as channels × layers, with the parameters of mamba2 on bytes: tiny 64 × 2 (0.1 million), small
    128 × 4 (0.6), medium 256 × 6 (2.9), base 512 × 8 (14), large 768 × 24 (90).
    """

    files: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="FILE ...")]
    """Files of text; for a folder its files that end in .txt."""
    mixer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "mamba2"
    """The layer that mixes over time, such as mamba2, mamba, s4d or lstm (a wrong one lists them all)."""
    mixer_options: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")] = ()
    """Options of the mixer, such as d_state=64."""
    size: Annotated[str, tyro.conf.arg(metavar="NAME")] = "small"
    """tiny, small, medium, base or large."""
    d_model: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Channels inside the model, in place of the size's."""
    n_layers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Layers, in place of the size's."""
    tokenizer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "bytes"
    """bytes, or bpe: a vocabulary learned from the training part."""
    vocabulary: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Tokens of a learned vocabulary; 4096 if not given."""
    length: Annotated[int, tyro.conf.arg(metavar="N")] = 256
    """Tokens in a row."""
    batch_size: Annotated[int, tyro.conf.arg(metavar="N")] = 16
    """Rows in a step, over all processes."""
    carry_state: bool = False
    """Let each row go on where the row before it ended, with its state (truncated backpropagation)."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Steps to take; 2000 if neither this nor --minutes is given."""
    minutes: Annotated[float | None, tyro.conf.arg(metavar="N")] = None
    """How long to take steps; the learning rate follows the clock. Validations come on top."""
    learning_rate: Annotated[float | None, tyro.conf.arg(metavar="RATE")] = None
    """At its highest; that of the dynamics of linear layers is a quarter of it. Not given: 0.004."""
    validations: Annotated[int, tyro.conf.arg(metavar="N")] = 10
    """How often to validate and to show a sample, evenly spaced; the best weights are kept."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of the first weights, the order of the rows and the samples."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto, cpu or cuda."""
    directory: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """The run directory; runs/FILE-MIXER if not given."""
    resume: bool = False
    """Go on with a run that was interrupted."""


def run(options: Options) -> int:
    """Train, write the report, and say what to do next."""
    show_warnings()
    training = _training(options)
    dataset = _dataset(options, training.directory)
    config = _model(options, dataset)
    return carry_out(config, dataset, training, resume=options.resume, summary=_summary)


def _training(options: Options) -> "TextConfig":
    """The settings of training, and where the run goes, checked before anything is read."""
    from clew.nn import mixers
    from clew.train import TextConfig

    if not options.files:
        raise ValueError("a text is needed: clew train text FILE ...")
    if options.size not in SIZES:
        raise unknown_name("size", options.size, SIZES)
    if options.tokenizer not in ("bytes", "bpe"):
        raise unknown_name("tokenizer", options.tokenizer, ("bytes", "bpe"))
    if options.vocabulary is not None and options.tokenizer == "bytes":
        raise ValueError("--vocabulary is of --tokenizer bpe: bytes are 256")
    mixers.read_options(options.mixer, pairs(options.mixer_options, "--mixer-options"), skip=1)
    around, rate = surroundings(options.mixer), options.learning_rate
    directory = Path(
        options.directory or Path("runs") / f"{Path(options.files[0]).resolve().stem}-{options.mixer}"
    )
    neither = options.steps is None and options.minutes is None
    config = TextConfig(
        steps=DEFAULT_STEPS if neither else options.steps,
        minutes=options.minutes,
        length=options.length,
        batch_size=options.batch_size,
        carry_state=options.carry_state,
        learning_rate=around.learning_rate if rate is None else rate,
        dynamics_learning_rate=around.dynamics_share * (around.learning_rate if rate is None else rate),
        validations=options.validations,
        seed=options.seed,
        device=options.device,  # type: ignore[arg-type] # TextConfig says which there are
        directory=directory,
    )
    check_place(directory, options.resume)
    return config


def _dataset(options: Options, directory: str | Path | None) -> "TextDataset":
    from clew import text
    from clew.data import read_text

    for file in options.files:
        if not Path(file).exists():
            raise nothing_at(file, "text")
    if options.tokenizer == "bytes":
        return read_text(options.files)
    if options.resume and directory is not None and (Path(directory) / "tokenizer.json").is_file():
        return read_text(options.files, text.load(directory))
    return read_text(options.files, vocabulary=options.vocabulary or 4096)


def _model(options: Options, dataset: "TextDataset") -> "LanguageModelConfig":
    from clew.models import LanguageModelConfig
    from clew.nn import mixers

    size, around = SIZES[options.size], surroundings(options.mixer)
    return LanguageModelConfig(
        n_tokens=dataset.tokenizer.n_tokens,
        mixer=options.mixer,
        mixer_options=mixers.read_options(
            options.mixer, pairs(options.mixer_options, "--mixer-options"), skip=1
        ),
        d_model=size.d_model if options.d_model is None else options.d_model,
        n_layers=size.n_layers if options.n_layers is None else options.n_layers,
        activation=around.activation,
        channel_mixing=around.channel_mixing,
    )


def _summary(result: "Run", report: Path) -> str:
    """What came out, where it is, and the commands that come next."""
    validations = [line for line in result.metrics if line["kind"] == "validation"]
    best = min(validations, key=lambda line: line["loss"])
    steps = sum(line["kind"] == "train" for line in result.metrics)
    parameters = sum(parameter.numel() for parameter in result.model.parameters())
    place = shlex.quote(str(result.directory))
    return "\n".join(
        [
            f"trained {result.config.model.mixer} on {result.config.data.name}: {steps:,} steps, "
            f"{parameters:,} parameters, best validation {best['bits_per_byte']:.4f} bits per byte",
            f"run     {result.directory}",
            f"report  {report}",
            "",
            f"clew evaluate {place}           # bits per byte of the test part, beside xz -9",
            f"clew info {place}               # layers and parameters",
            f"clew generate {place} --prompt 'Once upon a time'  # the model goes on with a text",
        ]
    )
