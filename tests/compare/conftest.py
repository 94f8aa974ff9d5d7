"""Rows that were made up, and a task of a second."""

from collections.abc import Callable

import pytest

from clew import data
from clew.compare import Budget, Made, Measured, Row, Training
from clew.data import Dataset

TASK = {"length": 2, "delay": 3, "symbols": 16, "sequences": 40, "test_sequences": 10}
BUDGET = Budget(d_model=4, n_layers=1, pooling="step", epochs=2, batch_size=16)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Delayed copy, as short as it gets."""
    return data.load("delayed-copy", TASK)


@pytest.fixture
def budget() -> Budget:
    """Two epochs of a model of one small layer."""
    return BUDGET


@pytest.fixture
def row() -> Callable[..., Row]:
    """Make up a row."""

    def row(mixer: str = "s4d", seed: int = 0, accuracy: float = 0.5, **changes: object) -> Row:
        what = {"task": "digits", "mixer": mixer, "seed": seed}
        measured = {
            "accuracy": accuracy, "loss": 1.0, "count": 8, "trivial": 0.1, "parameters": 1234, "epochs": 3,
            "best_epoch": 2, "seconds": 90.0, "epoch_seconds": 30.0, "start_bytes": 2**20,
            "peak_bytes": 3 * 2**20,
        }  # fmt: skip
        if "mean_squared_error" in changes:
            measured["accuracy"] = None
            measured["mean_squared_error"] = changes["mean_squared_error"]
        made = {
            "commit": "0123abc", "clew": "0.1.0", "torch": "2.13.0", "threads": 1, "device": "cpu",
            "processor": "a processor", "date": "2026-01-01T00:00:00+00:00",
        }  # fmt: skip
        for fields in (what, measured, made):
            fields.update({name: value for name, value in changes.items() if name in fields})
        budget = changes.get("budget", Budget())
        options = {name: changes[name] for name in ("task_options", "mixer_options") if name in changes}
        return Row(Training(**what, **options, budget=budget), Measured(**measured), Made(**made))

    return row
