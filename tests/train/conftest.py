"""Runs side by side: what two of them have in common, and what they measured."""

import pytest

from clew.files.tensors import read_tensors
from clew.runs import read_metrics


@pytest.fixture
def without_seconds():
    """The metrics of a run directory, but for the time they took."""

    def read(directory):
        lines = read_metrics(directory / "metrics.jsonl")
        return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]

    return read


@pytest.fixture
def weights():
    """The trained weights of a run directory, as bytes by name."""

    def read(directory):
        tensors = read_tensors(directory / "model.safetensors")
        return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}

    return read
