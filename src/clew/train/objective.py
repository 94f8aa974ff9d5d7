"""What training makes small, over the targets that ask for something, and what it measures beside it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from clew.data import IGNORE

__all__ = ["ACCURACY", "CLASSES", "Objective", "cross_entropy_sum", "targets_in"]

ACCURACY = "accuracy"
"""What is measured beside the loss of classes, as ``metrics.jsonl`` and ``evaluation.json`` call it."""


@dataclass(frozen=True)
class Objective:
    """How answers are judged.

    Attributes:
        sums: from answers and targets to the loss, which is made small, and what is measured beside it, each
            summed over the targets that ask for something: () each. Sums, not means: the parts of a batch
            that several processes hold add up.
        measure: the name of what is measured beside the loss, in ``metrics.jsonl``: its sum over the number
            of targets.
    """

    sums: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    measure: str


def cross_entropy_sum(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The cross entropy and the number of right answers, summed over a batch.

    Σᵢ (log Σ_c exp(z[i, c]) − z[i, y[i]]) with logits z and targets y, over every target that is not
    ``IGNORE``. Sums, not means: the parts of a batch that several processes hold add up.

    Args:
        logits: (batch, classes), or (batch, time, classes), real.
        targets: (batch,) or (batch, time), int64.

    Returns:
        The loss (), in nats and in the dtype of ``logits``, and the number () int64 of targets with the
        highest logit.

    Raises:
        ValueError: if the shapes do not belong together.

    >>> loss, right = cross_entropy_sum(torch.zeros(2, 4), torch.tensor([0, IGNORE]))
    >>> round(float(loss), 4), int(right)  # log 4
    (1.3863, 1)
    """
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} do not fit targets {tuple(targets.shape)}")
    flat, wanted = logits.flatten(0, -2), targets.flatten()
    loss = functional.cross_entropy(flat, wanted, ignore_index=IGNORE, reduction="sum")
    return loss, (flat.detach().argmax(-1) == wanted).sum()


CLASSES = Objective(cross_entropy_sum, ACCURACY)
"""The objective of a classifier."""


def targets_in(targets: tuple[Tensor, ...]) -> Tensor:
    """How many targets each sequence of a split has, without those that are ``IGNORE``: (sequence,) int64."""
    return torch.tensor([int((target != IGNORE).sum()) for target in targets], dtype=torch.int64)
