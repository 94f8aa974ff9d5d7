"""Runs on disk: the run directory, its config, metrics and checkpoints."""

from clew.runs.checkpoints import Checkpoint, newest_checkpoint, read_checkpoint, save_checkpoint
from clew.runs.config import DataRecord, RunConfig
from clew.runs.directory import RunDirectory
from clew.runs.load import load, load_dataset
from clew.runs.metrics import MetricsLog, cut_metrics, read_metrics
from clew.runs.run import Run

__all__ = [
    "Checkpoint",
    "DataRecord",
    "MetricsLog",
    "Run",
    "RunConfig",
    "RunDirectory",
    "cut_metrics",
    "load",
    "load_dataset",
    "newest_checkpoint",
    "read_checkpoint",
    "read_metrics",
    "save_checkpoint",
]
