"""``clew stream``: samples on standard input, predictions on standard output."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from clew.cli.locate import run_directory

__all__ = ["Options", "run"]


@dataclass(frozen=True)
class Options:
    """Run a trained model on samples from standard input, one prediction a sample.

    A line is one sample: numbers between commas (CSV), a JSON array of numbers, or a JSON object with a
    number for each channel. The very first line may be a CSV header, the names of the channels in the model's
    order. A blank line ends a sequence: the next sample starts a new one. Each sample is answered at once
    with one line of JSON: the most probable class and all probabilities, or the values by name.

    With --state the stream stops and goes on: the place it has reached is kept in that file, every few
    seconds, at the end of the input, on a line that is no sample, and when interrupted (Ctrl-C, SIGTERM). Go
    on with the line after the last answered one: all answers together are the bytes of one undisturbed run.
    """

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The run directory, from clew train."""
    state: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Keep the place in this file, and go on from there if it exists."""


def run(options: Options) -> int:
    """Stream until the input ends, a signal comes or nobody reads the answers."""
    from clew.stream.signals import Signals

    path = run_directory(options.run)
    _check(options.state)
    with Signals() as signals:  # from here on a signal waits until the stream is at a place to stop
        import torch

        from clew import stream

        # One sample is too little work to share between threads, and the bits must not depend on their
        # number.
        torch.set_num_threads(1)
        # oneDNN prepares each call for longer than a single sample takes without it.
        torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
        before = options.state if options.state is not None and options.state.exists() else None
        session = stream.open(path, before)
        try:
            stream.serve(session, source=0, sink=1, signals=signals, state=options.state)
        except BrokenPipeError:
            return 0
        # As the shell counts a process that a signal ends.
        return 0 if signals.received is None else 128 + signals.received


def _check(state: Path | None) -> None:
    """Find out before a million samples, not after, that the state cannot be kept."""
    if state is None:
        return
    if state.is_dir():
        raise IsADirectoryError(f"the state goes to a file; {state} is a folder")
    if not state.parent.is_dir():
        raise FileNotFoundError(f"the state cannot go to {state}: there is no folder {state.parent}")
