"""What ``clew train`` and ``clew train text`` share: the place of a run, its training, its last words."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clew.cli.processes import speaks

if TYPE_CHECKING:
    from clew.runs import Run

__all__ = ["carry_out", "check_place", "show_warnings"]


def show_warnings() -> None:
    """Let warnings of the library come as the errors of the command do, and once."""
    import logging

    logging.basicConfig(format="clew: %(message)s", level=logging.WARNING if speaks() else logging.CRITICAL)


def check_place(directory: Path, resume: bool) -> None:
    """Find out before anything is read that a run cannot lie at ``directory``.

    Raises:
        NotADirectoryError: if a file is in the way.
        FileExistsError: if there is something, and ``resume`` is false.
    """
    from clew.runs import RunDirectory

    file = next((parent for parent in directory.parents if parent.is_file()), None)
    if file is not None:
        raise NotADirectoryError(f"{directory} cannot be a folder: {file} is a file")
    if not resume:
        RunDirectory.check_free(directory)


def carry_out(
    model_config: Any,
    dataset: Any,
    training: Any,
    *,
    resume: bool,
    summary: Callable[["Run", Path], str],
) -> int:
    """Train a new model, write the report, and say what to do next.

    Args:
        model_config: what :func:`clew.models.build` takes.
        dataset: what :func:`clew.fit` takes with such a model.
        training: likewise; it names the seed and the run directory.
        resume: whether to go on with an interrupted run.
        summary: what is said of the run, from it and the path of its report.

    Returns:
        The exit code.
    """
    import torch

    from clew.models import build
    from clew.train import fit
    from clew.train.heap import keep_freed_memory

    keep_freed_memory()
    torch.manual_seed(training.seed)
    try:
        result = fit(build(model_config), dataset, training, resume=resume)
    except KeyboardInterrupt:
        if speaks() and Path(training.directory).exists():
            print("clew: interrupted; the same command with --resume goes on", file=sys.stderr)
        raise
    if speaks():
        from clew.train import report

        print(summary(result, report.write(result.directory)))
    return 0
