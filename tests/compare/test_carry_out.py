"""One training after another: what has a row is left out, what fails is told, a kill loses no row.

Oracle: the file of results as it was before, and a comparison of the same that nothing disturbed.
Tolerances: none.
"""

import dataclasses
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clew.compare import carry_out, plan, read_rows
from clew.compare.measure import measure
from clew.compare.process import SOURCE, measure_apart
from clew.runs import RunDirectory

PATIENCE = 120.0  # seconds until a process that does not answer is held to be lost


@pytest.fixture
def trainings(dataset, budget):
    return plan(dataset, {"s4d": {"d_state": 4}, "rnn": {}}, budget, [0, 1])


@pytest.fixture
def said():
    """What carry_out says, with a function to give it."""
    lines = []

    def say(training, what, failed):
        lines.append((training.label, training.seed, what, failed))

    say.lines = lines
    return say


@pytest.fixture
def in_this_process(monkeypatch):
    """The quick way: no process for each training. Returns the list of what was trained."""
    trained = []

    def here(training, directory, device):
        trained.append(training)
        measure(training, directory, device)

    # The package has a function of the module's name.
    monkeypatch.setattr(importlib.import_module("clew.compare.carry_out"), "measure_apart", here)
    return trained


def test_what_has_a_row_is_not_trained_again(trainings, tmp_path, in_this_process, said):
    results = tmp_path / "results" / "results.json"
    assert carry_out(trainings[:3], results, tmp_path / "runs", say=said) == 0
    assert [row.training for row in read_rows(results)] == trainings[:3]
    before, said.lines[:] = read_rows(results), []
    assert carry_out(trainings, results, tmp_path / "runs", say=said) == 0
    assert in_this_process == trainings
    assert [row.training for row in read_rows(results)] == trainings
    assert read_rows(results)[:3] == before
    assert [what for _, _, what, _ in said.lines[:3]] == [f"there already in {results}"] * 3
    assert said.lines[3][2].startswith("accuracy ")
    assert not any(failed for *_, failed in said.lines)


def test_a_run_that_has_no_row_yet_gives_its_row(trainings, tmp_path, in_this_process, said):
    results = tmp_path / "results.json"
    carry_out(trainings[:1], results, tmp_path / "runs")
    (row,) = read_rows(results)
    results.unlink()
    carry_out(trainings[:1], results, tmp_path / "runs", say=said)
    assert read_rows(results) == [row]
    assert len(in_this_process) == 1
    assert ", found in " in said.lines[0][2]


def test_one_that_fails_is_told_and_the_others_go_on(trainings, tmp_path, in_this_process, said):
    hot = dataclasses.replace(trainings[0].budget, learning_rate=1e30)
    bad = dataclasses.replace(trainings[0], budget=hot)
    results = tmp_path / "results.json"
    assert carry_out([bad, *trainings[1:2]], results, tmp_path / "runs", say=said) == 1
    assert [row.training for row in read_rows(results)] == trainings[1:2]
    assert [failed for *_, failed in said.lines] == [True, False]
    assert "training stops" in said.lines[0][2]


def test_results_of_another_kind_stop_it_before_anything_is_trained(trainings, tmp_path, in_this_process):
    results = tmp_path / "results.json"
    results.write_text("{}")
    with pytest.raises(ValueError, match="is not a file of results"):
        carry_out(trainings, results, tmp_path / "runs")
    assert in_this_process == []
    assert results.read_text() == "{}"


def test_a_process_says_in_one_line_why_it_failed(trainings, tmp_path):
    hot = dataclasses.replace(trainings[0].budget, epochs=0)
    bad = dataclasses.replace(trainings[0], budget=hot)
    with pytest.raises(ChildProcessError, match=r"^epochs must be a whole number of 1 or more, got 0$"):
        measure_apart(bad, tmp_path / "run", "cpu")


def until(condition):
    """Wait until ``condition`` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether there is such a process, zombies aside."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free(directory: Path) -> bool:
    """Whether no process trains in ``directory``: the last thread of a dead one may still hold its files."""
    try:
        with RunDirectory(directory).lock():
            return True
    except ValueError:
        return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the children of a process are read from /proc")
def test_a_kill_in_the_middle_costs_no_row_and_makes_none_twice(
    trainings, tmp_path, in_this_process, budget, said
):
    """The parent alone is killed, in the middle of its second training; the training ends with it."""
    results, runs = tmp_path / "results.json", tmp_path / "runs"
    long = dataclasses.replace(budget, epochs=150, patience=150)
    first, second = trainings[0], dataclasses.replace(trainings[1], budget=long)
    carry_out([first], results, runs)
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from clew.compare import Budget, Training, carry_out\n"
        "results, runs, what = json.loads(sys.argv[1])\n"
        "what = Training(**(what | {'budget': Budget(**what['budget'])}))\n"
        "carry_out([what], Path(results), Path(runs), device='cpu')\n"
    )
    order = json.dumps([str(results), str(runs), second.as_json()])
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    parent = subprocess.Popen([sys.executable, "-c", code, order], env=environment)
    directory = second.directory(runs)
    metrics = directory / "metrics.jsonl"
    until(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") > 20)
    (worker,) = map(int, Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not alive(worker) and free(directory))
    assert [row.training for row in read_rows(results)] == [first]
    assert not (directory / "model.safetensors").exists()
    carry_out([first, second, first], results, runs, say=said)
    assert not any(failed for *_, failed in said.lines), said.lines
    assert in_this_process == [first, second]
    assert [row.training for row in read_rows(results)] == [first, second]
