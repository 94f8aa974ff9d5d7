"""Lines in and lines out, and what is in the state file when it stops.

Oracle: one undisturbed run over all lines; the predictions of a session that is handed the samples one by
one. Tolerances: none. The answers are compared as bytes.
"""

import errno
import json
import os
import time

import pytest
import torch

from clew.stream import Session, Signals, pipe, serve
from clew.stream.lines import parse

NAMES = ("left", "middle", "right"), ("rest", "walk", "run")


class Stop:
    """Stands in for signals: asks to stop at the ``moment``-th time that anyone looks or waits."""

    def __init__(self, moment: int) -> None:
        self._left = moment

    @property
    def received(self) -> int | None:
        self._left -= 1
        return 15 if self._left < 0 else None

    def wait_readable(self, descriptor, timeout=None):
        return self.received is None

    def wait_writable(self, descriptor):
        return self.received is None


@pytest.fixture
def run(make_model, tmp_path):
    """Serve some lines: the answers, the error if there was one, and the session."""

    def run(lines, *, state=None, signals=None):
        (tmp_path / "in").write_bytes("".join(f"{line}\n" for line in lines).encode())
        session = Session(make_model(), *NAMES)
        if state is not None and state.exists():
            session.restore(state)
        source = os.open(tmp_path / "in", os.O_RDONLY)
        sink = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        error = None
        try:
            if signals is None:
                with Signals() as signals:
                    serve(session, source, sink, signals, state)
            else:
                serve(session, source, sink, signals, state)
        except (ValueError, OSError) as caught:
            error = caught
        finally:
            os.close(source)
            os.close(sink)
        return (tmp_path / "out").read_bytes(), error, session

    return run


def some_lines(count=12, blanks=(5, 6, 9)):
    generator = torch.Generator().manual_seed(7)
    lines = []
    for number in range(count):
        values = torch.randn(3, generator=generator).tolist()
        if number in blanks:
            lines.append("")
        elif number % 3 == 0:
            lines.append(json.dumps(values))
        elif number % 3 == 1:
            lines.append(json.dumps(dict(zip(("right", "left", "middle"), values, strict=True))))
        else:
            lines.append(",".join(map(str, values)))
    return lines


def after(lines, answered):
    """The lines after the one with the last answered sample."""
    for position, line in enumerate(lines):
        if not answered:
            return lines[position:]
        answered -= bool(line)
    return []


def test_answers_are_the_predictions_as_json(run, make_model):
    lines = some_lines()
    output, error, session = run(lines)
    assert error is None
    expected = Session(make_model(), *NAMES)
    answers = iter(output.decode().splitlines())
    for line in lines:
        if not line:
            expected.reset()
            continue
        prediction = expected.push(parse(line, NAMES[0]))
        answer = json.loads(next(answers))
        assert list(answer) == ["sequence", "sample", "label", "probability", "probabilities"]
        assert answer["sequence"] == prediction.sequence
        assert answer["sample"] == prediction.sample
        assert answer["label"] == prediction.label
        # Six digits are written.
        assert answer["probability"] == pytest.approx(prediction.probability, rel=5e-6)
        assert answer["probabilities"] == pytest.approx(prediction.probabilities, rel=5e-6)
    assert next(answers, None) is None
    assert session.samples == 9


def test_the_answer_is_a_fixed_text(run):
    output, _, _ = run(["0.5,1,2"])
    start = b'{"sequence": 0, "sample": 0, "label": "'
    assert output.startswith(start)
    assert output.endswith(b"]}\n")
    assert run(["0.5,1,2"])[0] == output


def test_a_header_may_come_first_and_only_first(run):
    lines = some_lines(3, blanks=())
    plain, _, _ = run(lines)
    with_header, error, _ = run(["left,middle,right", *lines])
    assert (with_header, error) == (plain, None)
    _, error, session = run([lines[0], "left,middle,right", lines[1]])
    assert str(error) == "line 2: value 1 (left) is left, not a number"
    assert session.samples == 1


def test_bytes_of_other_systems_are_understood(run, tmp_path):
    lines = ["left,middle,right", "1,2,3", "", "4,5,6"]
    plain, _, _ = run(lines)
    with_breaks, error, _ = run([f"{line}\r" for line in lines])
    assert (with_breaks, error) == (plain, None)
    with_mark, error, _ = run(["\ufeff" + lines[0], *lines[1:]])
    assert (with_mark, error) == (plain, None)


