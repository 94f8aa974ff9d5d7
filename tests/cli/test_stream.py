"""``clew stream``: the real program between two pipes, stopped and continued.

Oracle: the bytes that one undisturbed run over the same lines writes; a session in this process for what they
mean.
Tolerances: answers are compared as bytes; the table below holds those of the long run.
"""

import contextlib
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from clew import stream

RUN = "runs/data-s4d"
COUNT = 2000

TOLERANCES = {
    # Of the resident memory, bytes: between the first and the last tenth of a million samples. A leak of
    # three bytes a sample would show; the allocator's arenas move by some hundred kilobytes.
    "memory": 2_000_000,
    # Processor time a sample in the last tenth over that in the first. A busy neighbour shares the caches;
    # what grows with the stream, however slowly, would be tenfold at its end.
    "time": 1.5,
}


def some_lines(count: int) -> Iterator[bytes]:
    """``count`` samples of all kinds, and blank lines between some."""
    generator = random.Random(11)
    for number in range(count):
        if number and generator.random() < 0.01:
            yield b"\n"
        left, right = (round(generator.gauss(0, 2), 4) for _ in range(2))
        kind = number % 3
        if kind == 0:
            yield f"{left},{right}\n".encode()
        elif kind == 1:
            yield json.dumps([left, right]).encode() + b"\n"
        else:
            yield json.dumps({"right": right, "left": left}).encode() + b"\n"


