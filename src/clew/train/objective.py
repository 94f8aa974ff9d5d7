"""What training makes small: the cross entropy, over the targets that ask for something."""

import torch
from torch import Tensor
from torch.nn import functional

from clew.data import IGNORE

__all__ = ["cross_entropy_sum", "targets_in"]


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


def targets_in(targets: tuple[Tensor, ...]) -> Tensor:
    """How many targets each sequence of a split has, without those that are ``IGNORE``: (sequence,) int64."""
    return torch.tensor([int((target != IGNORE).sum()) for target in targets], dtype=torch.int64)
