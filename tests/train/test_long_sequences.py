"""The tasks that ask for memory, as long as they are published: a few steps of training.

Oracle: the loss of an answer that knows nothing, which a model has before it has learned: ln 8 of delayed
copy, one variance of adding. Tolerances: the table.
"""

import math

import pytest
import torch
from tests.train.toy import toy_config

from clew.compare import memory
from clew.data import load
from clew.models import ModelConfig, build
from clew.train import fit

TOLERANCES = {
    # Relative, of the first loss: an untrained head is not flat, and a batch of eight sums has a spread of
    # its own.
    "loss": 0.8,
    # Bytes by which the process may grow: 8 × 16,384 samples × 32 channels in float32 are 16 MiB, and each of
    # two layers keeps some ten such for its gradient; one quadratic in the length would be a gigabyte alone.
    "memory": 2**30,
}
TASKS = {
    "adding": ("length", 1.0),
    "delayed-copy": ("delay", math.log(8)),
}
LENGTHS = [64, pytest.param(16_384, marks=pytest.mark.slow)]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("task", TASKS)
def test_a_few_steps_are_taken(tmp_path, task, length):
    option, flat = TASKS[task]
    sizes = {"sequences": 24, "test_sequences": 1, "validation": 0}
    data = load(task, {option: length, **sizes})
    assert int(data.train.lengths.min()) >= length
    torch.manual_seed(0)
    outputs = {"n_classes": data.n_classes, "n_values": data.n_values}
    pooling = "step" if data.target == "step" else "mean"
    model = build(ModelConfig(data.d_input, d_model=32, pooling=pooling, **outputs))
    start = memory.start_peak()
    run = fit(model, data, toy_config(tmp_path / "run", epochs=1, batch_size=8), progress=False)
    assert [line["step"] for line in run.metrics] == [1, 2, 3]
    assert run.metrics[0]["loss"] == pytest.approx(flat, rel=TOLERANCES["loss"])
    assert all(math.isfinite(line["loss"]) for line in run.metrics)
    if start is not None:
        assert memory.peak() - start < TOLERANCES["memory"]
