"""``clew info``: what a trained model is, seen from outside and from inside."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from clew.cli.locate import run_directory
from clew.cli.table import table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from clew.models import LanguageModel, SequenceModel
    from clew.nn import Mixer
    from clew.runs import DataRecord, RunDirectory

__all__ = ["Options", "run", "stream_words"]

# A list of more lines than this is cut to so many of them.
_MOST_LINES, _SHOWN_LINES = 12, 3


@dataclass(frozen=True)
class Options:
    """Show a trained model: its layers and their parameters, and the dynamics of each layer.

    A pole is an eigenvalue λ of a layer's discrete system, which takes one step a sample: what is stored
    along it fades to 1/e in −1 / ln |λ| samples, its time constant, and turns by arg λ a sample. A kernel is
    as long as 99% of its energy takes.
    """

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run directory, from clew train."""
    plot: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    """Draw poles, time constants and kernels of the layers to this PNG file as well."""


def run(options: Options) -> int:
    """Print the tables, and draw if asked to."""
    path = run_directory(options.run)
    if options.plot is not None:
        if options.plot.suffix.lower() != ".png":
            raise ValueError(f"--plot writes a PNG file, whose name ends in .png; got {options.plot}")
        if not options.plot.parent.is_dir():
            raise FileNotFoundError(f"{options.plot.parent}: no such folder to draw {options.plot.name} in")

    from clew.cli.info_text import text_facts
    from clew.models import LanguageModel
    from clew.runs import load

    model = load(path)
    if options.plot is not None:
        _draw(model, options.plot)
    facts = text_facts(path, model) if isinstance(model, LanguageModel) else _facts(path, model)
    print("\n\n".join([facts, _parameters(model), _dynamics(model)]))
    return 0


def _draw(model: "SequenceModel | LanguageModel", path: Path) -> None:
    from clew.files.atomic import write_bytes
    from clew.train.report import layers

    try:
        content = layers.picture(model)
    except ValueError as reason:
        raise ValueError(f"there is nothing to plot: {reason}") from None
    write_bytes(path, content)


def _facts(path: Path, model: "SequenceModel") -> str:
    from clew.runs import RunDirectory

    directory = RunDirectory(path)
    data, config = directory.config.labelled, model.config
    rows = [
        ["run", str(path)],
        [
            "data",
            f"{data.name}: {len(data.channels)} channels, {_asked(data)} a {data.target}",
        ],
        *_wrapped("channels", data.channels),
        *_wrapped("classes", data.classes),
        *_wrapped("values", data.values),
        ["model", f"{config.mixer}, {config.n_layers} × {config.d_model} channels, {config.pooling} pooling"],
        ["stream", stream_words(model)],
        ["training", _training(directory.metrics())],
        ["evaluation", _evaluation(directory)],
    ]
    return table(rows, "<<")


def _asked(data: "DataRecord") -> str:
    """What the data asks for."""
    if data.values:
        return "1 value" if len(data.values) == 1 else f"{len(data.values)} values"
    return f"{len(data.classes)} classes, one"


def stream_words(model: "SequenceModel | LanguageModel") -> str:
    """What a stream of ``model`` keeps between two samples, or why there is none."""
    try:
        return f"{_state_bytes(model.initial_state(1)):,} bytes of state, whatever its length"
    except ValueError as reason:
        return f"none: {reason}"


def _training(metrics: list[dict[str, Any]]) -> str:
    steps = [line for line in metrics if line["kind"] == "train"]
    epochs = len({line["epoch"] for line in steps})
    text = f"{len(steps)} {_plural('step', len(steps))} in {epochs} {_plural('epoch', epochs)}"
    best = min(
        (line for line in metrics if line["kind"] == "validation"),
        key=lambda line: line["loss"],
        default=None,
    )
    if best is None:
        return text
    from clew.train.objective import in_words

    return f"{text}; best validation loss {best['loss']:.4f} with {in_words(best)}"


def _evaluation(directory: "RunDirectory") -> str:
    evaluation = directory.evaluation()
    if evaluation is None:
        return f"none yet: clew evaluate {directory.path}"
    try:
        if "accuracy" in evaluation:
            return "{split}: accuracy {accuracy:.2%}, loss {loss:.4f}, count {count}".format(**evaluation)
        return (
            "{split}: mean squared error {mean_squared_error:.4g}, R² {explained:.4f}, count {count}".format(
                **evaluation
            )
        )
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{directory.evaluation_file} is not what clew evaluate writes; run it again"
        ) from None


