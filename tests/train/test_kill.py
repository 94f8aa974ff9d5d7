"""Runs killed with SIGKILL, wherever they are, and resumed.

Oracle: the same run undisturbed. Tolerances: none, bits are compared.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clew.runs import RunDirectory, newest_checkpoint

ROOT = Path(__file__).resolve().parents[2]


class Training:
    """The toy, trained in a process of its own."""

    def __init__(self, path: Path, *arguments: str) -> None:
        self.path = path
        self._before, self._left_over = self.lines, self._aside()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.train.toy", str(path), *arguments],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def lines(self) -> int:
        """Whole lines of metrics up to now."""
        file = self.path / "metrics.jsonl"
        return file.read_bytes().count(b"\n") if file.exists() else 0

    @property
    def writes(self) -> bool:
        """Whether this process is writing a checkpoint, or was when it was killed."""
        return bool(self._aside() - self._left_over)

    def _aside(self) -> set[tuple[str, int, int]]:
        """What lies aside among the checkpoints: leftovers of older processes too."""
        found = set()
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self.path / "checkpoints"):
                if entry.name.endswith(".writing"):
                    found.add((entry.name, entry.stat().st_ino, entry.stat().st_mtime_ns))
        return found

    def wait_until(self, condition) -> bool:
        """Wait for a condition, without a pause; false if the process ended first."""
        while not condition():
            if self.process.poll() is not None:
                return False
        return True

    def runs_again(self) -> bool:
        """Wait for a line of metrics since this process began; false if it ended first."""
        return self.wait_until(lambda: self.lines != self._before)

    def kill(self) -> None:
        """End it as no program can prevent."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        assert self.process.returncode == -signal.SIGKILL, "it ended before it was killed"

    def finish(self) -> None:
        """Let it come to its end."""
        _, written = self.process.communicate(timeout=900)
        assert self.process.returncode == 0, written


def _assert_same(path, undisturbed, without_seconds, weights):
    assert without_seconds(path) == without_seconds(undisturbed)
    assert weights(path) == weights(undisturbed)
    assert {entry.name for entry in path.iterdir()} == {entry.name for entry in undisturbed.iterdir()}
    assert list((path / "checkpoints").iterdir()) == []


def _seconds(path):
    """How long a run has trained, by its log."""
    return max((line["seconds"] for line in RunDirectory(path).metrics() if "seconds" in line), default=0.0)


def test_a_run_killed_in_a_step_and_in_a_write_ends_in_the_same_bits(tmp_path, without_seconds, weights):
    settings = ("epochs=25", "patience=1000", "checkpoint_every=0", "--width", "64")
    undisturbed = Training(tmp_path / "undisturbed", *settings)
    undisturbed.finish()

    path = tmp_path / "run"
    training = Training(path, *settings, "--pause", "0.05")
    assert training.wait_until(lambda: training.lines >= 5)
    training.kill()
    # A write is over in milliseconds; it may be missed, but not for long.
    for _ in range(10):
        training = Training(path, *settings, "--pause", "0.05", "--resume")
        assert training.runs_again(), "it ended too soon"
        assert training.wait_until(lambda: training.writes), "it ended too soon"  # noqa: B023
        training.kill()
        if training.writes:
            break
    assert training.writes
    Training(path, *settings, "--resume").finish()
    _assert_same(path, undisturbed.path, without_seconds, weights)


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_in_the_same_bits(tmp_path, seed, without_seconds, weights):
    chance = random.Random(seed)
    # 240 epochs of 3 steps, with a pause of 0.1 s before each: 72 s at least.
    settings = ("epochs=240", "patience=1000", "checkpoint_every=1", "--width", "128", "--pause", "0.1")
    undisturbed = Training(tmp_path / "undisturbed", *settings)
    undisturbed.finish()
    assert _seconds(undisturbed.path) >= 60

    path = tmp_path / "run"
    within_a_write, repeated = 0, []
    training = Training(path, *settings)
    for kill in range(20):
        assert training.runs_again(), "it ended too soon"
        time.sleep(chance.uniform(0.0, 3.5))
        assert kill % 2 or training.wait_until(lambda: training.writes), "it ended too soon"  # noqa: B023
        training.kill()
        within_a_write += training.writes
        state = json.loads((newest_checkpoint(path / "checkpoints") / "state.json").read_text())
        repeated.append(_seconds(path) - state["position"]["seconds"])
        training = Training(path, *settings, "--resume")
    training.finish()
    print(f"{within_a_write} of 20 kills within a write; repeated at most {max(repeated):.2f} s")
    assert within_a_write >= 3
    assert max(repeated) <= 10.0
    _assert_same(path, undisturbed.path, without_seconds, weights)
