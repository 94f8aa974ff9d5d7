"""Signals are noted, wake whoever waits, and strike nowhere else.

Oracle: real signals, sent by the process to itself, at moments the test chooses.
Tolerances: a wait that is woken ends within a fraction of the ten seconds it would else last.
"""

import contextlib
import os
import signal
import threading
import time

import pytest

from clew.stream import Signals

WOKEN = 5.0  # seconds


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_raises_nothing(number):
    before = signal.getsignal(number)
    with Signals() as signals:
        assert signals.received is None
        os.kill(os.getpid(), number)
        assert signals.received == number
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == number  # the first one counts
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_signal_wakes_a_wait(pipe, when):
    read_end, _ = pipe
    with Signals() as signals:
        if when == "before":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        start = time.monotonic()
        assert not signals.wait_readable(read_end, timeout=10)
        assert time.monotonic() - start < WOKEN
        assert signals.received == signal.SIGTERM


def test_a_signal_wakes_a_wait_for_a_full_pipe(pipe):
    _, write_end = pipe
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_end, bytes(4096))
    os.set_blocking(write_end, True)
    with Signals() as signals:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        start = time.monotonic()
        assert not signals.wait_writable(write_end)
        assert time.monotonic() - start < WOKEN


def test_waiting_tells_what_is_ready(pipe):
    read_end, write_end = pipe
    with Signals() as signals:
        assert not signals.wait_readable(read_end, timeout=0)
        assert signals.wait_writable(write_end)
        os.write(write_end, b"x")
        assert signals.wait_readable(read_end)


def test_the_end_of_a_pipe_can_be_read():
    read_end, write_end = os.pipe()
    os.close(write_end)
    with Signals() as signals:
        assert signals.wait_readable(read_end, timeout=10)
    os.close(read_end)


def test_a_signal_of_someone_elses_wakes_once(pipe):
    read_end, _ = pipe
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not signals.wait_readable(read_end, timeout=10)
            start = time.monotonic()
            assert not signals.wait_readable(read_end, timeout=0.3)
            assert time.monotonic() - start >= 0.25
            assert signals.received is None
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.received is None
    finally:
        signal.signal(signal.SIGHUP, before)
