"""What is asked of the series of one long file: a column of labels, or columns of values."""

from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from clew.data.csv_file import Numbers
from clew.data.csv_task import sorted_classes
from clew.data.dataset import IGNORE

__all__ = ["Answers", "Labels", "Values"]


class Answers(Protocol):
    """The answers in a file, row by row; those of a series are looked at by the numbers of its rows."""

    classes: tuple[str, ...]
    values: tuple[str, ...]

    def add(self, line: int, cells: list[str]) -> None:
        """Append the answer of the row on this line, the cells of its columns."""

    def finish(self) -> None:
        """All rows are there."""

    def of_series(self, name: str, rows: list[int]) -> Tensor:
        """The one answer that all rows of a series have; a ValueError where they do not."""

    def of_frames(self, name: str, rows: list[int]) -> Tensor:
        """The answer of each row, of which at least one is not empty; a ValueError where all are."""


class Labels:
    """A label a row.

    Args:
        file: the file, for messages.

    Attributes:
        classes: the different labels, in order; known when the rows are finished.
        values: none.
    """

    values: tuple[str, ...] = ()

    def __init__(self, file: Path) -> None:
        self.classes: tuple[str, ...] = ()
        self._file = file
        self._known: dict[str, str] = {}
        self._labels: list[str] = []
        self._lines: list[int] = []

    def add(self, line: int, cells: list[str]) -> None:
        """See :class:`Answers`."""
        (label,) = cells
        self._labels.append(self._known.setdefault(label, label))  # one copy of each
        self._lines.append(line)

    def finish(self) -> None:
        """See :class:`Answers`."""
        self.classes = sorted_classes(filter(None, self._known))
        self._index = {name: number for number, name in enumerate(self.classes)} | {"": IGNORE}

    def of_series(self, name: str, rows: list[int]) -> Tensor:
        """See :class:`Answers`."""
        first = rows[0]
        for row in rows:
            where = f"{self._file}, line {self._lines[row]}"
            if not self._labels[row]:
                raise ValueError(f"{where}: series {name!r} has no label here")
            if self._labels[row] != self._labels[first]:
                raise ValueError(
                    f"{where}: series {name!r} is {self._labels[row]!r} here and {self._labels[first]!r} on "
                    f"line {self._lines[first]}; if each row has its own label, say target=step"
                )
        return torch.tensor(self._index[self._labels[first]])

    def of_frames(self, name: str, rows: list[int]) -> Tensor:
        """See :class:`Answers`."""
        labels = [self._labels[row] for row in rows]
        if not any(labels):
            raise ValueError(
                f"{self._file}, line {self._lines[rows[0]]}: series {name!r} has no label at all"
            )
        return torch.tensor([self._index[label] for label in labels])


class Values:
    """Numbers in each row, of which an empty cell asks for nothing.

    Args:
        file: the file, for messages.
        columns: the name of each value.

    Attributes:
        classes: none.
        values: the names.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, file: Path, columns: tuple[str, ...]) -> None:
        self.values = columns
        self._file = file
        self._numbers = Numbers(file, columns, gaps=True)
        self._table = torch.empty(0)

    def add(self, line: int, cells: list[str]) -> None:
        """See :class:`Answers`."""
        self._numbers.add(line, cells)

    def finish(self) -> None:
        """See :class:`Answers`."""
        self._table = torch.from_numpy(self._numbers.array())

    def of_series(self, name: str, rows: list[int]) -> Tensor:
        """See :class:`Answers`."""
        found = self._table[rows]
        wrong = found != found[0]  # and so is every NaN
        if wrong.any():
            row, column = wrong.nonzero()[0].tolist()
            problem = (
                "has no value here"
                if found[row, column].isnan()
                else f"is {found[row, column]:g} here and {found[0, column]:g} on line "
                f"{self._numbers.line(rows[0])}; if each row has its own values, say target=step"
            )
            raise ValueError(
                f"{self._file}, line {self._numbers.line(rows[row])}, column {self.values[column]!r}: "
                f"series {name!r} {problem}"
            )
        return found[0]

    def of_frames(self, name: str, rows: list[int]) -> Tensor:
        """See :class:`Answers`."""
        found = self._table[rows]
        if found.isnan().all():
            raise ValueError(
                f"{self._file}, line {self._numbers.line(rows[0])}: series {name!r} has no value at all"
            )
        return found
