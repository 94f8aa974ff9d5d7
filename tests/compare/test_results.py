"""The file of results: rows are added, and nothing else is ever done to it.

Oracle: the json module, and the file as it was before. Tolerances: none.
"""

import dataclasses
import json
import multiprocessing

import pytest

from clew.compare import Budget, append_row, read_rows


def test_rows_are_read_as_they_were_written_in_their_order(tmp_path, row):
    rows = [row(), row(seed=1), row("rnn", mixer_options={"nonlinearity": None}, peak_bytes=None)]
    file = tmp_path / "results.json"
    for one in rows:
        append_row(file, one)
    assert read_rows(file) == rows
    content = json.loads(file.read_text())
    assert [one["mixer"] for one in content["rows"]] == ["s4d", "s4d", "rnn"]
    assert len(file.read_text().splitlines()) == len(rows) + 2
    assert list(tmp_path.iterdir()) == [file]


def test_no_file_has_no_rows(tmp_path):
    assert read_rows(tmp_path / "results.json") == []


def test_a_training_has_one_row_and_another_budget_is_another_training(tmp_path, row):
    file = tmp_path / "results.json"
    append_row(file, row(accuracy=0.5))
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"has a row of s4d, seed 0, already"):
        append_row(file, row(accuracy=0.9))
    assert file.read_bytes() == before
    append_row(file, row(budget=Budget(epochs=61)))
    assert len(read_rows(file)) == 2


def test_a_write_that_fails_leaves_the_rows_there_were(tmp_path, row, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    file = tmp_path / "results.json"
    append_row(file, row())
    before = file.read_bytes()
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        append_row(file, row(seed=1))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def _append(path, rows):
    for row in rows:
        append_row(path, row)


def test_two_processes_lose_no_row_of_each_other(tmp_path, row):
    file = tmp_path / "results.json"
    context = multiprocessing.get_context("fork")
    parts = [[row(name, seed) for seed in range(10)] for name in ("s4d", "rnn")]
    writers = [context.Process(target=_append, args=(file, part)) for part in parts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert len(read_rows(file)) == 20


def broken(content, *path, **changes):
    """``content`` with other fields somewhere inside, or without those that are to be None."""
    changed = json.loads(json.dumps(content))
    inner = changed
    for step in path:
        inner = inner[step]
    for name, value in changes.items():
        if value is None:
            del inner[name]
        else:
            inner[name] = value
    return changed


ROW = ("rows", 0)
BROKEN = [
    (lambda content: b"{", "is not a JSON file"),
    (lambda content: b"\xff", "is not a JSON file"),
    (lambda content: [], "is not a file of results of this version"),
    (lambda content: {}, "is not a file of results of this version"),
    (lambda content: broken(content, format="clew compare 2"), "its format is not 'clew compare 1'"),
    (lambda content: broken(content, rows=[3]), "row 1 is not a row of results"),
    (lambda content: broken(content, *ROW, measured=None), "row 1 is not a row of results.*'measured'"),
    (lambda content: broken(content, *ROW, seed=None), "it has no field 'seed'"),
    (lambda content: broken(content, *ROW, sed=1), "unknown field 'sed'"),
    (lambda content: broken(content, *ROW, seed="1"), "seed is not of type int: '1'"),
    (lambda content: broken(content, *ROW, made="me"), "made is not an object"),
    (lambda content: broken(content, *ROW, "budget", epochs=None), "it has no field 'epochs'"),
    (lambda content: broken(content, *ROW, "measured", accuracy="high"), "accuracy is not of type float"),
    (lambda content: broken(content, rows=content["rows"] * 2), "row 2 is a training that a row above"),
]


@pytest.mark.parametrize(("spoil", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_another_file_is_refused_and_left_alone(tmp_path, row, spoil, message):
    file = tmp_path / "results.json"
    append_row(file, row())
    content = spoil(json.loads(file.read_text()))
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    before = file.read_bytes()
    with pytest.raises(ValueError, match=message):
        read_rows(file)
    with pytest.raises(ValueError, match=message):
        append_row(file, row(seed=1))
    assert file.read_bytes() == before


def test_every_field_of_a_row_is_in_the_file(tmp_path, row):
    one = row()
    append_row(tmp_path / "results.json", one)
    (written,) = json.loads((tmp_path / "results.json").read_text())["rows"]
    measured = dataclasses.asdict(one.measured)
    assert measured.pop("mean_squared_error") is None
    assert written.pop("measured") == measured
    assert written.pop("made") == dataclasses.asdict(one.made)
    assert written == dataclasses.asdict(one.training)


def test_a_row_of_values_has_a_mean_squared_error_and_no_accuracy(tmp_path, row):
    one = row(task="adding", mean_squared_error=0.125, trivial=1 / 6)
    append_row(tmp_path / "results.json", one)
    append_row(tmp_path / "results.json", row())
    assert read_rows(tmp_path / "results.json") == [one, row()]
    written = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert "accuracy" not in written[0]["measured"]
    assert written[0]["measured"]["mean_squared_error"] == 0.125
    assert "mean_squared_error" not in written[1]["measured"]
    assert (one.measured.score, one.measured.metric.high) == (0.125, False)
    assert (row().measured.score, row().measured.metric.high) == (0.5, True)


@pytest.mark.parametrize("changes", [{"accuracy": None}, {"mean_squared_error": 0.5}])
def test_a_row_has_one_of_the_two(tmp_path, row, changes):
    file = tmp_path / "results.json"
    append_row(file, row())
    content = broken(json.loads(file.read_text()), *ROW, "measured", **changes)
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="row 1 is not a row of results: a row has an accuracy or"):
        read_rows(file)
