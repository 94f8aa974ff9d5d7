"""The trained model of a run as a file for other programs, checked before it is there."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from clew.errors import unknown_name
from clew.export.difference import largest_difference
from clew.export.interface import Interface, What, interface
from clew.export.onnx_model import to_onnx
from clew.export.quiet import quiet
from clew.export.runners import onnx_runner, torch_runner
from clew.export.torch_program import to_torch
from clew.files.atomic import write_bytes
from clew.models import SequenceModel
from clew.runs import DataRecord, RunDirectory, load_sequence_model

__all__ = ["FORMATS", "METADATA", "Format", "Written", "write"]

Format = Literal["onnx", "torch"]
FORMATS: tuple[Format, ...] = ("onnx", "torch")
METADATA = "clew.json"
"""The name of the description inside a ``.pt2`` file, in its folder ``extra``."""

_SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}
# What is promised. Of any mixer, four layers of 64 channels differ by 3e-6 after 500 samples: rounding.
_REFUSED_ABOVE = 1e-5


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: where it is.
        size: in bytes.
        interface: what the exported model takes and gives.
        difference: the largest difference between the file's outputs and the model's, on random samples,
            relative where the outputs are larger than 1.
    """

    path: Path
    size: int
    interface: Interface
    difference: float


def write(
    run_directory: str | Path,
    path: str | Path | None = None,
    *,
    format: Format = "onnx",
    what: What = "model",
    replace: bool = False,
) -> Written:
    """Export the trained model of a run to a file.

    The file is read back and run beside the model before it appears, whole, at ``path``.

    Args:
        run_directory: the run.
        path: where to; in the run directory when not given, as ``model`` or ``step`` with ``.onnx`` or
            ``.pt2``.
        format: ``"onnx"``, see :func:`clew.export.to_onnx`; ``"torch"``, what ``torch.export.save`` writes
            of :func:`clew.export.to_torch`, with the same description in ``extra/clew.json``.
        what: ``"model"``: whole sequences. ``"step"``: one sample more, the state in and out.
        replace: whether a file that is there may be replaced.

    Raises:
        FileExistsError: if ``path`` is there, without ``replace``.
        FileNotFoundError: if there is no such run or folder, or the run is not finished.
        MissingExtraError: if a package that ``format`` needs is not installed.
        ValueError: for an unknown format or part, a damaged file in the run directory, the step of a model
            that has none, or if what was exported differs from the model by more than 1e-5, relative where
            the outputs are larger than 1.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    directory = RunDirectory(run_directory)
    target = directory.path / f"{what}{_SUFFIXES[format]}" if path is None else Path(path)
    model = load_sequence_model(directory.path)
    signature = interface(model, what)
    _check_free(target, replace)
    data = (_onnx if format == "onnx" else _torch)(model, signature, directory.config.labelled)
    runner = (onnx_runner if format == "onnx" else torch_runner)(data, signature)
    difference = largest_difference(model, what, runner)
    if not difference <= _REFUSED_ABOVE:  # so is NaN
        raise ValueError(
            f"{target} was not written: what was exported differs from the model by {difference:.2g}, "
            f"more than {_REFUSED_ABOVE:.0e}"
        )
    write_bytes(target, data)
    return Written(target, len(data), signature, difference)


def _check_free(target: Path, replace: bool) -> None:
    """Find out before the work, not after, that the file cannot be written."""
    if target.is_dir():
        raise IsADirectoryError(f"the model goes to a file; {target} is a folder")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the model cannot go to {target}: there is no folder {target.parent}")
    if target.exists() and not replace:
        raise FileExistsError(
            f"{target} exists: replace it with --replace (replace=True), or choose another --out"
        )


def _onnx(model: SequenceModel, signature: Interface, data: DataRecord) -> bytes:
    proto = to_onnx(model, signature.what, channels=data.channels, outputs=data.outputs)
    return bytes(proto.SerializeToString())


def _torch(model: SequenceModel, signature: Interface, data: DataRecord) -> bytes:
    described = signature.as_json(model, data.channels, data.outputs)
    file = io.BytesIO()
    with quiet():
        torch.export.save(
            to_torch(model, signature.what), file, extra_files={METADATA: json.dumps(described)}
        )
    return file.getvalue()