def _wrapped(name: str, words: Sequence[str]) -> list[list[str]]:
    """Rows of a table for a list that may be long; of a very long one, its beginning and how many more."""
    unbroken = ("\N{NO-BREAK SPACE}".join(word.split()) for word in words)
    lines = textwrap.wrap(", ".join(unbroken), 80, break_long_words=False, break_on_hyphens=False)
    if len(lines) > _MOST_LINES:
        shown = sum(len(line.split(" ")) for line in lines[:_SHOWN_LINES])
        lines[_SHOWN_LINES:] = [f"… and {len(words) - shown} more"]
    return [
        [name if number == 0 else "", line.replace("\N{NO-BREAK SPACE}", " ")]
        for number, line in enumerate(lines)
    ]


def _parameters(model: "SequenceModel | LanguageModel") -> str:
    """How many numbers each part of the model learned."""
    rows = [["part", "what it is", "parameters"]]
    for name, part in model.named_children():
        if name == "backbone":
            for number, block in enumerate(model.backbone.blocks, start=1):
                rows += _block(f"layer {number}", block)
        else:
            rows.append([name, type(part).__name__, f"{_count(part):,}"])
    rows.append(["total", "", f"{_count(model):,}"])
    return table(rows, "<<>")


def _block(name: str, block: "nn.Module") -> Iterator[list[str]]:
    """A layer, and its parts that learn."""
    yield [name, type(block).__name__, f"{_count(block):,}"]
    for part_name, part in block.named_children():
        if _count(part):
            yield [f"  {part_name}", _kind(part), f"{_count(part):,}"]


def _kind(part: "nn.Module") -> str:
    inner = [type(module).__name__ for module in part.children()]
    return " + ".join(inner) if type(part).__name__ == "Sequential" else type(part).__name__


def _count(part: "nn.Module") -> int:
    return sum(parameter.numel() for parameter in part.parameters())


def _state_bytes(tree: Any) -> int:
    """The size of the tensors in a tree of tuples."""
    if isinstance(tree, tuple):
        return sum(map(_state_bytes, tree))
    tensor: Tensor = tree
    return tensor.numel() * tensor.element_size()


def _dynamics(model: "SequenceModel | LanguageModel") -> str:
    """The poles of each layer, and what they mean in samples and in the layer's own time."""
    rows, without = [["", "least", "median", "greatest"]], []
    for number, block in enumerate(model.backbone.blocks, start=1):
        mixer: Mixer[Any, Any] = block.mixer  # type: ignore[assignment]
        try:
            rows += _poles(f"layer {number}", mixer)
        except ValueError as error:
            without.append(f"layer {number} has no poles: {error}")
    tables = [table(rows, "<>>>")] if len(rows) > 1 else []
    return "\n".join([*tables, *without])


def _poles(name: str, mixer: "Mixer[Any, Any]") -> list[list[str]]:
    """The rows on one layer.

    Raises:
        ValueError: if the layer is not a linear time-invariant system.
    """
    import torch

    from clew.train.report.measure.reach import kernel_length

    with torch.no_grad():
        discrete = mixer.system()
        poles = discrete.poles()
        size = poles.abs()
        count, order = poles[..., 0].numel(), poles.shape[-1]
        rows = [
            [f"{name}: {count} {_plural('system', count)} of order {order}", "", "", ""],
            [
                f"  {_count(mixer):,} parameters, {_state_bytes(mixer.initial_state(1)):,} bytes of state",
                "",
                "",
                "",
            ],
            ["  |pole|", *_spread(size)],
            ["  time constant, samples", *_spread(torch.where(size < 1, -1 / size.log(), torch.inf))],
            ["  kernel, samples", *_spread(kernel_length(discrete))],
            ["  turns a sample, |arg pole| / 2π", *_spread(poles.angle().abs() / (2 * torch.pi))],
        ]
        try:
            continuous = mixer.continuous_system().poles()
        except ValueError:
            return rows
        return [
            *rows,
            ["  continuous pole, Re", *_spread(continuous.real)],
            ["  continuous pole, |Im|", *_spread(continuous.imag.abs())],
            ["  its time in a sample, Δ", *_spread(torch.as_tensor(discrete.dt))],
        ]


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _spread(values: "Tensor") -> list[str]:
    values = values.double().flatten()
    return [f"{value:.4g}" for value in (values.min().item(), values.median().item(), values.max().item())]
