"""``clew compare``: from a task and names of mixers to rows, a table and a plot.

Oracle: the rows in the file, read with json; ``clew train`` and ``clew evaluate`` with the same words.
Tolerances: none.
"""

import dataclasses
import importlib
import json
import statistics

import pytest

from clew.cli.compare import Options
from clew.compare import Budget
from clew.compare.measure import measure
from clew.models import ModelConfig
from clew.train import TrainConfig, fit

SMALL = "--epochs 2 --batch-size 8 --d-model 8"


def rows_of(file):
    return json.loads(file.read_text())["rows"]


@pytest.fixture
def quick(monkeypatch):
    """No process for each training."""
    monkeypatch.setattr(importlib.import_module("clew.compare.carry_out"), "measure_apart", measure)


def test_the_program_measures_what_train_and_evaluate_do(here, clew):
    words = f"data.csv {SMALL}".split()
    said = clew("compare", *words, "--mixers", "s4d", "--mixer-options", "s4d:d_state=8", "--seeds", "3")
    assert (said.code, said.err) == (0, "")
    (row,) = rows_of(here / "runs/compare/results.json")
    measured = row["measured"]
    assert measured["peak_bytes"] is None or measured["peak_bytes"] > measured["start_bytes"] > 2**26
    same = ("--mixer", "s4d", "--mixer-options", "d_state=8", "--seed", "3", "--directory", "same")
    assert clew("train", *words, *same).code == 0
    assert clew("evaluate", "same", "--batch-size", "8").code == 0
    evaluation = json.loads((here / "same/evaluation.json").read_text())
    for name in ("accuracy", "loss", "count"):
        assert measured[name] == evaluation[name], name


def test_two_mixers_two_seeds_and_again(here, clew, quick):
    options = "--mixer-options s4d:d_state=8,s4d:init=lin --seeds 0,1"
    words = f"compare data.csv --mixers rnn,s4d {options} {SMALL}"
    said = clew(*words.split())
    assert (said.code, said.err) == (0, "")
    file = here / "runs/compare/results.json"
    rows, before = rows_of(file), file.read_bytes()
    assert [(row["mixer"], row["seed"]) for row in rows] == [("rnn", 0), ("s4d", 0), ("rnn", 1), ("s4d", 1)]
    for label, name in (("rnn", "rnn"), ("s4d d_state=8 init=lin", "s4d")):
        accuracies = [row["measured"]["accuracy"] for row in rows if row["mixer"] == name]
        (line,) = (line for line in said.out.splitlines() if line.startswith(f"{label}  "))
        shown = line.removeprefix(label).split()[:4]
        expected = [statistics.median(accuracies), min(accuracies), max(accuracies)]
        assert shown == [*(f"{value:.2%}" for value in expected), "2"]
    assert "most frequent class" in said.out
    (plot,) = here.glob("runs/compare/*/comparison.png")
    assert plot.read_bytes().startswith(b"\x89PNG")

    again = clew(*words.split())
    assert (again.code, file.read_bytes()) == (0, before)
    assert again.out.count("there already in runs/compare/results.json") == 4
    table = said.out.partition("\n\n")[2]
    assert again.out.partition("\n\n")[2] == table
    plot.unlink()
    shown = clew("compare", "csv-table")
    assert (shown.code, shown.out) == (0, table)
    assert plot.exists()
    assert clew("compare", "data.csv").out == table
    assert clew("compare", "data.csv", "--data-options", "validation=0.5").err.startswith(
        "clew: unknown task in runs/compare/results.json: 'data.csv validation=0.5'; "
    )

    longer = clew(*words.replace("--epochs 2", "--epochs 1").split())
    assert longer.code == 0
    assert rows_of(file)[:4] == rows
    assert len(rows_of(file)) == 8
    assert longer.out.count("most frequent class") == 1
    assert clew("compare", "csv-table").out.count("most frequent class") == 2


def test_a_mixer_that_fails_is_told_and_the_others_go_on(here, clew, quick, monkeypatch):
    def fails(model, *rest, **options):
        if model.config.mixer == "rnn":
            raise ValueError("the loss is nan")
        return fit(model, *rest, **options)

    monkeypatch.setattr("clew.compare.measure.fit", fails)
    said = clew(*f"compare data.csv --mixers rnn,s4d --seeds 0 {SMALL}".split())
    assert said.code == 1
    assert said.err == "clew: rnn, seed 0: the loss is nan\n"
    assert [row["mixer"] for row in rows_of(here / "runs/compare/results.json")] == ["s4d"]
    assert "\ns4d  " in said.out


def test_an_interruption_says_what_to_do(here, clew, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("clew.compare.carry_out", interrupt)
    said = clew(*f"compare data.csv --mixers rnn {SMALL}".split())
    assert (said.code, said.out) == (130, "")
    assert said.err == "clew: interrupted; the same command goes on\n"


def test_defaults_are_those_of_the_library():
    defaults = {
        field.name: field.default
        for config in (ModelConfig, TrainConfig)
        for field in dataclasses.fields(config)
    }
    for kind in (Options, Budget):
        for field in dataclasses.fields(kind):
            if field.name in defaults and field.name not in ("mixer_options", "pooling", "directory"):
                assert field.default == defaults[field.name], field.name
