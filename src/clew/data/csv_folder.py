"""Your own data: a folder of CSV files, one sequence a file, with a label each."""

import reprlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from clew.data.csv_file import Numbers, column_names, is_number, listed, position, rows
from clew.data.csv_task import TEST_SHARE, build, chosen_columns, sorted_classes
from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets

__all__ = ["csv_folder"]

Header = Literal["auto", "yes", "no"]
LIST = "labels.csv"


@datasets.register("csv-folder")
def csv_folder(
    path: str,
    channels: str | None = None,
    header: Header = "auto",
    test: float | None = None,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Which class is this file?

    **Layouts.** ``FOLDER/label/*.csv``: the folder a file is in is its label. Or ``FOLDER/labels.csv`` with
    the columns ``file`` (relative to FOLDER) and ``label``: then exactly the files that it lists are read. If
    FOLDER has ``train/`` and ``test/``, each of them in one of these layouts, they are the splits. Names that
    begin with ``.`` or ``__`` and files that are not ``.csv`` are passed over; a CSV file that has no label
    is an error.

    **Files.** A row is a frame, in order of time, a column a channel. The first line names the columns if
    none of its cells is a number and is a frame if all of them are; anything else needs ``header``. Without
    names the columns are called 1, 2, …. All files have the same columns in the same order. Values are held
    as float32, about seven digits. Encoding and separators: :func:`clew.data.csv_file.rows`.

    Args:
        path: FOLDER.
        channels: the columns to use, separated by commas; all when not given.
        header: whether the first line names the columns; "auto" is the rule above.
        test: the share of each class to test on, 0.2 when not given; not with ``train/`` and ``test/``.
        validation: the share of each class's training sequences held out to stop by.
        seed: of the choice of both shares.

    Returns:
        A data set whose ``options`` have the absolute path; it reads the files again when it is loaded again.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if the files are not as above; the message names the file and the line.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; if the data has moved, give its new path")
    parts = _official_parts(folder)
    if parts and test is not None:
        raise ValueError(f"{folder} has train/ and test/, so test={test} has nothing to choose")
    files = {part: list(_labelled_files(part)) for part in parts or (folder,)}
    reader = _Reader(channels, header)
    sequences = {part: [reader.read(file) for file, _ in found] for part, found in files.items()}
    classes = sorted_classes(label for found in files.values() for _, label in found)
    first, *second = (
        Split(
            tuple(torch.from_numpy(sequence) for sequence in sequences[part]),
            tuple(torch.tensor(classes.index(label)) for _, label in found),
        )
        for part, found in files.items()
    )
    if parts:
        _check_classes(parts, files)
    else:
        test = TEST_SHARE if test is None else test
    return build(
        "csv-folder",
        folder,
        {
            "path": str(folder),
            "channels": channels,
            "header": header,
            "test": test,
            "validation": validation,
            "seed": seed,
        },
        channels=reader.channels,
        classes=classes,
        target="sequence",
        learn=first,
        test=second[0] if second else None,
    )


def _visible(folder: Path) -> list[Path]:
    """What is in ``folder``, sorted by name, without the names that begin with ``.`` or ``__``."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() == ".csv"


def _official_parts(folder: Path) -> tuple[Path, ...]:
    """``train/`` and ``test/`` if both are there, else nothing."""
    parts = (folder / "train", folder / "test")
    if not all(part.is_dir() for part in parts):
        return ()
    others = [
        entry for entry in _visible(folder) if entry not in parts and (entry.is_dir() or _is_csv(entry))
    ]
    if others:
        raise ValueError(
            f"{folder} has train/ and test/, which are the splits, and beside them {others[0].name}; "
            "a validation share is taken from train/"
        )
    return parts


def _labelled_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each CSV file of one layout with its label, in a fixed order."""
    if (folder / LIST).is_file():
        yield from _listed_files(folder)
        return
    entries = _visible(folder)
    labels = [entry for entry in entries if entry.is_dir()]
    loose = [entry for entry in entries if entry.is_file() and _is_csv(entry)]
    if loose:
        raise ValueError(
            f"{loose[0]} has no label: put it in a folder named by its label, or write {folder / LIST}"
        )
    if not labels:
        raise ValueError(
            f"{folder} has no data: wanted LABEL/*.csv, or {LIST} with columns file and label, "
            "or train/ and test/ of these"
        )
    for label in labels:
        inside = _visible(label)
        if nested := [entry for entry in inside if entry.is_dir()]:
            raise ValueError(f"{nested[0]} is a folder inside the folder of the label {label.name!r}")
        found = [entry for entry in inside if _is_csv(entry)]
        if not found:
            raise ValueError(f"{label} has no .csv file")
        yield from ((file, label.name) for file in found)


def _listed_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files and labels that ``labels.csv`` lists, in its order."""
    listing = folder / LIST
    lines = rows(listing)
    columns = column_names(listing, next(lines)[1])
    file_at, label_at = (position(listing, columns, name, name) for name in ("file", "label"))
    seen: dict[Path, int] = {}
    for line, cells in lines:
        where, file, label = f"{listing}, line {line}", folder / cells[file_at], cells[label_at]
        if not cells[file_at] or not label:
            raise ValueError(f"{where}: the {'label' if cells[file_at] else 'file'} is empty")
        if not file.is_file():
            raise ValueError(f"{where}: there is no file {file}")
        if file in seen:
            raise ValueError(f"{where}: {cells[file_at]} is listed on line {seen[file]} already")
        seen[file] = line
        yield file, label
    if not seen:
        raise ValueError(f"{listing} lists no files")


def _check_classes(parts: Sequence[Path], files: dict[Path, list[tuple[Path, str]]]) -> None:
    """What is tested must have been there to learn."""
    train, test = ({label for _, label in files[part]} for part in parts)
    if missing := sorted(test - train):
        raise ValueError(f"{parts[1]} has the class {missing[0]!r}, which {parts[0]} does not have")


class _Columns(NamedTuple):
    """The columns of the first file, which all others have too, and which of them are channels."""

    file: Path
    names: tuple[str, ...]
    chosen: list[int]


class _Reader:
    """Reads the files of one folder and holds them to the columns of the first."""

    def __init__(self, channels: str | None, header: Header) -> None:
        self._channels = channels
        self._header = header
        self._columns: _Columns | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the columns that are read; known once a file has been."""
        assert self._columns
        return tuple(self._columns.names[index] for index in self._columns.chosen)

    def read(self, file: Path) -> npt.NDArray[np.float32]:
        """(time, channel) of one file."""
        lines = rows(file)
        line, first = next(lines)
        has_names = _names_columns(file, first, self._header)
        names = column_names(file, first) if has_names else tuple(str(i + 1) for i in range(len(first)))
        if self._columns is None:
            self._columns = _Columns(file, names, chosen_columns(file, names, self._channels, "channels"))
        if names != self._columns.names:
            raise ValueError(
                f"{file}, line 1: {len(names)} columns, {listed(names)}; "
                f"{self._columns.file} has {len(self._columns.names)}, {listed(self._columns.names)}"
            )
        numbers = Numbers(file, self.channels)
        for number, cells in lines if has_names else chain([(line, first)], lines):
            numbers.add(number, [cells[index] for index in self._columns.chosen])
        if not len(numbers):
            raise ValueError(f"{file}: an empty sequence, nothing follows the names of the columns")
        return numbers.array()


def _names_columns(file: Path, first: list[str], header: Header) -> bool:
    """Whether the first line of ``file`` names the columns."""
    if header != "auto":
        return header == "yes"
    numeric = [is_number(cell) for cell in first]
    if any(numeric) and not all(numeric):
        odd = first[numeric.index(False)]
        raise ValueError(
            f"{file}, line 1: some cells are numbers and some, like {reprlib.repr(odd)}, are not; "
            "correct it, or say header=yes or header=no"
        )
    return not any(numeric)
