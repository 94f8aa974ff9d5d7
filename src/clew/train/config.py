"""The settings of a training run."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from clew.devices import check_device
from clew.errors import unknown_name

__all__ = ["TrainConfig", "check_number"]


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run.

    Attributes:
        epochs: passes over the training split, at most.
        batch_size: sequences in a step, over all processes.
        learning_rate: of AdamW, at its highest.
        dynamics_learning_rate: the same, of the parameters that hold the dynamics of the layers.
        weight_decay: of AdamW; the dynamics, norms and biases have none.
        warmup: share of the steps over which the learning rates rise, before they fall along a cosine.
        patience: epochs without a better validation loss after which training stops.
        gradient_clip: the highest norm of the gradient; none for no limit.
        seed: of the order of the data and of dropout (on the command line also of the first weights).
        checkpoint_every: seconds between two checkpoints.
        device: where to compute; auto is cuda where there is one.
        directory: the run directory; none for runs/DATA-MIXER.

    Raises:
        ValueError: for a value out of its range.
    """

    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 4e-3
    dynamics_learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.1
    patience: int = 15
    gradient_clip: float | None = 1.0
    seed: int = 0
    checkpoint_every: float = 5.0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    directory: str | Path | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            check_number(name, getattr(self, name), "a whole number of 1 or more", whole=True, low=1)
        for name in ("learning_rate", "dynamics_learning_rate"):
            check_number(name, getattr(self, name), "a number above 0", above=0)
        for name in ("weight_decay", "checkpoint_every"):
            check_number(name, getattr(self, name), "a number of 0 or more", low=0)
        check_number("warmup", self.warmup, "a share between 0 and 1", low=0, high=1)
        if self.gradient_clip is not None:
            check_number("gradient_clip", self.gradient_clip, "a number above 0, or none", above=0)
        check_number(
            "seed", self.seed, "a whole number from 0 to 2**63 - 1", whole=True, low=0, high=2**63 - 1
        )
        check_device(self.device)

    def as_record(self) -> dict[str, Any]:
        """The fields that ``config.json`` keeps: all but the directory, which is where that file lies."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "directory"}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], directory: str | Path | None = None) -> "TrainConfig":
        """The settings that ``config.json`` keeps, for a run in ``directory``.

        Raises:
            ValueError: if a field is unknown, or a value out of its range.
        """
        fields = {field.name for field in dataclasses.fields(cls)}
        for name in record:
            if name not in fields:
                raise unknown_name("field of the training config", name, fields)
        return cls(**record, directory=directory)


def check_number(
    name: str,
    value: Any,
    wanted: str,
    *,
    whole: bool = False,
    low: float = -math.inf,
    above: float = -math.inf,
    high: float = math.inf,
) -> None:
    """Check that the setting ``name`` is a number in a range.

    Args:
        name: of the setting, for the message.
        value: what it was set to.
        wanted: what it should be, in words.
        whole: whether it is a whole number.
        low: the least that it may be.
        above: what it must be above.
        high: the most that it may be.

    Raises:
        ValueError: if it is not.
    """
    number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not (low <= value <= high and value > above):
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
