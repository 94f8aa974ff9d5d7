"""What is trained in a comparison, and what makes two trainings one.

Oracle: the cases are written out. Tolerances: none.
"""

import dataclasses
import json
from pathlib import Path

import pytest

from clew import data
from clew.compare import Budget, Training, plan

ROOT = Path("runs")


def test_every_mixer_has_every_seed_and_each_seed_comes_to_all_first(dataset, budget):
    trainings = plan(dataset, {"rnn": {}, "s4d": {}}, budget, [3, 1])
    assert [(one.mixer, one.seed) for one in trainings] == [("rnn", 3), ("s4d", 3), ("rnn", 1), ("s4d", 1)]
    assert {one.task for one in trainings} == {"delayed-copy"}
    assert all(one.budget == budget for one in trainings)


def test_an_option_at_its_default_is_as_good_as_none(budget):
    spelled = data.load("delayed-copy", {"sequences": 60, "test_sequences": 9, "delay": 50, "symbols": 8})
    (training,) = plan(spelled, {"s4d": {"d_state": "64", "init": "lin"}}, budget, [0])
    assert training.task_options == {"sequences": 60, "test_sequences": 9}
    assert training.mixer_options == {"init": "lin"}


def test_options_are_read_as_their_types(dataset, budget):
    (training,) = plan(dataset, {"rnn": {"nonlinearity": "none", "d_state": "7"}}, budget, [0])
    assert training.mixer_options == {"d_state": 7, "nonlinearity": None}
    assert training.label == "rnn d_state=7 nonlinearity=none"


def test_it_outlives_json(dataset, budget):
    (training,) = plan(dataset, {"rnn": {"nonlinearity": "none"}}, budget, [0])
    content = json.loads(json.dumps(training.as_json()))
    assert Training(**(content | {"budget": Budget(**content["budget"])})) == training


@pytest.mark.parametrize(
    "change",
    [
        {"task": "maze"},
        {"task_options": {"validation": 0.5}},
        {"mixer": "rnn"},
        {"mixer_options": {"d_state": 8}},
        {"seed": 1},
        *({"budget": dataclasses.replace(Budget(), **{name: 7})} for name in ("epochs", "d_model")),
    ],
    ids=str,
)
def test_whatever_differs_lies_elsewhere(change):
    training = Training("digits")
    other = dataclasses.replace(training, **change)
    assert other != training
    assert other.directory(ROOT) != training.directory(ROOT)


def test_what_is_compared_lies_together():
    training = Training("digits")
    for change in ({"mixer": "rnn"}, {"mixer_options": {"d_state": 8}}, {"seed": 1}):
        other = dataclasses.replace(training, **change)
        assert other.directory(ROOT).parent == training.directory(ROOT).parent
