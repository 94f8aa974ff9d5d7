"""From a run directory back to its model and its data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from clew import data, text
from clew.data import Dataset, TextDataset
from clew.files.tensors import check_tensors, read_tensors
from clew.models import LanguageModel, SequenceModel, build
from clew.runs.directory import RunDirectory
from clew.runs.text_record import TextRecord

__all__ = ["load", "load_dataset", "load_sequence_model", "load_text", "load_weights"]


def load(path: str | Path) -> SequenceModel | LanguageModel:
    """The trained model of a run, on the CPU, in evaluation mode.

    Args:
        path: the run directory.

    Raises:
        FileNotFoundError: if it is not a run directory, or its run is not finished.
        ValueError: if a file in it is damaged or does not belong there.
    """
    directory = RunDirectory(path)
    if not directory.finished:
        raise FileNotFoundError(
            f"{path} holds no trained model yet: finish the run with --resume (resume=True)"
        )
    model = build(directory.config.model)
    load_weights(model, directory.model_file)
    return model.eval()


def load_sequence_model(path: str | Path) -> SequenceModel:
    """The trained model of a run on labelled sequences; see :func:`load`.

    Raises:
        FileNotFoundError: as :func:`load`.
        ValueError: as :func:`load`, and for a language model.
    """
    model = load(path)
    if isinstance(model, LanguageModel):
        raise ValueError(f"{path} is a language model; wanted one that was trained on labelled sequences")
    return model


def load_weights(model: nn.Module, path: Path) -> None:
    """Set the parameters and buffers of ``model`` to those in the file ``path``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or of another model.
    """
    weights = read_tensors(path)
    check_tensors(path, weights, model.state_dict())
    model.load_state_dict(weights)


def load_dataset(path: str | Path, options: Mapping[str, Any] | None = None) -> Dataset:
    """The data set that a run was trained on.

    Args:
        path: the run directory.
        options: of the data set, in place of those that the run had of these names: another sampling rate,
            say.

    Raises:
        FileNotFoundError: if it is not a run directory, or the data are not where they were.
        ValueError: if the data no longer have the classes or values, and the channels, that the run was
            trained on, or for an unknown option.
    """
    record = RunDirectory(path).config.labelled
    dataset = data.load(record.name, {**record.options, **(options or {})})
    for field in ("classes", "values", "channels", "target"):
        there, here = getattr(record, field), getattr(dataset, field)
        if there != here:
            raise ValueError(
                f"the data set {record.name!r} has changed: for {path} its {field} were {there}, "
                f"and now they are {here}"
            )
    return dataset


def load_text(path: str | Path) -> TextDataset:
    """The text that a language model was trained on, as the run's own tokenizer divides it.

    Args:
        path: the run directory.

    Raises:
        FileNotFoundError: if it is not a run directory, or a file is not where it was.
        ValueError: if it is a run on labelled sequences, or the text is no longer the same.
    """
    record = RunDirectory(path).config.data
    if not isinstance(record, TextRecord):
        raise ValueError(f"{path} was trained on labelled sequences, not on text")
    dataset = data.read_text(record.files, text.load(path))
    if TextRecord.of(dataset).digest != record.digest:
        raise ValueError(f"the text has changed since {path} was trained on it: {', '.join(record.files)}")
    return dataset
