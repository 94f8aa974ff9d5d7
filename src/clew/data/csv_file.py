"""One CSV file, read strictly: every complaint names the file and the line."""

import csv
import difflib
import reprlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Numbers", "column_names", "is_number", "listed", "position", "rows"]


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line number and cells of each row, all of one width.

    UTF-8, with or without a byte order mark. The separator is the first of tab, semicolon and comma that the
    first line contains. Space around a cell is dropped, and so are empty lines at the end of the file.

    Raises:
        ValueError: for an empty file, bytes that are not UTF-8, broken quotes, an empty line before the last
            row, or a row that is wider or narrower than the first.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _rows(path, stream)
    except UnicodeDecodeError:
        raise ValueError(f"{path}, line {_undecodable_line(path)}: not UTF-8 text") from None


def _rows(path: Path, stream: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    first = next(stream, "")
    if not first:
        raise ValueError(f"{path}: the file is empty")
    separator = next((mark for mark in "\t;," if mark in first), ",")
    reader = csv.reader(chain([first], stream), delimiter=separator, strict=True)
    width, empty_line = 0, 0
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if cells in ([], [""]):
                empty_line = empty_line or reader.line_num
                continue
            if empty_line:
                raise ValueError(f"{path}, line {empty_line}: the line is empty")
            width = width or len(cells)
            if len(cells) != width:
                raise ValueError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, where the first line has {width}"
                )
            yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    if not width:
        raise ValueError(f"{path}: the file has only empty lines")


def _undecodable_line(path: Path) -> int:
    """The number of the first line that is not UTF-8."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    raise AssertionError(f"{path} changed while it was read")


def column_names(path: Path, cells: Sequence[str]) -> tuple[str, ...]:
    """The first line as names of columns.

    Raises:
        ValueError: if a name is empty or occurs twice.
    """
    for index, name in enumerate(cells):
        if not name:
            raise ValueError(
                f"{path}, line 1: column {index + 1} has no name (a pandas index? write with index=False)"
            )
        if name in cells[:index]:
            raise ValueError(f"{path}, line 1: two columns are called {name!r}")
    return tuple(cells)


def position(path: Path, columns: Sequence[str], name: str, option: str) -> int:
    """Where the column ``name``, asked for by ``option``, stands in ``columns``.

    Raises:
        ValueError: if there is none; the message has the nearest right name and all that there are.
    """
    if name in columns:
        return list(columns).index(name)
    near = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise ValueError(f"{path}, line 1: no column {name!r} ({option}){hint} Columns: {listed(columns)}")


def listed(columns: Sequence[str], most: int = 20) -> str:
    """Names of columns for a message of one line."""
    names = [name if name.isprintable() else ascii(name) for name in columns[:most]]
    return ", ".join(names) + (f", … ({len(columns)} in all)" if len(columns) > most else "")


def _number(cell: str) -> float:
    """The value of ``cell``; unlike ``float`` it takes no ``1_000``, which is more likely a name."""
    if "_" in cell:
        raise ValueError
    return float(cell)


def is_number(cell: str) -> bool:
    """Whether ``cell`` reads as a number; NaN and infinity do."""
    try:
        _number(cell)
    except ValueError:
        return False
    return True


class Numbers:
    """Rows of numbers collected from one file.

    Args:
        path: the file, for messages.
        columns: the name of each number in a row, for messages.
        gaps: whether a cell may be empty or NaN; both are NaN.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, gaps: bool = False) -> None:
        self._path = path
        self._gaps = gaps
        self._columns = tuple(columns)
        self._values = array("d")
        self._lines = array("q")

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, row: int) -> int:
        """The line of the file that ``row`` was read from."""
        return self._lines[row]

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Append the row that stands on ``line``.

        Raises:
            ValueError: if a cell is not a number.
        """
        if self._gaps:
            cells = [cell or "nan" for cell in cells]
        try:
            self._values.extend(map(_number, cells))
        except ValueError:
            column, cell = next(
                (name, cell) for name, cell in zip(self._columns, cells, strict=True) if not is_number(cell)
            )
            problem = (
                f"{reprlib.repr(cell)} is not a number"
                if cell
                else "there is no value, and gaps are not filled"
            )
            raise ValueError(f"{self._where(line, column)}: {problem}") from None
        self._lines.append(line)

    def array(self) -> npt.NDArray[np.float32]:
        """(row, column) float32, rounded once from the float64 that was read.

        Raises:
            ValueError: for infinity, a value too large for float32, or NaN where there are no gaps.
        """
        values = np.frombuffer(self._values, dtype=np.float64).reshape(len(self), len(self._columns))
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float32)
        finite = np.isfinite(narrow) | (np.isnan(narrow) & self._gaps)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            value = values[row, column]
            problem = f"{value} is too large for float32" if np.isfinite(value) else f"{value} is not finite"
            raise ValueError(f"{self._where(self._lines[row], self._columns[column])}: {problem}")
        return narrow

    def _where(self, line: int, column: str) -> str:
        return f"{self._path}, line {line}, column {column!r}"
