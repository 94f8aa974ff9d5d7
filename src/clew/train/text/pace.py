"""How far training on text has come: in steps, or by the clock."""

from clew.train.schedule import learning_rate_factor
from clew.train.text.config import TextConfig

__all__ = ["Pace"]

PARTS = 10**6
"""The clock is read in so many parts of the time that there is."""


class Pace:
    """Says when a stretch of training is over, and which learning rate a step has.

    Args:
        config: how many steps or minutes there are, and how many stretches.
        taken: how many steps were taken before.

    Attributes:
        taken: how many steps were taken.
        seconds: what they took; the caller counts both.

    >>> pace = Pace(TextConfig(steps=10, validations=4), taken=0)
    >>> [pace.over(stretch) for stretch in range(4)]
    [False, False, False, False]
    >>> pace.taken = 5
    >>> [pace.over(stretch) for stretch in range(4)]
    [True, True, False, False]
    """

    def __init__(self, config: TextConfig, taken: int) -> None:
        self.taken, self.seconds = taken, 0.0
        self._steps, self._warmup = config.steps, config.warmup
        self._limit = 0.0 if config.minutes is None else 60.0 * config.minutes
        self.stretches = config.validations if config.steps is None else min(config.validations, config.steps)

    def over(self, stretch: int) -> bool:
        """Whether the steps of ``stretch``, from 0, are taken."""
        share = (stretch + 1) / self.stretches
        if self._steps is None:
            return self.seconds >= share * self._limit
        return self.taken >= round(share * self._steps)

    def factor(self) -> float:
        """The share of the highest learning rate that the next step uses.

        That of :func:`clew.train.schedule.learning_rate_factor`, the way being steps or time.
        """
        steps, taken = self._steps, self.taken
        if steps is None:
            steps, taken = PARTS, min(PARTS - 1, int(PARTS * self.seconds / self._limit))
        return learning_rate_factor(taken, steps, round(self._warmup * steps))
