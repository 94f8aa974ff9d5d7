"""``clew export``: a trained model as a file that other programs run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from clew.cli.locate import run_directory
from clew.cli.table import table

if TYPE_CHECKING:
    from clew.export import Value

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Write a trained model for other programs: as ONNX, or as a program of PyTorch's own.

    Prints what goes in and what comes out, and the largest difference from the model, on random samples, of
    the file read back and run: by onnxruntime, or by PyTorch.
    """

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run directory, from clew train."""
    format: Annotated[str, tyro.conf.arg(metavar="NAME")] = "onnx"
    """onnx or torch."""
    what: Annotated[str, tyro.conf.arg(metavar="NAME")] = "model"
    """model: whole sequences, from rest; step: one sample more, the state in and out, of a model that has a
    step, which one with bidirectional mixers has not."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Where to; in the run directory when not given, as model or step with .onnx or .pt2."""
    replace: bool = False
    """Replace the file if it exists."""


def run(options: Options) -> int:
    """Write the file, and say what is in it."""
    path = run_directory(options.run)

    from clew import export

    written = export.write(
        path,
        options.out,
        format=options.format,  # type: ignore[arg-type] # it is checked there, and the nearest right one named
        what=options.what,  # type: ignore[arg-type] # likewise
        replace=options.replace,
    )
    facts = [
        ["file", str(written.path)],
        ["size", f"{written.size:,} bytes"],
        ["difference", f"{written.difference:.1e} at most, of what the file gives from what the model does"],
    ]
    if not written.interface.steps:
        facts.append(["step", "none, and no state: the model reads whole sequences from both ends"])
    values = [
        ["", "name", "shape", "dtype"],
        *_rows("in", written.interface.inputs),
        *_rows("out", written.interface.outputs),
    ]
    print(f"{table(facts, '<<')}\n\n{table(values, '<<<<')}")
    return 0


def _rows(side: str, values: "tuple[Value, ...]") -> list[list[str]]:
    return [[side, value.name, f"({', '.join(map(str, value.shape))})", value.dtype] for value in values]
