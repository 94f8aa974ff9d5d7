"""A live session: a trained model run sample by sample, in memory that does not grow."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from clew.models import Regressor, SequenceModel
from clew.models.fingerprint import fingerprint
from clew.runs import RunDirectory, load_sequence_model
from clew.stream.state import read_state, write_state

__all__ = ["Estimate", "Position", "Prediction", "Session", "open"]

_FLOAT32_MAX = float(np.finfo(np.float32).max)


class Prediction(NamedTuple):
    """What a classifier says after one more sample.

    Attributes:
        sample: the position of the sample in its sequence, from 0.
        label: the name of the most probable class.
        probability: of that class.
        probabilities: of every class, in the order of the classes; their sum is 1.
        sequence: the position of the sequence in the stream, from 0.
    """

    sample: int
    label: str
    probability: float
    probabilities: tuple[float, ...]
    sequence: int


class Estimate(NamedTuple):
    """What a regressor says after one more sample.

    Attributes:
        sample: the position of the sample in its sequence, from 0.
        values: in the units of the data, in the order of their names.
        sequence: the position of the sequence in the stream, from 0.
    """

    sample: int
    values: tuple[float, ...]
    sequence: int


class Position(NamedTuple):
    """A place in a stream: everything that the next predictions depend on, and the counts.

    Attributes:
        state: the model's state, a tree of tensors.
        samples: how many samples came before, over all sequences.
        sequence: how many sequences were ended before.
        sample: how many samples of this sequence came before.
    """

    state: Any
    samples: int
    sequence: int
    sample: int


class Session:
    """A model and the place it has reached in a stream of samples.

    The last prediction of a sequence is what ``model(sequence)`` gives for the whole of it. What the step
    computes from the weights alone is computed once, here: later changes of the weights are not seen.

    Args:
        model: in evaluation mode, on the CPU.
        channels: the names of the channels of a sample, for messages.
        outputs: the names of the classes, in the order of the logits, or of the values.

    Attributes:
        channels: as given.
        outputs: as given.
        gives_values: whether it answers with an :class:`Estimate`; otherwise with a :class:`Prediction`.

    Raises:
        ValueError: if the names do not fit the model, or it is in training mode or elsewhere than on the CPU.
    """

    def __init__(self, model: SequenceModel, channels: Sequence[str], outputs: Sequence[str]) -> None:
        config = model.config
        self.gives_values = isinstance(model, Regressor)
        if (len(channels), len(outputs)) != (config.d_input, config.n_outputs):
            kind = "values" if self.gives_values else "classes"
            raise ValueError(
                f"the model has {config.d_input} channels and {config.n_outputs} {kind}, "
                f"got the names of {len(channels)} channels and {len(outputs)} {kind}"
            )
        if model.training:
            raise ValueError("the model is in training mode; call model.eval() first")
        if any(parameter.device.type != "cpu" for parameter in model.parameters()):
            raise ValueError(
                "the model is not on the CPU; a stream of single samples runs there: model.cpu()"
            )
        self.channels = tuple(channels)
        self.outputs = tuple(outputs)
        self._model = model
        self._sample = torch.zeros(1, config.d_input)
        self._values = self._sample.numpy()[0]  # the same memory
        with torch.inference_mode():
            self._constants = model.constants()
            self._start = model.initial_state(1)
        self._position = Position(self._start, samples=0, sequence=0, sample=0)

    @property
    def samples(self) -> int:
        """How many samples were pushed since the stream began, over all sequences, saves and restores."""
        return self._position.samples

    @torch.inference_mode()
    def push(self, sample: ArrayLike | Tensor) -> Prediction | Estimate:
        """Take the next sample.

        Args:
            sample: (channel,) numbers, raw: the model standardises them.

        Returns:
            What the model says from this and all earlier samples of the sequence: of classes a
            :class:`Prediction`, of values an :class:`Estimate`.

        Raises:
            ValueError: for a wrong shape or a value that is no finite float32, or if the model's output is
                not finite. The session is then where it was.
        """
        self._take(sample)
        state, samples, sequence, number = self._position
        answers, state = self._model.step(self._sample, state, constants=self._constants)
        if not self.gives_values:
            answers = torch.softmax(answers, dim=-1, dtype=torch.float32)
        numbers = answers[0].tolist()
        if not all(map(math.isfinite, numbers)):
            raise ValueError(
                "the model's output is not finite after this sample: its values may be too large"
            )
        self._position = Position(state, samples + 1, sequence, number + 1)
        if self.gives_values:
            return Estimate(number, tuple(numbers), sequence)
        highest = max(numbers)
        label = self.outputs[numbers.index(highest)]
        return Prediction(number, label, highest, tuple(numbers), sequence)

    def reset(self) -> None:
        """End the sequence: the next sample starts a new one. A sequence without samples does not count."""
        if self._position.sample:
            self._position = Position(
                self._start, self._position.samples, self._position.sequence + 1, sample=0
            )

    def mark(self) -> Position:
        """The present place, to come back to with :meth:`rewind`: costs nothing, nothing is copied."""
        return self._position

    def rewind(self, position: Position) -> None:
        """Go back to the place of an earlier :meth:`mark` of this session."""
        self._position = position

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the present place to a safetensors file, in one visible step.

        Raises:
            OSError: if it cannot be written; the file is then what it was.
        """
        position = self._position
        counts = (position.samples, position.sequence, position.sample)
        write_state(Path(path), position.state, counts, fingerprint(self._model))

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a place that :meth:`save` wrote, to the same bits.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is damaged, no state of a stream, or one of another model.
        """
        state, (samples, sequence, sample) = read_state(Path(path), self._start, fingerprint(self._model))
        self._position = Position(state, samples, sequence, sample)

    def _take(self, sample: ArrayLike | Tensor) -> None:
        """Check a sample and put it where :meth:`push` hands it to the model."""
        if isinstance(sample, Tensor):
            sample = sample.detach().cpu().numpy()
        try:
            values = np.asarray(sample, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"a sample is {len(self.channels)} numbers, got {sample!r}") from None
        if values.shape != self._values.shape:
            raise ValueError(
                f"a sample has shape {self._values.shape}, one number a channel; got {values.shape}"
            )
        # A comparison with NaN is false.
        if not (np.abs(values) <= _FLOAT32_MAX).all():
            position = int(np.argmin(np.abs(values) <= _FLOAT32_MAX))
            raise ValueError(
                f"value {position + 1} ({self.channels[position]}) is {values[position]}, "
                "not a finite float32"
            )
        self._values[:] = values


def open(run_directory: str | os.PathLike[str], state: str | os.PathLike[str] | None = None) -> Session:
    """A session of the trained model of a run.

    Args:
        run_directory: the run.
        state: a file that :meth:`Session.save` wrote, to go on from there; from the start when not given.

    Raises:
        FileNotFoundError: if there is no such run or state, or the run is not finished.
        ValueError: if a file of the run or the state is damaged or belongs elsewhere.
    """
    path = Path(run_directory)
    record = RunDirectory(path).config.labelled
    session = Session(load_sequence_model(path), record.channels, record.outputs)
    if state is not None:
        session.restore(state)
    return session
