"""What a trained model believes, sample by sample, as sequences stream past."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clew.data import Batch
from clew.models import Classifier, SequenceModel

__all__ = ["Trace", "stream", "traces"]


@dataclass(frozen=True)
class Trace:
    """One sequence streamed through ``model.step``.

    Attributes:
        index: which sequence of its split, from 0.
        target: () or (time,) int64, the true class of the sequence or of each sample; negative asks for
            nothing.
        probabilities: (time, classes) float64, the posterior after each sample.
    """

    index: int
    target: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> bool:
        """Whether every answer that was asked for is the true class."""
        if self.target.ndim == 0:
            return bool(self.probabilities[-1].argmax() == self.target)
        asked = self.target >= 0
        return bool((self.probabilities[asked].argmax(axis=1) == self.target[asked]).all())


def stream(model: SequenceModel, inputs: Tensor) -> Tensor:
    """The answers after each sample.

    Args:
        model: any model.
        inputs: (batch, time, channel) raw samples.

    Returns:
        (batch, time, output), by ``model.step`` alone.
    """
    answers = []
    with torch.inference_mode():
        state, constants = model.initial_state(len(inputs)), model.constants()
        for sample in inputs.unbind(1):
            answer, state = model.step(sample, state, constants=constants)
            answers.append(answer)
        return torch.stack(answers, dim=1)


def traces(model: Classifier, batch: Batch, most: int) -> tuple[Trace, ...]:
    """Stream sequences and keep up to ``most`` that tell something.

    With one class a sequence these are the one whose class is believed least at its end, then the longest of
    each other class; with one class a sample the first ones.

    Args:
        model: any classifier.
        batch: the sequences.
        most: how many to keep.

    Returns:
        The traces, by class where there is one class a sequence.
    """
    probabilities = stream(model, batch.inputs).double().softmax(dim=-1).numpy()
    targets = batch.targets.numpy()
    everything = [
        Trace(
            index,
            targets[index, :length] if targets.ndim == 2 else targets[index],
            probabilities[index, :length],
        )
        for index, length in enumerate(batch.lengths.tolist())
    ]
    if targets.ndim == 2:
        return tuple(everything[:most])
    everything.sort(key=lambda trace: -len(trace.probabilities))
    least = min(everything, key=lambda trace: float(trace.probabilities[-1, trace.target]))
    chosen = {int(least.target): least}
    for trace in everything:
        if len(chosen) < most:
            chosen.setdefault(int(trace.target), trace)
    return tuple(chosen[target] for target in sorted(chosen))
