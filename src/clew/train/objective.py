"""What training makes small, and what it measures beside that: all in which kinds of tasks differ for it.

A kind of task has an :class:`Objective`; :func:`objective_of` says which one a model learns by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from clew.data import IGNORE, Dataset
from clew.data.dataset import asked
from clew.models import Regressor, SequenceModel

__all__ = [
    "ACCURACY",
    "MEAN_SQUARED_ERROR",
    "Objective",
    "cross_entropy_sum",
    "in_words",
    "objective_of",
    "prepare",
    "squared_error_sum",
    "targets_in",
]

ACCURACY, MEAN_SQUARED_ERROR = "accuracy", "mean_squared_error"
"""What is measured beside the loss, as ``metrics.jsonl`` and ``evaluation.json`` call it."""


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


def objective_of(model: SequenceModel) -> Objective:
    """What ``model`` learns by: the cross entropy of classes, or the squared error of values."""
    if isinstance(model, Regressor):
        head = model.head
        # The deviation is looked up at each call: a model that is moved or restored has another tensor.
        return Objective(
            lambda values, targets: squared_error_sum(values, targets, head.std), MEAN_SQUARED_ERROR
        )
    return Objective(cross_entropy_sum, ACCURACY)


def prepare(model: SequenceModel, dataset: Dataset) -> None:
    """Set by what ``model`` standardises: the moments of samples and values of the training split."""
    model.standardize(dataset.mean, dataset.std)
    if isinstance(model, Regressor):
        model.standardize_values(dataset.target_mean, dataset.target_std)


def cross_entropy_sum(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The cross entropy and the number of right answers, summed over a batch.

    Σᵢ (log Σ_c exp(z[i, c]) − z[i, y[i]]) with logits z and targets y, over every target that is not
    ``IGNORE``.

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


def squared_error_sum(values: Tensor, targets: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """The squared error, of standardised values and of values as they are, summed over a batch.

    Σ ((v − y) / σ)² and Σ (v − y)² with values v, targets y and their deviations σ, over every target that is
    not NaN.

    Args:
        values: (batch, value), or (batch, time, value), real.
        targets: of that shape and dtype.
        std: (value,): σ, so that values in different units weigh the same.

    Returns:
        The loss (), in variances of the training targets, and the squared error () in units of the data.

    Raises:
        ValueError: if the shapes do not belong together.

    >>> loss, error = squared_error_sum(
    ...     torch.tensor([[3.0], [5.0]]), torch.tensor([[1.0], [torch.nan]]), torch.tensor([4.0])
    ... )
    >>> float(loss), float(error)
    (0.25, 4.0)
    """
    if values.shape != targets.shape:
        raise ValueError(f"values {tuple(values.shape)} do not fit targets {tuple(targets.shape)}")
    # Not by selection: the gradient of a value that nothing is asked of is zero, and NaN touches nothing.
    error = torch.where(asked(targets), values - targets.nan_to_num(), 0.0)
    return (error / std).square().sum(), error.detach().square().sum()


def targets_in(targets: tuple[Tensor, ...]) -> Tensor:
    """How many targets each sequence of a split has, without those that ask for nothing: (sequence,) int64.

    Of values each counts.
    """
    return torch.tensor([int(asked(target).sum()) for target in targets], dtype=torch.int64)


def in_words(measured: Mapping[str, Any]) -> str:
    """What was measured beside the loss, for a reader, of a line of ``metrics.jsonl`` or an evaluation.

    >>> in_words({"loss": 0.3, "accuracy": 0.915}), in_words({"loss": 0.5, "mean_squared_error": 0.0833333})
    ('accuracy 91.5%', 'mean squared error 0.08333')
    """
    if ACCURACY in measured:
        return f"accuracy {measured[ACCURACY]:.1%}"
    return f"mean squared error {measured[MEAN_SQUARED_ERROR]:.4g}"
