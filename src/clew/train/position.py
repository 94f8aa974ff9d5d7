"""How far a run has come."""

from dataclasses import dataclass

__all__ = ["Position"]


@dataclass(frozen=True)
class Position:
    """How far a run has come: what comes next, and what is summed up on the way.

    Attributes:
        epoch: the epoch that comes next or is under way, from 0.
        batch: its batch that comes next; one past the last when its validation comes next.
        step: steps taken, over all epochs.
        seconds: spent in training, interruptions left out.
        loss: summed over the targets of the epoch so far.
        measured: what the objective measures beside it, summed likewise.
        count: how many of them there were.
        best_loss: the lowest validation loss so far.
        stale: epochs since then.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    measured: float = 0.0
    count: int = 0
    best_loss: float | None = None
    stale: int = 0
