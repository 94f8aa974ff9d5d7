"""In which order training sees the data: a pure function of seed and epoch, so that nothing need be kept."""

import numpy as np

__all__ = ["batches", "epoch_order"]


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """The sequences 0 … ``count`` − 1 in the order in which ``epoch`` sees them.

    Args:
        count: how many sequences there are.
        seed: the seed of the run.
        epoch: from 0.

    >>> sorted(epoch_order(5, seed=0, epoch=3))
    [0, 1, 2, 3, 4]
    """
    order: list[int] = np.random.default_rng((seed, epoch)).permutation(count).tolist()
    return order


def batches(order: list[int], batch_size: int) -> list[list[int]]:
    """``order`` cut into batches; the last may be smaller.

    >>> batches([3, 1, 2], 2)
    [[3, 1], [2]]
    """
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
