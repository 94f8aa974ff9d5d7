"""The facts that ``clew info`` shows of a language model."""

from pathlib import Path
from typing import TYPE_CHECKING

from clew.cli.table import table

if TYPE_CHECKING:
    from clew.models import LanguageModel
    from clew.runs import RunDirectory

__all__ = ["text_facts"]


def text_facts(path: Path, model: "LanguageModel") -> str:
    """Which text, which tokens, which model, how it was trained and how good it is."""
    from clew.cli.info import stream_words
    from clew.runs import RunDirectory, TextRecord

    directory = RunDirectory(path)
    data, config = directory.config.data, model.config
    assert isinstance(data, TextRecord)
    train, validation, test = data.n_bytes
    rows = [
        ["run", str(path)],
        ["text", f"{data.name}: {train:,} + {validation:,} + {test:,} bytes to train, validate and test"],
        *([name, file] for name, file in zip(["files", *[""] * len(data.files)], data.files, strict=False)),
        ["tokens", f"{data.tokenizer}, {data.n_tokens:,}"],
        ["model", f"{config.mixer}, {config.n_layers} × {config.d_model} channels"],
        ["stream", stream_words(model)],
        ["training", _training(directory)],
        ["evaluation", _evaluation(directory)],
    ]
    return table(rows, "<<")


def _training(directory: "RunDirectory") -> str:
    metrics = directory.metrics()
    steps = sum(line["kind"] == "train" for line in metrics)
    best = min(line["bits_per_byte"] for line in metrics if line["kind"] == "validation")
    return f"{steps:,} steps; best validation {best:.4f} bits per byte"


def _evaluation(directory: "RunDirectory") -> str:
    evaluation = directory.evaluation()
    if evaluation is None:
        return f"none yet: clew evaluate {directory.path}"
    try:
        return "{split}: {bits_per_byte:.4f} bits per byte (xz -9: {xz_alone:.4f})".format(**evaluation)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{directory.evaluation_file} is not what clew evaluate writes; run it again"
        ) from None
