"""Your own data: one long CSV file with a column for the series, the time and the label."""

import math
import reprlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from clew.data.csv_answers import Answers, Labels, Values
from clew.data.csv_file import Numbers, column_names, position, rows
from clew.data.csv_task import TEST_SHARE, build, chosen_columns
from clew.data.dataset import Dataset, Split
from clew.data.registry import datasets

__all__ = ["csv_table"]

Target = Literal["sequence", "step"]


@datasets.register("csv-table")
def csv_table(
    path: str,
    series: str = "series",
    time: str | None = "time",
    label: str = "label",
    values: str | None = None,
    channels: str | None = None,
    target: Target = "sequence",
    test: float = TEST_SHARE,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Which class is this series, or each of its frames? Or: what values belong to it?

    The first line names the columns. The rows of a series may stand anywhere in the file and are sorted by
    time: numbers, or dates in ISO 8601 (without an offset: UTC). Two rows of a series with the same time are
    an error. All other columns are channels. Encoding and separators: :func:`clew.data.csv_file.rows`.

    With ``target="sequence"`` a series has one label, repeated in each of its rows; **a label that varies
    within a series is an error**, since a slip of the pen would otherwise turn the whole task into another
    one. Varying labels are asked for by ``target="step"``: then each row has its own label, and a row whose
    label is empty asks for nothing (``IGNORE``).

    With ``values="speed,load"`` these columns hold numbers to be given instead, by the same rules; there is
    no column of labels then, and with ``target="step"`` an empty cell asks for nothing of its value.

    Args:
        path: the file.
        series: the column that says which series a row belongs to.
        time: the column to sort by; None ("none" as text): the rows of each series are in order already.
        label: the column of the label; not with ``values``.
        values: the columns of the values that are asked for in place of a label, separated by commas.
        channels: the columns to use, separated by commas; all others when not given.
        target: one label a series ("sequence") or a row ("step").
        test: the share of the series to test on; of each class, if a series has one.
        validation: the share of the training series held out to stop by, likewise.
        seed: of the choice of both shares.

    Returns:
        A data set whose ``options`` have the absolute path; it reads the file again when it is loaded again.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not as above; the message names the file and the line.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; if the data has moved, give its new path")
    table = _read(file, series, time, label, values, channels)
    ordered = {name: _in_order(table, name, members) for name, members in table.members.items()}
    answer = table.answers.of_series if target == "sequence" else table.answers.of_frames
    learn = Split(
        tuple(torch.from_numpy(table.values[members]) for members in ordered.values()),
        tuple(answer(name, members) for name, members in ordered.items()),
    )
    return build(
        "csv-table",
        file,
        {
            "path": str(file),
            "series": series,
            "time": time,
            "label": label,
            "values": values,
            "channels": channels,
            "target": target,
            "test": test,
            "validation": validation,
            "seed": seed,
        },
        channels=table.channels,
        classes=table.answers.classes,
        values=table.answers.values,
        target=target,
        learn=learn,
        test=None,
    )


class _Table(NamedTuple):
    """The rows of the file.

    Attributes:
        file: the file.
        channels: the names of the columns in ``values``.
        values: (row, channel) float32.
        lines: the line each row stands on.
        times: the time of each row; empty if the rows are in order already.
        answers: what is asked of each row.
        members: the rows of each series, in the order of the file.
    """

    file: Path
    channels: tuple[str, ...]
    values: npt.NDArray[np.float32]
    lines: list[int]
    times: list[int | float]
    answers: Answers
    members: dict[str, list[int]]


def _read(
    file: Path, series: str, time: str | None, label: str, values: str | None, channels: str | None
) -> _Table:
    """All rows of the file, checked one by one."""
    stream = rows(file)
    columns = column_names(file, next(stream)[1])
    series_at = position(file, columns, series, "series")
    time_at = None if time is None else position(file, columns, time, "time")
    if values is None:
        asked_at, asked = [position(file, columns, label, "label")], f"label={label}"
    else:
        asked_at, asked = chosen_columns(file, columns, values, "values"), f"values={values}"
    taken = {series_at, time_at, *asked_at}
    if len(taken) < 2 + len(asked_at):
        how_many = "three" if len(asked_at) == 1 else "all"
        raise ValueError(f"series={series}, time={time} and {asked} are {how_many} different columns")
    others = [index for index in range(len(columns)) if index not in taken]
    chosen = [
        others[index] for index in chosen_columns(file, [columns[i] for i in others], channels, "channels")
    ]
    if not chosen:
        raise ValueError(f"{file}, line 1: no column is left to be a channel")
    numbers = Numbers(file, [columns[index] for index in chosen])
    answers: Answers = Labels(file)
    if values is not None:
        answers = Values(file, tuple(columns[index] for index in asked_at))
    lines: list[int] = []
    times: list[int | float] = []
    members: dict[str, list[int]] = {}
    dated = False
    for line, cells in stream:
        numbers.add(line, [cells[index] for index in chosen])
        if not cells[series_at]:
            raise ValueError(f"{file}, line {line}, column {series!r}: the name of the series is empty")
        members.setdefault(cells[series_at], []).append(len(lines))
        if time_at is not None:
            moment, is_date = _moment(file, line, columns[time_at], cells[time_at])
            if lines and is_date != dated:
                raise ValueError(f"{file}, line {line}, column {time!r}: numbers and dates are mixed")
            dated = is_date
            times.append(moment)
        answers.add(line, [cells[index] for index in asked_at])
        lines.append(line)
    if not lines:
        raise ValueError(f"{file}: nothing follows the names of the columns")
    answers.finish()
    return _Table(file, tuple(columns[i] for i in chosen), numbers.array(), lines, times, answers, members)


def _moment(file: Path, line: int, column: str, cell: str) -> tuple[int | float, bool]:
    """A time as a number, and whether it was written as a date; whole numbers stay exact at any size."""
    try:
        return int(cell), False
    except ValueError:
        pass
    try:
        number = float(cell)
    except ValueError:
        pass
    else:
        if math.isfinite(number):
            return number, False
    try:
        date = datetime.fromisoformat(cell)
    except ValueError:
        raise ValueError(
            f"{file}, line {line}, column {column!r}: {reprlib.repr(cell)} is no number and no ISO 8601 date"
        ) from None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), True


def _in_order(table: _Table, name: str, members: list[int]) -> list[int]:
    """The rows of one series by time.

    Raises:
        ValueError: if two have the same time.
    """
    if not table.times:
        return members
    ordered = sorted(members, key=table.times.__getitem__)
    for one, other in pairwise(ordered):
        if table.times[one] == table.times[other]:
            raise ValueError(
                f"{table.file}, line {table.lines[other]}: series {name!r} has this time on line "
                f"{table.lines[one]} already"
            )
    return ordered
