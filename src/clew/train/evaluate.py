"""How good a model is on a split."""

import contextlib
from collections.abc import Iterator
from typing import overload

import torch
from torch import Tensor, nn

from clew.data import Split
from clew.data.dataset import asked
from clew.models import Classifier, Regressor, SequenceModel
from clew.train.evaluation import Evaluation, ValueEvaluation
from clew.train.objective import objective_of
from clew.train.order import batches

__all__ = ["evaluate", "evaluating", "measure"]


@overload
def evaluate(model: Classifier, split: Split, batch_size: int = 64) -> Evaluation: ...
@overload
def evaluate(model: Regressor, split: Split, batch_size: int = 64) -> ValueEvaluation: ...
@overload
def evaluate(model: SequenceModel, split: Split, batch_size: int = 64) -> Evaluation | ValueEvaluation: ...
def evaluate(model: SequenceModel, split: Split, batch_size: int = 64) -> Evaluation | ValueEvaluation:
    """Measure ``model`` on ``split``, on the model's own device.

    Args:
        model: left as it was found, in training or in evaluation mode.
        split: something is asked for in it.
        batch_size: sequences at a time; no result depends on it, but for rounding.

    Returns:
        Of a classifier an :class:`Evaluation`, of a regressor a :class:`ValueEvaluation`.

    Raises:
        ValueError: if there is nothing to measure.
    """
    totals = torch.zeros(3, dtype=torch.float64)
    predictions, targets = [], []
    with evaluating(model):
        for indices in batches(list(range(len(split))), batch_size):
            answers, wanted, sums = measure(model, split, indices)
            totals += sums.cpu()
            if isinstance(model, Regressor):
                rows = asked(wanted).any(-1)
            else:
                answers, rows = answers.argmax(-1), asked(wanted)
            predictions.append(answers[rows].cpu())
            targets.append(wanted[rows].cpu())
    loss, measured, count = totals.tolist()
    if not count:
        raise ValueError("there is nothing to evaluate: the split has no targets")
    if isinstance(model, Regressor):
        trivial = model.head.mean.cpu()
        return ValueEvaluation(loss / count, torch.cat(predictions), torch.cat(targets), trivial)
    return Evaluation(loss / count, measured / count, torch.cat(predictions), torch.cat(targets))


def measure(model: SequenceModel, split: Split, indices: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """One batch of :func:`evaluate`.

    Returns:
        The answers and the targets of the batch, and (3,) float64: the summed loss, what the objective
        measures beside it, the number of targets.
    """
    device = model.head.weight.device
    batch = split.batch(indices)
    targets = batch.targets.to(device)
    answers, _ = model(batch.inputs.to(device), lengths=batch.lengths.to(device))
    loss, measured = objective_of(model).sums(answers, targets)
    return answers, targets, torch.stack([loss.double(), measured.double(), asked(targets).sum().double()])


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode and without gradients, and afterwards in the mode it was in."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
