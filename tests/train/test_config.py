"""The settings of a run.

Oracle: the ranges their documentation gives. Tolerances: none.
"""

import dataclasses
import json
from pathlib import Path

import pytest

from clew.train import TrainConfig


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "epochs": [0, -1, 1.5, True, "3"],
        "batch_size": [0, 2.0],
        "patience": [0],
        "learning_rate": [0, -1e-3, float("nan"), float("inf"), "fast"],
        "dynamics_learning_rate": [0.0],
        "weight_decay": [-0.1],
        "warmup": [-0.1, 1.1],
        "gradient_clip": [0.0, -1.0, float("inf")],
        "seed": [-1, 0.5, 2**63],
        "checkpoint_every": [-1, float("nan")],
        "device": ["gpu", "cuda:1", 3],
    }.items(),
)
def test_a_value_out_of_range_is_named(field, values):
    for value in values:
        with pytest.raises(ValueError, match=field) as error:
            TrainConfig(**{field: value})
        assert "\n" not in str(error.value)


def test_the_edges_of_the_ranges_are_in():
    TrainConfig(warmup=0, weight_decay=0, checkpoint_every=0, gradient_clip=None, seed=2**63 - 1, epochs=1)
    TrainConfig(warmup=1, learning_rate=1)


def test_the_record_is_all_but_the_directory():
    config = TrainConfig(epochs=3, gradient_clip=None, directory=Path("here"))
    record = json.loads(json.dumps(config.as_record()))
    assert record.keys() == {field.name for field in dataclasses.fields(TrainConfig)} - {"directory"}
    assert TrainConfig.from_record(record, Path("here")) == config


def test_an_unknown_field_of_a_record_is_named():
    with pytest.raises(ValueError, match="'epoch'; did you mean 'epochs'"):
        TrainConfig.from_record({"epoch": 3})
