"""Lines in, lines out: a session between two file descriptors, with its state on disk.

The promise is that an answer is written if and only if its sample is counted in the state: so whoever stops a
stream, counts the answers and goes on with the line after the last answered one gets, put together, the bytes
of one undisturbed run. Lines that were read ahead and not answered are as if never read.
"""

import json
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from clew.stream.lines import is_header, parse
from clew.stream.session import Estimate, Prediction, Session
from clew.stream.signals import Signals

__all__ = ["SAVE_EVERY", "serve"]

SAVE_EVERY = 5.0
"""Seconds between two saves of the state while samples come."""

_BLOCK = 65536  # bytes to read at once
_LONGEST_LINE = 1 << 20  # bytes; a line without an end must not fill the memory
# A pipe that can be written takes so many bytes at once without blocking (POSIX, pipe(7)).
_AT_ONCE = getattr(select, "PIPE_BUF", 512)


def serve(session: Session, source: int, sink: int, signals: Signals, state: Path | None = None) -> None:
    """Answer each line of ``source`` that holds a sample with a line to ``sink``, until the end or a signal.

    A blank line ends the sequence. The very first line may be a CSV header, the names of the channels. An
    answer is one line of JSON, written at once::

        {"sequence": 0, "sample": 2, "label": "a", "probability": 0.75, "probabilities": [0.75, 0.25]}

    or, where the model gives values, ``{"sequence": 0, "sample": 2, "values": {"sum": 1.25}}``.

    Args:
        session: where to go on from.
        source: a file descriptor to read from.
        sink: a file descriptor to write to.
        signals: entered; a signal stops the stream between two samples.
        state: the file to keep the session's place in: saved every few seconds, and at the end, whatever it
            is that ends the stream.

    Raises:
        ValueError: for a line that holds no sample; the message begins with its number. The place is then the
            one after the last good sample.
        BrokenPipeError: if nobody reads the answers any more. The place is then the one after the last
        answer. OSError: if reading, writing or saving fails otherwise.
    """
    keeper = _Keeper(session, state)
    answers = _Answers(session)
    try:
        # One context around all steps instead of one around each; no gradient is wanted anywhere here.
        with torch.inference_mode():
            for number, line in enumerate(_lines(source, signals, keeper), start=1):
                try:
                    text = _decode(line, number)
                    if number == 1 and is_header(text, session.channels):
                        continue
                    sample = parse(text, session.channels)
                    before = session.mark()
                    if sample is None:
                        session.reset()
                        continue
                    prediction = session.push(sample)
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None
                answered = False
                try:
                    answered = _write(sink, answers.line(prediction), signals)
                finally:
                    if not answered:
                        session.rewind(before)
                if not answered:
                    break
                keeper.save_if_due()
    finally:
        keeper.save()


class _Keeper:
    """Keeps the session's place in a file."""

    def __init__(self, session: Session, path: Path | None) -> None:
        self._session = session
        self._path = path
        self._saved = session.mark()
        self._due = time.monotonic() + SAVE_EVERY

    def timeout(self) -> float | None:
        """Seconds to the next save, or None if there is nothing to save."""
        if self._path is None or self._session.mark() is self._saved:
            return None
        return max(0.0, self._due - time.monotonic())

    def save_if_due(self) -> None:
        if self._path is not None and time.monotonic() >= self._due:
            self.save()

    def save(self) -> None:
        place = self._session.mark()
        if self._path is not None and place is not self._saved:
            self._session.save(self._path)
            self._saved = place
        self._due = time.monotonic() + SAVE_EVERY


class _Answers:
    """Writes answers as JSON, the same text for the same numbers on every machine."""

    def __init__(self, session: Session) -> None:
        # A name may hold a quote, or a percent sign, which is doubled in a format.
        self._names = {name: json.dumps(name, ensure_ascii=False) for name in session.outputs}
        if session.gives_values:
            values = ", ".join(f"{name.replace('%', '%%')}: %.9g" for name in self._names.values())
            self._format = f'{{"sequence": %d, "sample": %d, "values": {{{values}}}}}\n'
            return
        self._format = (
            '{"sequence": %d, "sample": %d, "label": %s, "probability": %.6g, "probabilities": ['
            + ", ".join(["%.6g"] * len(session.outputs))
            + "]}\n"
        )

    def line(self, answer: Prediction | Estimate) -> bytes:
        values: tuple[object, ...]
        if isinstance(answer, Estimate):
            values = (answer.sequence, answer.sample, *answer.values)
        else:
            sample, label, probability, probabilities, sequence = answer
            values = (sequence, sample, self._names[label], probability, *probabilities)
        return (self._format % values).encode()


def _lines(source: int, signals: Signals, keeper: _Keeper) -> Iterator[bytes]:
    """The lines of ``source`` without their line breaks, until its end or a signal."""
    rest = b""
    while signals.received is None:
        if not signals.wait_readable(source, keeper.timeout()):
            keeper.save_if_due()
            continue
        try:
            block = os.read(source, _BLOCK)
        except BlockingIOError:  # someone else who shares it made it non-blocking, and was faster
            continue
        if not block:
            if rest:
                yield rest
            return
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if signals.received is not None:
                return
            yield line
        if len(rest) > _LONGEST_LINE:
            yield rest  # is refused


def _decode(line: bytes, number: int) -> str:
    if len(line) > _LONGEST_LINE:
        raise ValueError(f"longer than {_LONGEST_LINE} bytes")
    try:
        # Spreadsheet programs put a byte order mark before the first line.
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None


def _write(sink: int, line: bytes, signals: Signals) -> bool:
    """Write all of ``line``; or nothing, and return False, if a signal comes before its first byte is out."""
    rest = line
    while rest:
        if not signals.wait_writable(sink) and rest is line:
            return False
        try:
            rest = rest[os.write(sink, rest[:_AT_ONCE]) :]
        except BlockingIOError:
            continue
    return True
