"""How the learning rates rise and fall."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["learning_rate_factor", "warmup_cosine"]


def learning_rate_factor(step: int, steps: int, warmup_steps: int) -> float:
    """The share of the highest learning rate that ``step`` uses.

    (k + 1) / W for k < W, and ½ (1 + cos(π (k − W) / (K − W))) for k ≥ W.

    Args:
        step: k, from 0.
        steps: K, how many there are.
        warmup_steps: W, over how many it rises; at most ``steps``.

    Returns:
        A share above 0 and up to 1; 0 for ``step`` ≥ ``steps``.

    Source:
        The fall is equation 5 of Loshchilov and Hutter, "SGDR" (2017), with η_min = 0 and no restart; the
        rise is the gradual warmup of Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.

    >>> [round(learning_rate_factor(step, 6, 2), 3) for step in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < min(warmup_steps, steps):
        return (step + 1) / warmup_steps
    if step >= steps:
        return 0.0
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup_steps) / (steps - warmup_steps)))


def warmup_cosine(optimiser: Optimizer, steps: int, warmup: float, taken: int = 0) -> LambdaLR:
    """The scheduler of torch for :func:`learning_rate_factor`, with the learning rates as it wants them now.

    The number of steps taken is its whole state.

    Args:
        optimiser: new, so that its groups' learning rates are the highest ones.
        steps: how many steps training takes.
        warmup: the share of them over which the rates rise.
        taken: how many of them were taken before.
    """
    warmup_steps = round(warmup * steps)
    for group in optimiser.param_groups:
        group.setdefault("initial_lr", group["lr"])
    return LambdaLR(
        optimiser, lambda step: learning_rate_factor(step, steps, warmup_steps), last_epoch=taken - 1
    )