def test_a_last_line_without_an_end_counts(make_model, tmp_path):
    session = Session(make_model(), *NAMES)
    read_end, write_end = os.pipe()
    os.write(write_end, b"1,2,3\n4,5,6")
    os.close(write_end)
    with (tmp_path / "out").open("wb") as out, Signals() as signals:
        serve(session, read_end, out.fileno(), signals)
    os.close(read_end)
    assert session.samples == 2


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("1,2", "line 4: expected 3 values"),
        ("1,x,3", "line 4: value 2 (middle) is x, not a number"),
        ("1,nan,3", "line 4: value 2 (middle) is nan, not a finite float32"),
        ("[1, 2, -Infinity]", "line 4: value 3 (right) is -inf, not a finite float32"),
        ("1e39,2,3", "line 4: value 1 (left) is 1e+39, not a finite float32"),
        ('{"left": 1', "line 4: broken JSON"),
        ('{"left": 1, "midle": 2, "right": 3}', "line 4: unknown channel 'midle'"),
        ("\x00,\x00,\x00", "line 4: value 1 (left) is"),
        ("\udcff", "line 4: not UTF-8 text"),
        ("1" * 1_100_000, "line 4: longer than 1048576 bytes"),
    ],
)
def test_a_bad_line_stops_after_the_last_good_sample(make_model, tmp_path, bad, message):
    lines = ["1,2,3", "", "4,5,6", bad, "7,8,9"]
    (tmp_path / "in").write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    session = Session(make_model(), *NAMES)
    source = os.open(tmp_path / "in", os.O_RDONLY)
    with (tmp_path / "out").open("wb") as out, Signals() as signals, pytest.raises(ValueError) as caught:
        serve(session, source, out.fileno(), signals, tmp_path / "state")
    os.close(source)
    assert str(caught.value).startswith(message)
    assert len((tmp_path / "out").read_bytes().splitlines()) == 2
    restored = Session(make_model(), *NAMES)
    restored.restore(tmp_path / "state")
    assert restored.samples == session.samples == 2


def test_a_line_without_an_end_does_not_fill_the_memory(make_model):
    session = Session(make_model(), *NAMES)
    endless, sink = os.open("/dev/zero", os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    with Signals() as signals, pytest.raises(ValueError, match="line 1: longer than"):
        serve(session, endless, sink, signals)
    os.close(endless)
    os.close(sink)


@pytest.mark.parametrize("at_once", [4096, 60])
def test_stopped_anywhere_and_continued_it_gives_the_same_bytes(run, tmp_path, monkeypatch, at_once):
    """Every moment at which a request to stop can be heard, one after the other."""
    monkeypatch.setattr(pipe, "_AT_ONCE", at_once)
    lines = some_lines(8, blanks=(3, 4))
    whole, error, _ = run(lines)
    assert error is None
    stopped_at = set()
    for moment in range(10_000):
        state = tmp_path / f"state-{moment}"
        first, error, session = run(lines, state=state, signals=Stop(moment))
        assert error is None
        answered = first.count(b"\n")
        assert first.endswith(b"\n") or not first
        assert session.samples == answered
        stopped_at.add(answered)
        second, error, _ = run(after(lines, answered), state=state)
        assert error is None
        assert first + second == whole
        if answered == 6:
            break
    assert stopped_at == set(range(7))


def test_an_answer_that_nobody_reads_is_not_counted(make_model, tmp_path):
    lines = some_lines()
    (tmp_path / "in").write_text("\n".join(lines))
    session = Session(make_model(), *NAMES)
    source = os.open(tmp_path / "in", os.O_RDONLY)
    read_end, write_end = os.pipe()
    os.close(read_end)
    with Signals() as signals, pytest.raises(BrokenPipeError):
        serve(session, source, write_end, signals, tmp_path / "state")
    os.close(source)
    os.close(write_end)
    assert session.samples == 0
    assert not (tmp_path / "state").exists()  # nothing happened that would have to be kept


def test_the_state_is_saved_while_it_runs_and_while_it_waits(make_model, tmp_path, monkeypatch):
    monkeypatch.setattr(pipe, "SAVE_EVERY", 0.05)
    state = tmp_path / "state"
    session = Session(make_model(), *NAMES)
    read_end, write_end = os.pipe()
    saved = []
    end = time.monotonic() + 60

    class Watched(Signals):
        def wait_readable(self, descriptor, timeout=None):
            assert time.monotonic() < end, saved
            if len(saved) == 2:
                os.close(write_end)
                saved.append(0)
            elif len(saved) < 2 and not session.samples > len(saved):
                os.write(write_end, b"1,2,3\n")
            elif timeout is None and state.exists():  # nothing left to save
                other = Session(make_model(), *NAMES)
                other.restore(state)
                saved.append(other.samples)
                return False
            return super().wait_readable(descriptor, timeout)

    with (tmp_path / "out").open("wb") as out, Watched() as signals:
        serve(session, read_end, out.fileno(), signals, state)
    os.close(read_end)
    assert saved == [1, 2, 0]


def test_saves_are_rare(make_model, tmp_path, monkeypatch):
    session = Session(make_model(), *NAMES)
    saves = []
    save = Session.save
    monkeypatch.setattr(Session, "save", lambda self, path: (saves.append(path), save(self, path)))
    (tmp_path / "in").write_text("1,2,3\n" * 200)
    source = os.open(tmp_path / "in", os.O_RDONLY)
    start = time.monotonic()
    with (tmp_path / "out").open("wb") as out, Signals() as signals:
        serve(session, source, out.fileno(), signals, tmp_path / "state")
    os.close(source)
    assert len(saves) <= 1 + (time.monotonic() - start) / pipe.SAVE_EVERY


def test_a_state_that_cannot_be_saved_is_an_error(run, tmp_path):
    _, error, _ = run(["1,2,3"], state=tmp_path / "nowhere" / "state")
    assert isinstance(error, OSError)
    assert error.errno == errno.ENOENT
