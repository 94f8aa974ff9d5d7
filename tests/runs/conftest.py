"""A disk that breaks down, and small things to write to it."""

import pytest
import torch
from tests.files.disk import disk_that_lasts, power_cut

from clew.models import ModelConfig
from clew.runs import Checkpoint, DataRecord, RunConfig

__all__ = ["disk_that_lasts", "power_cut"]


@pytest.fixture
def make_checkpoint():
    """A small checkpoint at a position in the data."""

    def make(epoch: int, batch: int) -> Checkpoint:
        tensors = {"model": {"a": torch.full((3, 5), epoch + batch / 10)}, "random": {"cpu": torch.arange(7)}}
        return Checkpoint(epoch, batch, {"note": f"{epoch}.{batch}", "size": 12}, tensors)

    return make


@pytest.fixture
def run_config() -> RunConfig:
    """The config of a run of a small model."""
    return RunConfig(
        model=ModelConfig(d_input=2, n_classes=3, d_model=4, n_layers=1, mixer_options={"d_state": 4}),
        data=DataRecord("toy", {"size": 3}, ("a", "b", "c"), ("x", "y"), "sequence", "0" * 64),
        training={"epochs": 3, "learning_rate": 0.1, "gradient_clip": None},
        threads=1,
    )
