"""Data sets by name, and your own by path."""

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clew.data.dataset import Dataset
from clew.registry import Registry

__all__ = ["datasets", "load"]

datasets: Registry[Dataset] = Registry("data set")
"""The factories of data sets; each takes plain options and returns a :class:`~clew.data.Dataset`."""


def load(name_or_path: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Dataset:
    """A data set, by its name or by the path of your own files.

    A registered name comes first; write ``./digits`` for a folder that has the name of a data set. Otherwise
    an existing folder is a ``csv-folder`` and an existing ``.csv`` file a ``csv-table``.

    Args:
        name_or_path: a name in :data:`clew.data.datasets`, or a path.
        options: of the data set; text values are read as the option's type.

    Raises:
        ValueError: for an unknown name or option, a value that cannot be read, or data that is not right.
        FileNotFoundError: for a path with nothing there.

    >>> load("japanese-vowels", {"validation": "0.1"})
    Dataset('japanese-vowels', 243 train, 27 validation, 370 test, 12 channels, 9 classes)
    """
    name, given = os.fspath(name_or_path), options or {}
    if name not in datasets and (kind := _kind_of_path(name)) is not None:
        if "path" in given:
            raise ValueError(f"the path is given twice: {name} and path={given['path']}")
        name, given = kind, {"path": name, **given}
    for option, parameter in inspect.signature(datasets[name]).parameters.items():
        if parameter.default is parameter.empty and option not in given:
            raise ValueError(f"the data set {name!r} needs the option {option!r}")
    return datasets.build(name, options=given)


def _kind_of_path(name: str) -> str | None:
    """The data set that reads the path ``name``; None if this cannot be a path."""
    path = Path(name).expanduser()
    is_table = path.suffix.lower() == ".csv"
    if path.is_dir():
        return "csv-folder"
    if path.is_file():
        if not is_table:
            raise ValueError(
                f"{name} is not a .csv file; a data set is a name, a folder of CSV files or a CSV file"
            )
        return "csv-table"
    if is_table or os.sep in name or "/" in name:
        raise FileNotFoundError(f"{name}: no such file or folder")
    return None
