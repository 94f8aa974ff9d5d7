"""Checkpoints: everything a run needs to go on to the same bits, one folder each.

A checkpoint is ``checkpoints/epoch-00003-batch-000017/``, named by the position in the data at which training
goes on, with ``state.json`` and some safetensors files. It appears whole or not at all, and only then the
older one goes; so after a kill at any moment the newest is whole. One that is damaged all the same (by a bad
disk, by hand) is an error that names the file, never a silent step back to an older one.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from clew.files.atomic import clean_leftovers, json_to_bytes, new_directory, remove_directory
from clew.files.tensors import read_tensors, tensors_to_bytes

__all__ = [
    "Checkpoint",
    "newest_checkpoint",
    "read_checkpoint",
    "remove_checkpoints",
    "save_checkpoint",
    "write_checkpoint",
]

FORMAT = 2
_NAME = re.compile(r"epoch-\d{5,}-batch-\d{6,}")


@dataclass(frozen=True)
class Checkpoint:
    """One moment of a run.

    Attributes:
        epoch: the epoch in which training goes on, from 0.
        batch: the batch of that epoch with which it goes on, from 0; one past the last if only its validation
            is missing.
        state: numbers and text, as JSON has them.
        tensors: a safetensors file's stem, such as ``"model"``, to the tensors in it.
    """

    epoch: int
    batch: int
    state: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]

    @property
    def name(self) -> str:
        """The name of its folder; later ones sort later."""
        return f"epoch-{self.epoch:05d}-batch-{self.batch:06d}"


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write ``checkpoint`` into ``folder`` and then remove the older ones.

    Args:
        folder: the ``checkpoints`` folder of a run; it exists.
        checkpoint: what to write.

    Returns:
        The new folder.

    Raises:
        OSError: if it cannot be written; the older ones are then still there.
    """
    path = folder / checkpoint.name
    with new_directory(path) as aside:
        write_checkpoint(aside, checkpoint)
    remove_checkpoints(folder, but=path)
    return path


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the files of ``checkpoint`` into ``folder``, which nobody sees yet."""
    state = {"format": FORMAT, "epoch": checkpoint.epoch, "batch": checkpoint.batch, **checkpoint.state}
    (folder / "state.json").write_bytes(json_to_bytes(state | {"files": sorted(checkpoint.tensors)}))
    for stem, tensors in checkpoint.tensors.items():
        (folder / f"{stem}.safetensors").write_bytes(tensors_to_bytes(tensors))


def remove_checkpoints(folder: Path, but: Path | None = None) -> None:
    """Remove every checkpoint in ``folder`` except ``but``, and what a kill during a write left."""
    clean_leftovers(folder)
    for path in _all_checkpoints(folder):
        if path != but:
            remove_directory(path)


def newest_checkpoint(folder: Path) -> Path | None:
    """The folder of the latest checkpoint in ``folder``, if there is one."""
    return max(_all_checkpoints(folder), key=_position, default=None)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the checkpoint in the folder ``path``.

    Raises:
        ValueError: if a file of it is missing, cut short or not ours; the message names the file and says
            what to do.
    """
    try:
        return _read(path)
    except (FileNotFoundError, ValueError) as error:
        raise ValueError(
            f"{error}; remove {path} to go on from the checkpoint before it, or else from the start"
        ) from None


def _read(path: Path) -> Checkpoint:
    file = path / "state.json"
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    try:
        state = json.loads(file.read_bytes())
    except ValueError:
        raise ValueError(f"{file} is not a JSON file") from None
    if not isinstance(state, dict) or state.pop("format", None) != FORMAT:
        raise ValueError(f"{file} is not of checkpoint format {FORMAT}")
    try:
        epoch, batch, files = state.pop("epoch"), state.pop("batch"), state.pop("files")
    except KeyError as error:
        raise ValueError(f"{file} has no field {error}") from None
    return Checkpoint(
        epoch, batch, state, {stem: read_tensors(path / f"{stem}.safetensors") for stem in files}
    )


def _all_checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _NAME.fullmatch(path.name)] if folder.is_dir() else []


def _position(path: Path) -> tuple[int, int]:
    epoch, batch = re.findall(r"\d+", path.name)
    return int(epoch), int(batch)
