"""Runs on disk: the run directory, its config, metrics and checkpoints."""

from clew.runs.checkpoints import Checkpoint, newest_checkpoint, read_checkpoint, save_checkpoint
from clew.runs.config import DataRecord, RunConfig
from clew.runs.directory import RunDirectory
from clew.runs.load import load, load_dataset, load_sequence_model, load_text
from clew.runs.metrics import MetricsLog, cut_metrics, read_metrics
from clew.runs.run import Run
from clew.runs.text_record import TextRecord

__all__ = [
    "Checkpoint",
    "DataRecord",
    "MetricsLog",
    "Run",
    "RunConfig",
    "RunDirectory",
    "TextRecord",
    "cut_metrics",
    "load",
    "load_dataset",
    "load_sequence_model",
    "load_text",
    "newest_checkpoint",
    "read_checkpoint",
    "read_metrics",
    "save_checkpoint",
]
