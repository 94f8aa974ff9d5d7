"""How good a model is on a split."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clew.data import IGNORE, Split
from clew.models import Classifier
from clew.train.objective import cross_entropy_sum
from clew.train.order import batches

__all__ = ["Evaluation", "evaluate", "evaluating", "measure"]


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a split.

    Attributes:
        loss: the mean cross entropy of a target, in nats.
        accuracy: the share of targets that had the highest logit.
        predictions: (count,) int64: the class with the highest logit, for each target that is not ``IGNORE``,
            sequence after sequence.
        targets: (count,) int64: what was asked for.
    """

    loss: float
    accuracy: float
    predictions: Tensor
    targets: Tensor


def evaluate(model: Classifier, split: Split, batch_size: int = 64) -> Evaluation:
    """Measure ``model`` on ``split``, on the model's own device.

    Args:
        model: left as it was found, in training or in evaluation mode.
        split: at least one target in it is not ``IGNORE``.
        batch_size: sequences at a time; no result depends on it, but for rounding.

    Raises:
        ValueError: if there is nothing to measure.
    """
    totals = torch.zeros(3, dtype=torch.float64)
    predictions, targets = [], []
    with evaluating(model):
        for indices in batches(list(range(len(split))), batch_size):
            logits, wanted, sums = measure(model, split, indices)
            totals += sums.cpu()
            asked = wanted != IGNORE
            predictions.append(logits.argmax(-1)[asked].cpu())
            targets.append(wanted[asked].cpu())
    loss, right, count = totals.tolist()
    if not count:
        raise ValueError("there is nothing to evaluate: the split has no targets")
    return Evaluation(loss / count, right / count, torch.cat(predictions), torch.cat(targets))


def measure(model: Classifier, split: Split, indices: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """One batch of :func:`evaluate`.

    Returns:
        The logits and the targets of the batch, and (3,) float64: the summed loss, the number of right
        answers, the number of targets.
    """
    device = model.head.weight.device
    batch = split.batch(indices)
    targets = batch.targets.to(device)
    logits, _ = model(batch.inputs.to(device), lengths=batch.lengths.to(device))
    loss, right = cross_entropy_sum(logits, targets)
    return logits, targets, torch.stack([loss.double(), right.double(), (targets != IGNORE).sum().double()])


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
