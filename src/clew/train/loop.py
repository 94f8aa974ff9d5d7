"""The training loop: one step or one validation after another, and a checkpoint when it is time."""

import dataclasses
import time
from typing import Any

from torch import Tensor
from torch.optim import AdamW

from clew.runs import MetricsLog, RunDirectory, save_checkpoint
from clew.train.bar import Bar
from clew.train.position import Position
from clew.train.snapshot import take
from clew.train.task import Steps

__all__ = ["Loop"]


class Loop:
    """A run in progress.

    What comes next depends on the position and on what a checkpoint keeps, and on nothing else; time decides
    only when a checkpoint is written. So a run that is interrupted goes on as if it had not been.

    Args:
        stepper: takes the steps.
        optimiser: the stepper's.
        directory: of the run. The process that leads writes metrics and checkpoints into it.
        progress: whether to show a progress bar where there is a terminal.
    """

    def __init__(self, stepper: Steps, optimiser: AdamW, directory: RunDirectory, *, progress: bool) -> None:
        self.stepper, self.optimiser = stepper, optimiser
        self.directory, self.progress = directory, progress

    def run(self, position: Position, best: dict[str, Tensor] | None) -> None:
        """Train from ``position`` to the end; the model then holds the best weights.

        Args:
            position: where to start.
            best: the best weights up to there; none before the first validation.

        Raises:
            ValueError: if a loss or a gradient is not finite.
        """
        stepper, leads = self.stepper, self.stepper.team.leads
        self._best = best
        start, saved = time.monotonic() - position.seconds, time.monotonic()
        log = MetricsLog(self.directory.metrics_file) if leads else None
        shown = self.progress and leads
        bar = Bar(position, stepper.steps, stepper.epochs, stepper.objective.measure, shown=shown)
        try:
            while not stepper.finished(position):
                training = not stepper.over(position)
                position, line = self._step(position) if training else self._end_epoch(position)
                position = dataclasses.replace(position, seconds=time.monotonic() - start)
                bar.show(position)
                if log is None:
                    continue
                if line is not None:
                    log.write(line | ({"seconds": position.seconds} if training else {}))
                for sample in [] if training else stepper.samples(position):
                    log.write(sample)
                    bar.say(sample["text"])
                if time.monotonic() - saved >= stepper.config.checkpoint_every:
                    checkpoint = take(stepper, self.optimiser, position, self._best, log.sync())
                    save_checkpoint(self.directory.checkpoints, checkpoint)
                    saved = time.monotonic()
            if log is not None:
                log.sync()
        finally:
            bar.close()
            if log is not None:
                log.close()
        if self._best is not None:
            stepper.model.load_state_dict(self._best)

    def _step(self, position: Position) -> tuple[Position, dict[str, Any]]:
        """Take a step: the position after it, and its line of metrics."""
        if position.batch == 0:
            position = dataclasses.replace(position, loss=0.0, measured=0.0, count=0)
        result = self.stepper.step(position.epoch, position.batch)
        after = dataclasses.replace(
            position,
            batch=position.batch + 1,
            step=position.step + 1,
            loss=position.loss + result.loss,
            measured=position.measured + result.measured,
            count=position.count + result.targets,
        )
        line = {
            "kind": "train",
            "step": after.step,
            "epoch": position.epoch,
            "loss": result.loss / max(result.targets, 1),
            self.stepper.objective.measure: result.measured / max(result.targets, 1),
            "learning_rate": result.learning_rate,
        }
        return after, line

    def _end_epoch(self, position: Position) -> tuple[Position, dict[str, Any] | None]:
        """Validate, where there is a split for it, and go to the next epoch."""
        after = dataclasses.replace(position, epoch=position.epoch + 1, batch=0)
        if not self.stepper.validates:
            return after, None
        loss, measured = self.stepper.validate()
        better = position.best_loss is None or loss < position.best_loss
        if better:
            weights = self.stepper.model.state_dict()
            self._best = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
            after = dataclasses.replace(after, best_loss=loss, stale=0)
        else:
            after = dataclasses.replace(after, stale=position.stale + 1)
        line = {
            "kind": "validation",
            "step": position.step,
            "epoch": position.epoch,
            "loss": loss,
            self.stepper.objective.measure: measured,
            "best": better,
        }
        return after, line
