"""Paths that a caller names, and the nearest right one where there is nothing."""

import difflib
from pathlib import Path

__all__ = ["nothing_at", "run_directory"]


def run_directory(text: str) -> Path:
    """The path of a run directory that was named on the command line.

    Raises:
        FileNotFoundError: if there is none; the message has the nearest one that exists.
    """
    path = Path(text)
    if (path / "config.json").is_file():
        return path
    around = [path, path / "runs", path.parent, path.parent / "runs"]
    runs = sorted({str(config.parent) for folder in around for config in folder.glob("*/config.json")})
    near = difflib.get_close_matches(text, runs, n=1, cutoff=0.5)
    near = near or [run for run in runs if Path(run).name == path.name or path in Path(run).parents]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    problem = "it has no config.json" if path.exists() else "there is nothing"
    raise FileNotFoundError(f"{text} is not a run directory: {problem}{hint}")


def nothing_at(text: str, wanted: str) -> FileNotFoundError:
    """The error for a path with nothing there, naming its nearest neighbour."""
    path = Path(text)
    near: list[str] = []
    if path.parent.is_dir():
        names = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
        near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {str(path.parent / near[0])!r}?" if near else ""
    return FileNotFoundError(f"there is no {wanted} {text!r}{hint}")
