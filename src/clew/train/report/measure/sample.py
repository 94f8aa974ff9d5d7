"""The sequences that a report may look at: from the validation split, never from the test split."""

from clew.data import Batch, Dataset, Split

__all__ = ["MOST_SAMPLES", "sample_batch", "sample_split"]

MOST_SAMPLES = 2048
"""Longer sequences are cut to so many samples: they are run one sample at a time here."""


def sample_split(dataset: Dataset) -> tuple[str, Split]:
    """The validation split and its name, or the training split where nothing was held out."""
    if len(dataset.validation):
        return "validation", dataset.validation
    return "training", dataset.train


def sample_batch(split: Split, most: int) -> Batch:
    """The first ``most`` sequences of ``split``, or all of them, each cut to ``MOST_SAMPLES``."""
    batch = split.batch(range(min(len(split), most)))
    targets = batch.targets[:, :MOST_SAMPLES] if split.per_frame else batch.targets
    return Batch(batch.inputs[:, :MOST_SAMPLES], batch.lengths.clamp(max=MOST_SAMPLES), targets)
