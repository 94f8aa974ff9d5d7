"""What is trained in a comparison: one training for each mixer and seed, all with one budget."""

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from clew.data import Dataset, datasets
from clew.models import ModelConfig
from clew.nn import mixers
from clew.registry import Registry
from clew.train import TrainConfig

__all__ = ["Budget", "Training", "options_of_task", "plan"]


@dataclass(frozen=True)
class Budget:
    """What every mixer is given: the shape of the model around it, and how long and how it is trained.

    Attributes:
        d_model: channels inside.
        n_layers: blocks.
        dropout: probability.
        pooling: what the head reads.
        epochs: passes over the training split, at most.
        batch_size: sequences in a step.
        learning_rate: of all but the dynamics, at its highest.
        patience: epochs without a better validation loss after which training stops.
    """

    d_model: int = 64
    n_layers: int = 2
    dropout: float = 0.0
    pooling: Literal["mean", "last", "step"] = "mean"
    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 4e-3
    patience: int = 15


@dataclass(frozen=True)
class Training:
    """One training, by everything that decides what it is: two that are equal need not both be done.

    Attributes:
        task: a name in :data:`clew.data.datasets`.
        task_options: its options that are not the defaults, as JSON has them.
        mixer: a name in :data:`clew.nn.mixers`.
        mixer_options: its options that are not the defaults, as JSON has them.
        budget: what it is given.
        seed: of the first weights, the order of the data and dropout.
    """

    task: str
    task_options: Mapping[str, Any] = field(default_factory=dict)
    mixer: str = "s4d"
    mixer_options: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    seed: int = 0

    @property
    def label(self) -> str:
        """The mixer and its options, for a reader.

        >>> Training("digits", mixer="rnn", mixer_options={"nonlinearity": None}).label
        'rnn nonlinearity=none'
        """
        return _typed(self.mixer, self.mixer_options)

    @property
    def title(self) -> str:
        """The task and its options, for a reader."""
        return _typed(self.task, self.task_options)

    def as_json(self) -> dict[str, Any]:
        """All of it in types that JSON has."""
        return dataclasses.asdict(self)

    def directory(self, root: Path) -> Path:
        """Where its run lies: a folder for the task and the budget, in it one for each mixer and seed."""
        what = self.as_json()
        together = {name: what[name] for name in ("task", "task_options", "budget")}
        options = f"-{_digest(what['mixer_options'])}" if self.mixer_options else ""
        return root / f"{self.task}-{_digest(together)}" / f"{self.mixer}{options}-seed{self.seed}"

    def model_config(self, dataset: Dataset) -> ModelConfig:
        """The model to build for ``dataset``."""
        budget = self.budget
        return ModelConfig(
            d_input=dataset.d_input,
            n_classes=dataset.n_classes,
            mixer=self.mixer,
            mixer_options=self.mixer_options,
            d_model=budget.d_model,
            n_layers=budget.n_layers,
            dropout=budget.dropout,
            pooling=budget.pooling,
            n_values=dataset.n_values,
        )

    def train_config(self, device: str, directory: Path) -> TrainConfig:
        """How to train it.

        Raises:
            ValueError: for a value out of its range.
        """
        budget = self.budget
        return TrainConfig(
            epochs=budget.epochs,
            batch_size=budget.batch_size,
            learning_rate=budget.learning_rate,
            patience=budget.patience,
            seed=self.seed,
            device=device,  # type: ignore[arg-type] # TrainConfig says which there are
            directory=directory,
        )


def plan(
    dataset: Dataset, mixer_options: Mapping[str, Mapping[str, Any]], budget: Budget, seeds: Sequence[int]
) -> list[Training]:
    """The trainings of a comparison: every mixer with the first seed, then every mixer with the next.

    So a comparison that is interrupted has something of every mixer.

    Args:
        dataset: the task.
        mixer_options: the mixers by name, each with its options; values may be text.
        budget: what each is given.
        seeds: of the trainings.

    Raises:
        ValueError: for an unknown mixer or option.
    """
    task_options = options_of_task(dataset)
    read = {name: mixers.read_options(name, given, skip=1) for name, given in mixer_options.items()}
    options = {name: _beyond_defaults(mixers, name, given, skip=1) for name, given in read.items()}
    return [
        Training(dataset.name, task_options, name, options[name], budget, seed)
        for seed in seeds
        for name in options
    ]


def options_of_task(dataset: Dataset) -> dict[str, Any]:
    """The options of ``dataset`` that are not the defaults, as :attr:`Training.task_options` has them."""
    return _beyond_defaults(datasets, dataset.name, dataset.options, skip=0)


def _beyond_defaults(
    registry: Registry[Any], name: str, options: Mapping[str, Any], skip: int
) -> dict[str, Any]:
    """``options`` without those that say what is so anyway.

    An option that is new in a later version, at its default, then does not make another training of what was
    trained before.
    """
    parameters = list(inspect.signature(registry[name]).parameters.values())[skip:]
    defaults = {parameter.name: parameter.default for parameter in parameters}
    beyond = {key: options[key] for key in sorted(options) if options[key] != defaults.get(key)}
    as_json: dict[str, Any] = json.loads(json.dumps(beyond))
    return as_json


def _typed(name: str, options: Mapping[str, Any]) -> str:
    """A name and its options, the values as one types them on a command line."""
    words = {key: str(value) for key, value in options.items()}
    for key, value in options.items():
        if value is None or isinstance(value, bool):
            words[key] = str(value).lower()
    return " ".join([name, *(f"{key}={word}" for key, word in words.items())])


def _digest(value: Any) -> str:
    """Eight hexadecimal digits that tell values apart."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
