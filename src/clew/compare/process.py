"""A training in a process of its own, so that time and memory are its own as well.

The parent writes one line of JSON to the process and then keeps the pipe open: when it ends, however it ends,
the process (:mod:`clew.compare.worker`) reads the end of the pipe and ends too.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from clew.compare.plan import Training

__all__ = ["measure_apart"]

SOURCE = Path(__file__).parents[2]
"""The folder that this package is imported from, for the process to find it there too."""


def measure_apart(training: Training, directory: Path, device: str) -> None:
    """:func:`clew.compare.measure.measure` in a fresh process; its row lies in the run directory then.

    Raises:
        ChildProcessError: if the training fails; the message is the reason in one line.
    """
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    order = {"training": training.as_json(), "directory": str(directory), "device": device}
    with subprocess.Popen(
        [sys.executable, "-m", "clew.compare.worker"],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            # A process that dies at once leaves nobody to read; its exit code says so below.
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(order) + "\n")
                child.stdin.flush()
            said = child.stdout.read().strip()
            code = child.wait()
        finally:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
    if code:
        ended = f"its process was ended by signal {-code}" if code < 0 else f"exit code {code}"
        raise ChildProcessError(" ".join(said.split()) or ended)
