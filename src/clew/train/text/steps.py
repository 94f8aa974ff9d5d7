"""The numbers of training on text: one step of the optimiser, one validation, over a team of processes."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

from clew.data import IGNORE, TextDataset
from clew.files.tensors import check_tensors
from clew.models import LanguageModel
from clew.models.state_tree import named_leaves, with_leaves
from clew.nn import Dropout
from clew.train.gradient import check_finite, gradient
from clew.train.objective import Objective, cross_entropy_sum
from clew.train.position import Position
from clew.train.step import StepResult
from clew.train.team import Team
from clew.train.text.carried import gathered, handed_on, rows_of_state
from clew.train.text.config import TextConfig
from clew.train.text.evaluate import nats
from clew.train.text.pace import Pace
from clew.train.text.rows import Rows, window
from clew.train.text.sample import sample

__all__ = ["BITS", "TextSteps"]

PROMPT = 32
"""Tokens of the validation part that a sample goes on from."""


def _bits(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    loss, _ = cross_entropy_sum(logits, targets)
    return loss, loss.detach() / math.log(2)


BITS = Objective(_bits, "bits_per_byte")
"""The objective of a language model: the code length in nats and in bits, the means over bytes."""


class TextSteps:
    """Takes the steps of a run on text: a :class:`clew.train.task.Steps`.

    Each process of the team works on its rows of the global batch, as in :class:`clew.train.step.Stepper`.
    The loss is the mean over the tokens; what is logged is the mean over bytes, a token counting as many as
    the tokens of the training part have on average.

    Args:
        model: on the team's device; the same in each process.
        optimiser: over the parameters of ``model``.
        dataset: what to learn.
        config: how.
        team: the processes.
        taken: how many steps were taken before.
    """

    def __init__(
        self,
        model: LanguageModel,
        optimiser: AdamW,
        dataset: TextDataset,
        config: TextConfig,
        team: Team,
        taken: int,
    ) -> None:
        self.model, self.dataset, self.config, self.team = model, dataset, config, team
        self.objective, self.steps, self.validates = BITS, config.steps, True
        self._pace = Pace(config, taken)
        self.epochs = self._pace.stretches
        self._optimiser = optimiser
        self._rates = [float(group["lr"]) for group in optimiser.param_groups]
        self._rows = Rows(
            len(dataset.train), config.length, config.batch_size, config.seed, config.carry_state
        )
        self._token_bytes = dataset.train.n_bytes / len(dataset.train)
        self._state: Any = None  # of every row of the global batch, the same in each process
        self._parallel = team.accelerator.prepare(model)
        self._parallel.train()
        self._dropouts = [layer for layer in model.modules() if isinstance(layer, Dropout)]

    def finished(self, position: Position) -> bool:
        """Whether every stretch of training has passed."""
        return position.epoch >= self.epochs

    def over(self, position: Position) -> bool:
        """Whether the steps of the stretch are taken."""
        return position.batch > 0 and self._pace.over(position.epoch)

    def step(self, epoch: int, batch: int) -> StepResult:
        """Take the step that comes next.

        Raises:
            ValueError: if the loss or its gradient is not finite; the weights have then not moved.
        """
        began, pace = time.monotonic(), self._pace
        starts = self._rows.starts(pace.taken)
        share, device = self.team.rows(len(starts)), self.team.device
        whole = window(self.dataset.train, starts, self.config.length)
        count = int((whole.targets != IGNORE).sum())
        inputs, targets = whole.inputs[share.rows], whole.targets[share.rows]
        segments = None if whole.segments is None else whole.segments[share.rows].to(device)
        if share.idle:
            targets = torch.full_like(targets, IGNORE)
        for dropout in self._dropouts:
            dropout.set_rows(len(starts), share.rows)
        before = None
        if self._state is not None and not self._rows.begins(pace.taken):
            before = rows_of_state(handed_on(self.model, self._state, whole.fresh), share.rows)

        logits, after = self._parallel(inputs.to(device), before, segments=segments)
        loss, bits = self.objective.sums(logits, targets.to(device))
        where, limit = f"at step {pace.taken + 1}", self.config.gradient_clip
        total, total_bits = gradient(self.team, self.model, loss, bits, count, limit, where)
        factor = pace.factor()
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self._optimiser.step()
        self._optimiser.zero_grad()
        if self.config.carry_state:
            self._state = self._everybodys(after, share.rows, share.idle, len(starts))
        pace.taken += 1
        pace.seconds += self._leaders(time.monotonic() - began)
        return StepResult(total, total_bits, round(count * self._token_bytes), max(self._rates) * factor)

    def validate(self) -> tuple[float, float]:
        """Nats and bits per byte of the validation part, read in as many lanes as a batch has rows.

        Raises:
            ValueError: if they are not finite.
        """
        split, lanes = self.dataset.validation, self.config.batch_size
        mine = nats(self.model, split, lanes, range(self.team.index, lanes, self.team.size))
        total = float(self.team.sum(torch.tensor(mine, dtype=torch.float64, device=self.team.device)))
        total += len(split.starts) * math.log(self.model.config.n_tokens)
        check_finite(total, f"the validation loss is {total / len(split)}")
        return total / split.n_bytes, total / math.log(2) / split.n_bytes

    def samples(self, position: Position) -> list[dict[str, Any]]:
        """The beginning of the validation part, and how the model goes on from it."""
        count = self.config.sample_length
        if not count:
            return []
        prompt = self.dataset.validation.tokens[:PROMPT].tolist()
        written = sample(self.model, prompt, count, self.config.seed)
        decode = self.dataset.tokenizer.decode
        return [
            {
                "kind": "sample",
                "step": position.step,
                "prompt": decode(prompt),
                "text": decode(prompt + written),
            }
        ]

    def memory(self) -> dict[str, Tensor]:
        """The carried state, and the time that the steps took where it counts."""
        kept: dict[str, Tensor] = {}
        if self.steps is None:
            kept["seconds"] = torch.tensor(self._pace.seconds, dtype=torch.float64)
        if self._state is not None:
            kept |= dict(named_leaves(self._state, "state"))
        return kept

    def recall(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Take back what :meth:`memory` gave.

        Raises:
            ValueError: if it is not of such a run.
        """
        start = self.model.initial_state(self.config.batch_size)
        carried = self.config.carry_state and self._pace.taken > 0
        wanted = dict(named_leaves(start, "state")) if carried else {}
        if self.steps is None:
            wanted["seconds"] = torch.zeros((), dtype=torch.float64)
        check_tensors(path, tensors, wanted)
        if self.steps is None:
            self._pace.seconds = float(tensors["seconds"])
        if carried:
            here = {name: leaf.to(self.team.device) for name, leaf in tensors.items()}
            self._state = with_leaves(start, here, "state")

    def close(self) -> None:
        """Leave the model as one that is trained no more."""
        for dropout in self._dropouts:
            dropout.set_rows(None, None)
        self._optimiser.zero_grad()
        self.model.eval()

    def _everybodys(self, state: Any, rows: slice, idle: bool, count: int) -> Any:
        """The states of all rows, of which this process has some."""
        if self.team.size == 1:
            return with_leaves(state, {name: leaf.detach() for name, leaf in named_leaves(state)})
        whole = gathered(state, rows, count)
        parts = {
            name: self.team.sum(leaf.detach() * (0.0 if idle else 1.0)) for name, leaf in named_leaves(whole)
        }
        return with_leaves(whole, parts)

    def _leaders(self, seconds: float) -> float:
        """What the leader measured, so that all processes end a stretch at the same step."""
        if self.team.size == 1 or self.steps is not None:
            return seconds
        here = torch.tensor(seconds if self.team.leads else 0.0, dtype=torch.float64, device=self.team.device)
        return float(self.team.sum(here))
