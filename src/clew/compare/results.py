"""The file of results: a row for each training that was finished, one a line, never a row taken back."""

import contextlib
import dataclasses
import json
import os
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clew.compare.made import Made
from clew.compare.metric import ACCURACY, MEAN_SQUARED_ERROR, Metric
from clew.compare.plan import Budget, Training
from clew.files.atomic import write_bytes

__all__ = ["Made", "Measured", "Row", "append_row", "read_rows"]

FORMAT = "clew compare 1"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a training came to.

    Attributes:
        accuracy: of classes on the test split, with the weights of the lowest validation loss; None of
            values.
        mean_squared_error: of values there, in units of the data; None of classes.
        loss: there: of classes in nats, of values in variances of the training targets.
        count: how many targets the test split has.
        trivial: the accuracy there of the class that is most frequent in the training split, or the mean
            squared error of the mean of the training targets.
        parameters: how many numbers were learned.
        epochs: how many were trained.
        best_epoch: the one, from 1, whose weights were kept.
        seconds: from the start to the last step, validations between included, interruptions not.
        epoch_seconds: the median from the end of an epoch to the end of the next.
        start_bytes: resident in memory before the first step: Python, torch, the data, the model. None where
            it cannot be read.
        peak_bytes: the most that was resident at once during training; None where it cannot be read.
    """

    accuracy: float | None = None
    mean_squared_error: float | None = None
    loss: float
    count: int
    trivial: float
    parameters: int
    epochs: int
    best_epoch: int
    seconds: float
    epoch_seconds: float
    start_bytes: int | None
    peak_bytes: int | None

    def __post_init__(self) -> None:
        if (self.accuracy is None) == (self.mean_squared_error is None):
            raise ValueError("a row has an accuracy or a mean squared error, one of the two")

    @property
    def metric(self) -> Metric:
        """By what it is compared."""
        return ACCURACY if self.mean_squared_error is None else MEAN_SQUARED_ERROR

    @property
    def score(self) -> float:
        """The number of that metric."""
        score: float = getattr(self, self.metric.field)
        return score


@dataclass(frozen=True)
class Row:
    """A training that was finished.

    Attributes:
        training: which.
        measured: what it came to.
        made: with what it was done.
    """

    training: Training
    measured: Measured
    made: Made

    def as_json(self) -> dict[str, Any]:
        """The row in types that JSON has; of the metrics it has the one that was measured."""
        unmeasured = {metric.field for metric in (ACCURACY, MEAN_SQUARED_ERROR)} - {
            self.measured.metric.field
        }
        measured = dataclasses.asdict(self.measured)
        return {
            **self.training.as_json(),
            "measured": {name: value for name, value in measured.items() if name not in unmeasured},
            "made": dataclasses.asdict(self.made),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Row":
        """The row that :meth:`as_json` wrote.

        Raises:
            ValueError: if it is not one; the message names the field.
        """
        rest = dict(content)
        try:
            budget = Budget(**_fields(Budget, rest.pop("budget")))
            measured = Measured(**_fields(Measured, rest.pop("measured")))
            made = Made(**_fields(Made, rest.pop("made")))
            training = Training(**_fields(Training, rest | {"budget": budget}))
        except KeyError as error:
            raise ValueError(f"it has no field {error}") from None
        return cls(training, measured, made)


def read_rows(path: Path) -> list[Row]:
    """The rows of the file ``path``, oldest first; none if there is no such file.

    Raises:
        ValueError: if it is not a file that :func:`append_row` wrote, or holds a training twice.
    """
    if not os.path.lexists(path):
        return []
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path} is not a JSON file") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"{path} is not a file of results of this version: its format is not {FORMAT!r}; "
            "name another file"
        )
    rows: list[Row] = []
    for number, row in enumerate(content.get("rows", ()), start=1):
        try:
            rows.append(Row.from_json(row))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, row {number} is not a row of results: {error}") from None
        if any(row.training == rows[-1].training for row in rows[:-1]):
            raise ValueError(f"{path}, row {number} is a training that a row above it has already")
    return rows


def append_row(path: Path, row: Row) -> None:
    """Add ``row`` to the file ``path``, made if there is none; a kill leaves the old file or the new.

    Raises:
        ValueError: if the file is not one of results, or has a row of this training; it is then left alone.
        OSError: if it cannot be written.
    """
    with _one_writer(path.parent):
        rows = read_rows(path)
        if any(present.training == row.training for present in rows):
            raise ValueError(f"{path} has a row of {row.training.label}, seed {row.training.seed}, already")
        write_bytes(path, _to_bytes([*rows, row]))


def _to_bytes(rows: Sequence[Row]) -> bytes:
    """A line a row, so that a difference between two versions of the file shows whole rows."""
    lines = [json.dumps(row.as_json(), ensure_ascii=False, allow_nan=False) for row in rows]
    head = f'{{"format": {json.dumps(FORMAT)}, "rows": [\n'
    return (head + ",\n".join(lines) + "\n]}\n").encode()


def _fields(kind: type[Any], content: Any) -> dict[str, Any]:
    """``content``, which has the fields of the dataclass ``kind``, each of its type.

    No other, and all but those that are None when not given.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{kind.__name__.lower()} is not an object")
    wanted = {field.name: field.type for field in dataclasses.fields(kind)}
    optional = {field.name for field in dataclasses.fields(kind) if field.default is None}
    for name in content:
        if name not in wanted:
            raise ValueError(f"unknown field {name!r}")
    for name, type_ in wanted.items():
        if name in optional and name not in content:
            continue
        if name not in content:
            raise KeyError(name)
        if type_ in (float, float | None) and type(content[name]) is int:
            continue
        allowed = type_.__args__ if isinstance(type_, types.UnionType) else (type_,)
        if isinstance(allowed[0], type) and type(content[name]) not in allowed:
            raise ValueError(f"{name} is not of type {allowed[0].__name__}: {content[name]!r}")
    return dict(content)


@contextlib.contextmanager
def _one_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process adds a row to a file in ``folder``, where the system has such locks.

    The folder is locked, not the file, which each writer replaces.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # This file system has no locks.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
