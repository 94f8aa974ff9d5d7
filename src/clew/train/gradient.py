"""From the loss of a process's rows to the gradient of the whole batch: what every kind of step shares."""

import math

import torch
from torch import Tensor, nn

from clew.train.team import Team

__all__ = ["check_finite", "gradient"]


def gradient(
    team: Team,
    model: nn.Module,
    loss: Tensor,
    measured: Tensor,
    count: int,
    clip: float | None,
    where: str,
) -> tuple[float, float]:
    """Form the gradient of the mean loss over the targets of the global batch, and clip it.

    Args:
        team: the processes.
        model: whose gradient.
        loss: (), summed over the targets of this process's rows.
        measured: (), what is measured beside it, likewise.
        count: targets of the global batch; it may ask for nothing at all.
        clip: the highest norm of the gradient; none for no limit.
        where: in training, for messages.

    Returns:
        The loss and what is measured beside it, summed over the global batch.

    Raises:
        ValueError: if the loss or its gradient is not finite.
    """
    sums = team.sum(torch.stack([loss.detach().double(), measured.double()]))
    total, total_measured = sums.tolist()
    check_finite(total, f"the loss is {total} {where}")
    team.accelerator.backward(loss * (team.size / max(count, 1)))
    limit = math.inf if clip is None else clip
    norm = float(team.accelerator.clip_grad_norm_(model.parameters(), limit))
    check_finite(norm, f"the norm of the gradient is {norm} {where}")
    return total, total_measured


def check_finite(value: float, problem: str) -> None:
    """Stop training where it has gone astray.

    Args:
        value: a loss, or the norm of a gradient.
        problem: what is wrong if it is not finite.

    Raises:
        ValueError: if it is not.
    """
    if not math.isfinite(value):
        raise ValueError(
            f"{problem}: training stops, and the last checkpoint is from before it; a lower learning "
            "rate or a gradient clip may help"
        )
