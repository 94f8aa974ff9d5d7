"""Writing so that a reader, or a crash at any moment, sees the old state or the new, and nothing between.

Everything is first written aside, under a name that starts with a dot and ends in ``.writing``, and brought
to the disk with fsync; one rename makes it visible; the fsync of the parent folder makes the rename last.
(The recipe and its reasons: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, section 2.)
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "clean_leftovers",
    "json_to_bytes",
    "new_directory",
    "remove_directory",
    "replacing",
    "write_bytes",
]

_ASIDE = ".writing"
_DOOMED = ".removing"


def write_bytes(path: Path, data: bytes) -> None:
    """Make ``path`` a file that holds ``data``, replacing what was there, in one visible step.

    Args:
        path: the file; its folder exists.
        data: the whole content.

    Raises:
        OSError: if the file cannot be written; ``path`` is then what it was before.
    """
    with replacing(path) as aside:
        aside.write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file that takes the place of ``path`` whole, when the ``with`` block ends well, or not at all.

    Args:
        path: the file; its folder exists.

    Yields:
        The file to write, which lies aside until then.

    Raises:
        OSError: if it cannot be written; ``path`` is then what it was before.
    """
    aside = _aside(path, _ASIDE)
    try:
        yield aside
        _sync_file(aside)
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    _sync_directory(path.parent)


def json_to_bytes(value: Any) -> bytes:
    r"""``value`` as a file of indented JSON.

    Raises:
        ValueError: if ``value`` holds NaN or infinity, which JSON cannot say.

    >>> json_to_bytes([])
    b'[]\n'
    """
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A folder that appears at ``path`` whole, when the ``with`` block ends well, or not at all.

    Yields:
        The folder to fill, which lies aside until then; its files are brought to the disk in the end.

    Raises:
        FileExistsError: if there is something at ``path`` already.
        OSError: if the folder or a file in it cannot be written.
    """
    if os.path.lexists(path):
        raise FileExistsError(f"{path} exists already")
    os.makedirs(path.parent, exist_ok=True)
    aside = _aside(path, _ASIDE)
    if os.path.lexists(aside):
        shutil.rmtree(aside)
    os.mkdir(aside)
    try:
        yield aside
        _sync_tree(aside)
        # A rename would take the place of an empty folder in silence.
        if os.path.lexists(path):
            raise FileExistsError(f"{path} exists already")
        os.rename(aside, path)
        _sync_directory(path.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def remove_directory(path: Path) -> None:
    """Remove the folder ``path`` in one visible step: a crash leaves all of it, or nothing by that name."""
    doomed = _aside(path, _DOOMED)
    if os.path.lexists(doomed):
        shutil.rmtree(doomed)
    os.rename(path, doomed)
    _sync_directory(path.parent)
    shutil.rmtree(doomed)


def clean_leftovers(folder: Path) -> None:
    """Remove from ``folder`` what a crash in any function of this file left there."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") and entry.name.endswith((_ASIDE, _DOOMED)):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                os.unlink(entry)


def _aside(path: Path, suffix: str) -> Path:
    """The name that ``path`` has while it is not, or no longer, to be seen."""
    return path.with_name(f".{path.name}{suffix}")


def _sync_tree(folder: Path) -> None:
    """Bring every file and folder under ``folder`` to the disk, leaves first."""
    for root, _, files in os.walk(folder, topdown=False):
        for name in files:
            _sync_file(Path(root) / name)
        _sync_directory(Path(root))


def _sync_file(path: Path) -> None:
    """Bring the content of ``path`` to the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(folder: Path) -> None:
    """Bring the names in ``folder`` to the disk. Windows has no such call, and opens no folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
