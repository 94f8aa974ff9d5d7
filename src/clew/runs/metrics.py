"""``metrics.jsonl``: what training measured, one JSON object a line, in the order it happened."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["MetricsLog", "cut_metrics", "read_metrics"]


class MetricsLog:
    """The file, open to append lines; each is in the file (not yet on the disk) when :meth:`write` returns.

    Args:
        path: the file, made if there is none.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one object.

        Raises:
            ValueError: if it holds NaN or infinity, which JSON cannot say.
        """
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def sync(self) -> int:
        """Bring every line to the disk.

        Returns:
            The size of the file in bytes: where a run that continues from here cuts it.
        """
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def cut_metrics(path: Path, size: int) -> None:
    """Forget every line after the first ``size`` bytes.

    Raises:
        ValueError: if the file is shorter than that, so lines are missing.
    """
    with path.open("r+b") as file:
        present = file.seek(0, os.SEEK_END)
        if present < size:
            raise ValueError(f"{path} is cut short: {present} bytes, and the checkpoint counts on {size}")
        file.truncate(size)
        os.fsync(file.fileno())


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of ``path``, oldest first, without a last one that a crash left incomplete.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line is not a JSON object; the message has its number.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    lines = []
    for number, text in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            raise ValueError(f"{path}, line {number} is not a JSON object")
        lines.append(line)
    return lines
