"""From a run directory back to its model and its data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clew import data
from clew.data import Dataset
from clew.models import SequenceModel, build
from clew.runs.directory import RunDirectory
from clew.runs.tensors import check_tensors, read_tensors

__all__ = ["load", "load_dataset", "load_weights"]


def load(path: str | Path) -> SequenceModel:
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


def load_weights(model: SequenceModel, path: Path) -> None:
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
    record = RunDirectory(path).config.data
    dataset = data.load(record.name, {**record.options, **(options or {})})
    for field in ("classes", "values", "channels", "target"):
        there, here = getattr(record, field), getattr(dataset, field)
        if there != here:
            raise ValueError(
                f"the data set {record.name!r} has changed: for {path} its {field} were {there}, "
                f"and now they are {here}"
            )
    return dataset
