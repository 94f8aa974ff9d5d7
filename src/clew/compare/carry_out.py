"""The trainings of a comparison, one after another, each a row as soon as it is finished."""

from collections.abc import Callable, Sequence
from pathlib import Path

from clew.compare.measure import measured_before
from clew.compare.plan import Training
from clew.compare.process import measure_apart
from clew.compare.results import Row, append_row, read_rows
from clew.train.report.words import count, duration

__all__ = ["carry_out"]


def carry_out(
    trainings: Sequence[Training],
    results: Path,
    root: Path,
    *,
    device: str = "auto",
    say: Callable[[Training, str, bool], None] = lambda training, what, failed: None,
) -> int:
    """Do those of ``trainings`` that have no row yet.

    Each runs in a fresh process. One that was interrupted goes on from its checkpoint; one that was finished
    and not yet written down is written down; one that fails is reported, and the others go on.

    Args:
        trainings: what to do, in this order.
        results: the file of rows, made if there is none.
        root: the folder of the run directories.
        device: where to train.
        say: called with a training, what became of it, and whether that is a failure.

    Returns:
        How many failed.

    Raises:
        ValueError: if ``results`` is not a file of results.
        OSError: if it cannot be written.
    """
    results.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    for training in trainings:
        if any(row.training == training for row in read_rows(results)):
            say(training, f"there already in {results}", False)
            continue
        directory = training.directory(root)
        try:
            row = measured_before(training, directory)
            found = row is not None
            if row is None:
                measure_apart(training, directory, device)
                row = measured_before(training, directory)
                assert row is not None, "a process that ends well leaves its row"
        except (ValueError, OSError) as error:
            failed += 1
            say(training, str(error), True)
            continue
        append_row(results, row)
        say(training, _words(row) + (f", found in {directory}" if found else ""), False)
    return failed


def _words(row: Row) -> str:
    """What a training came to, in a few words."""
    measured = row.measured
    time = f"{count(measured.epochs, 'epoch')}, {duration(measured.seconds)}"
    metric = measured.metric
    return f"{metric.name} {metric.text(measured.score)} after {time}"
