"""The settings of training on text."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from clew.devices import check_device
from clew.train.config import check_number

__all__ = ["TextConfig"]


@dataclass(frozen=True)
class TextConfig:
    """The settings of training a language model on text.

    Training is cut into ``validations`` equal stretches, called epochs in the metrics, and validated after
    each.

    Attributes:
        steps: how many steps to take; or
        minutes: how long to take steps, in minutes: learning rates then follow the clock, and so two runs
            are never the same. Validations, samples and checkpoints come on top. One of the two is given.
        length: tokens in a row.
        batch_size: rows in a step, over all processes.
        carry_state: whether each row goes on where its row of the step before ended, in text and in state:
            truncated backpropagation through a text of any length. Otherwise rows are drawn from all over
            the text, and each starts at the zero state.
        learning_rate: of AdamW, at its highest.
        dynamics_learning_rate: the same, of the parameters that hold the dynamics of the layers.
        weight_decay: of AdamW; the dynamics, norms and biases have none.
        warmup: share of the way over which the learning rates rise, before they fall along a cosine.
        gradient_clip: the highest norm of the gradient; none for no limit.
        validations: how often to validate; the weights of the best are kept.
        sample_length: tokens that the model writes after each validation, to be looked at; 0 for none.
        seed: of the order of the rows, of dropout and of the samples (on the command line also of the first
            weights).
        checkpoint_every: seconds between two checkpoints.
        device: where to compute; auto is cuda where there is one.
        directory: the run directory; none for runs/TEXT-MIXER.

    Raises:
        ValueError: for a value out of its range, or not one of ``steps`` and ``minutes``.
    """

    steps: int | None = None
    minutes: float | None = None
    length: int = 256
    batch_size: int = 16
    carry_state: bool = False
    learning_rate: float = 4e-3
    dynamics_learning_rate: float = 4e-3
    weight_decay: float = 0.1
    warmup: float = 0.1
    gradient_clip: float | None = 1.0
    validations: int = 10
    sample_length: int = 200
    seed: int = 0
    checkpoint_every: float = 30.0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    directory: str | Path | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(
                f"training takes steps or minutes; got steps={self.steps} and minutes={self.minutes}"
            )
        for name in ("steps", "length", "batch_size", "validations"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), "a whole number of 1 or more", whole=True, low=1)
        for name in ("minutes", "learning_rate", "dynamics_learning_rate", "gradient_clip"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), "a number above 0", above=0)
        for name in ("weight_decay", "checkpoint_every"):
            check_number(name, getattr(self, name), "a number of 0 or more", low=0)
        check_number("sample_length", self.sample_length, "a whole number of 0 or more", whole=True, low=0)
        check_number("warmup", self.warmup, "a share between 0 and 1", low=0, high=1)
        check_number(
            "seed", self.seed, "a whole number from 0 to 2**63 - 1", whole=True, low=0, high=2**63 - 1
        )
        check_device(self.device)

    def as_record(self) -> dict[str, Any]:
        """The fields that ``config.json`` keeps: all but the directory, which is where that file lies."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "directory"}
