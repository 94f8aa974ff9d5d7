"""The tensors of a checkpoint, one after another: safetensors or pickled, in one file or in several."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, final

import safetensors
import torch
from torch import Tensor

__all__ = ["FILES", "Weights"]

# The first that is there is read. An index names the file that each tensor is in.
FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@final
class Weights:
    """What tensors a checkpoint has; their values are read when they are asked for.

    A safetensors file is mapped into memory, and each tensor copied out of it. A pickled file goes through
    ``torch.load(weights_only=True)``, which makes tensors and runs nothing.

    Args:
        folder: the checkpoint.

    Attributes:
        folder: the checkpoint.
        files: those that hold the tensors.
        shapes: of each tensor, by name.

    Raises:
        FileNotFoundError: if the folder has none of the files, or lacks one that its index names.
        ValueError: if a file is damaged, has anything but tensors, or one that is in another file already.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = _files(folder)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._file_of: dict[str, Path] = {}
        for path in self.files:
            for name, shape in _shapes(path).items():
                if name in self.shapes:
                    raise ValueError(f"{path} holds {name}, which another file of {folder} holds already")
                self.shapes[name], self._file_of[name] = shape, path

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """Each name and its tensor, on the CPU, in the memory of its file: copy what is to stay."""
        for path in self.files:
            names = [name for name, file in self._file_of.items() if file == path]
            yield from _unpickled(path).items() if path.suffix == ".bin" else _mapped(path, names)

    def __getitem__(self, name: str) -> Tensor:
        """The tensor ``name``, in the memory of its file."""
        path = self._file_of[name]
        return _unpickled(path)[name] if path.suffix == ".bin" else dict(_mapped(path, [name]))[name]


def _files(folder: Path) -> tuple[Path, ...]:
    there = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if there is None:
        raise FileNotFoundError(f"{folder} holds no weights: none of {', '.join(FILES)}")
    if there.suffix != ".json":
        return (there,)
    try:
        names = sorted(set(json.loads(there.read_bytes())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{there} is no index of weights: it has no weight_map of names") from None
    kind = ".safetensors" if ".safetensors" in there.suffixes else ".bin"
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(kind):
            raise ValueError(f"{there} names {name!r}, which is no {kind} file beside it")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{there} names files that are not there: {', '.join(missing)}")
    return tuple(folder / name for name in names)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    if path.suffix == ".bin":
        return {name: tuple(tensor.shape) for name, tensor in _unpickled(path).items()}
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in list(file.keys())}


def _mapped(path: Path, names: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    for name in names:
        # Opened anew, so that pages that were read do not stay mapped: they would count as a second copy.
        with _opened(path) as file:
            yield name, file.get_tensor(name)


def _opened(path: Path) -> Any:
    try:
        return safetensors.safe_open(path, framework="pt", device="cpu")
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None


def _unpickled(path: Path) -> Mapping[str, Tensor]:
    try:
        # torch's format of before 2020 is no zip file, and cannot be mapped.
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except UnpicklingError as error:
        reason = str(error).split("\n")[0]
        raise ValueError(
            f"{path} is refused: it is a pickle of more than tensors, which could run anything ({reason})"
        ) from None
    except (RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is damaged or no file of torch's: {error}") from None
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in found.items()
    ):
        raise ValueError(f"{path} is no file of weights: it holds other things than named tensors")
    return found