class Stream:
    """The program running, its lines being fed by a thread as fast as it takes them."""

    def __init__(self, lines: Iterator[bytes], *words: str, stay: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clew", "stream", RUN, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._lines = lines
        self._stay = stay
        self._feeder = threading.Thread(target=self._feed)
        self._feeder.start()

    def _feed(self) -> None:
        try:
            for line in self._lines:
                self.process.stdin.write(line)
            self.process.stdin.flush()
            if not self._stay:
                self.process.stdin.close()
        except BrokenPipeError:
            pass

    def read(self, answers: int) -> list[bytes]:
        """The next answers, as many as asked for if so many come."""
        lines = (self.process.stdout.readline() for _ in range(answers))
        return [line for line in lines if line]

    def end(self, number: int | None = None) -> list[bytes]:
        """Send a signal, if one is given; the answers up to the end."""
        if number is not None:
            self.process.send_signal(number)
        rest = self.process.stdout.readlines()
        self.code, self.err = self.process.wait(60), self.process.stderr.read()
        self._feeder.join(60)
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        return rest


def after(lines: Iterator[bytes], answered: int) -> Iterator[bytes]:
    """What is left of ``lines`` after the one with the last answered sample."""
    while answered:
        answered -= bool(next(lines).strip())
    return lines


def whole(lines: Iterator[bytes]) -> list[bytes]:
    running = Stream(lines)
    answers = running.end()
    assert (running.code, running.err) == (0, b"")
    return answers


@pytest.fixture(scope="module")
def undisturbed(trained: Any) -> list[bytes]:
    """The answers to ``some_lines``; those to fewer of them are the first of these."""
    with contextlib.chdir(trained.folder):
        answers = whole(some_lines(COUNT))
    assert len(answers) == COUNT
    return answers


def test_a_sample_is_answered_before_the_next_one_comes(here):
    """Each line alone, as a sensor sends it; what the answers mean; a reset; the end."""
    running = Stream(iter(()), stay=True)
    session = stream.open(here / RUN)
    for sample in ([0.5, -0.5], [1, 2], None, [3, 4]):
        line = "" if sample is None else ",".join(map(str, sample))
        running.process.stdin.write(line.encode() + b"\n")
        running.process.stdin.flush()
        if sample is None:
            session.reset()
            continue
        (answer,) = map(json.loads, running.read(1))
        expected = session.push(sample)
        assert (answer["sequence"], answer["sample"]) == (expected.sequence, expected.sample)
        assert answer["label"] == expected.label
        # Six digits are written, and this process may round otherwise: it has oneDNN and more threads.
        assert answer["probabilities"] == pytest.approx(expected.probabilities, rel=1e-4)
    running.process.stdin.close()
    assert running.end() == []
    assert (running.code, running.err) == (0, b"")
    assert not (here / "place").exists()


def test_stopped_at_random_places_and_continued_it_gives_the_same_bytes(here, undisturbed, seed):
    generator = random.Random(seed)
    answers: list[bytes] = []
    for how in (signal.SIGTERM, "end of input", signal.SIGINT):
        lines = after(some_lines(COUNT), len(answers))
        stop = generator.randint(0, (COUNT - len(answers)) // 2)
        if how == "end of input":
            running = Stream(itertools.islice(lines, stop), "--state", "place")
            answers += running.end()
            assert running.code == 0
        else:
            running = Stream(lines, "--state", "place", stay=True)
            answers += running.read(stop)
            time.sleep(generator.random() * 0.05)
            answers += running.end(how)
            assert running.code == 128 + how
        assert running.err == b""
        assert stream.open(here / RUN, "place").samples == len(answers)
    assert len(answers) < COUNT
    running = Stream(after(some_lines(COUNT), len(answers)), "--state", "place")
    answers += running.end()
    assert (running.code, running.err) == (0, b"")
    assert answers == undisturbed


def test_a_signal_before_the_first_sample_stops_it_as_well(here):
    running = Stream(iter(()), "--state", "place", stay=True)
    time.sleep(1)
    assert running.end(signal.SIGTERM) == []
    assert running.code in (143, -signal.SIGTERM)  # the latter while Python itself is starting
    assert running.err == b""
    assert not (here / "place").exists()


def test_a_reader_that_leaves_is_not_an_error(here, undisturbed):
    """As in ``clew stream RUN | head -n 5``: what was written before the reader left counts as answered."""
    running = Stream(some_lines(COUNT), "--state", "place", stay=True)
    assert running.read(5) == undisturbed[:5]
    running.process.stdout.close()
    running.process.stdout = open(os.devnull, "rb")  # noqa: SIM115 - end() closes it
    running.end()
    assert (running.code, running.err) == (0, b"")
    answered = stream.open(here / RUN, "place").samples
    assert answered >= 5
    running = Stream(after(some_lines(COUNT), answered), "--state", "place")
    assert running.end() == undisturbed[answered:]


def test_a_bad_line_keeps_the_place_before_it(here, undisturbed):
    lines = list(some_lines(40))
    running = Stream(iter([*lines[:20], b"1,two\n", *lines[20:]]), "--state", "place")
    answers = running.end()
    assert running.code == 2
    assert running.err == b"clew: line 21: value 2 (right) is two, not a number\n"
    running = Stream(iter(lines[20:]), "--state", "place")
    assert answers + running.end() == undisturbed[:40]


@pytest.mark.slow
def test_killed_it_goes_on_from_the_last_saved_place(here):
    """SIGKILL leaves no time to save: the file is whole and some seconds old; what came after comes again."""
    running = Stream(some_lines(10**9), "--state", "place")
    answers = []
    while not Path("place").exists():
        answers += running.read(100)
    answers += running.end(signal.SIGKILL)
    kept = stream.open(here / RUN, "place").samples
    assert 0 < kept <= len(answers)
    count = len(answers) + 100
    running = Stream(after(some_lines(count), kept), "--state", "place")
    rest = running.end()
    assert running.code == 0
    assert answers[:kept] + rest == whole(some_lines(count))
    assert rest[: len(answers) - kept] == answers[kept:]


@pytest.mark.slow
def test_a_million_samples(here, seed, capsys):
    count, generator = 1_000_000, random.Random(seed)

    # One undisturbed run, measured.
    running = Stream(some_lines(count))
    process = psutil.Process(running.process.pid)
    undisturbed = hashlib.sha256()
    memory, seconds = [], []
    for _ in range(100):
        for answer in running.read(count // 100):
            undisturbed.update(answer)
        memory.append(process.memory_info().rss)
        seconds.append(sum(process.cpu_times()[:2]))
    assert running.end() == []
    assert (running.code, running.err) == (0, b"")
    first, last = memory[:10], memory[-10:]
    # The first answer came after loading: time is counted from the first hundredth on.
    early, late = (seconds[10] - seconds[0]) / 10, (seconds[-1] - seconds[-11]) / 10
    with capsys.disabled():
        print(
            f"\n{count:,} samples, first and last tenth: {early * 100:.0f} and {late * 100:.0f} µs of "
            f"processor time each, {max(first) / 1e6:.1f} and {max(last) / 1e6:.1f} MB"
        )
    assert abs(max(last) - max(first)) < TOLERANCES["memory"]
    assert late / early < TOLERANCES["time"]

    # The same lines, stopped at random places and continued.
    pieces, answered = hashlib.sha256(), 0
    while answered < count:
        how = generator.choice([signal.SIGTERM, signal.SIGINT, "end of input"])
        lines = after(some_lines(count), answered)
        stop = generator.randint(1, count // 3)
        if how == "end of input":
            running = Stream(itertools.islice(lines, stop), "--state", "place")
            answers = iter(running.process.stdout.readline, b"")
        else:
            running = Stream(lines, "--state", "place")
            answers = iter(running.process.stdout.readline, b"")
        for number, answer in enumerate(answers):
            pieces.update(answer)
            answered += 1
            if number == stop and how != "end of input":
                running.process.send_signal(how)
        running.end()
        assert running.code in (0, 128 + signal.SIGTERM, 128 + signal.SIGINT)
        assert running.err == b""
    assert answered == count
    assert pieces.digest() == undisturbed.digest()


def test_a_model_that_reads_from_both_ends_has_no_stream(here, clew, small):
    words = small.replace("d_state=8", "d_state=4 bidirectional=true")
    said = clew("train", "data.csv", *words.split(), "--directory", "both")
    assert (said.code, said.err) == (0, "")
    assert "clew evaluate both" in said.out
    assert "clew stream" not in said.out
    said = clew("stream", "both", stdin=b"1,2\n")
    why = "S4D with bidirectional=True reads whole sequences from both ends and has no"
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"clew: {why}")
    said = clew("info", "both")
    assert (said.code, said.err) == (0, "")
    assert f"none: {why} state" in said.out
    assert f"layer 2 has no poles: {why} causal system" in said.out
    assert clew("evaluate", "both").code == 0
