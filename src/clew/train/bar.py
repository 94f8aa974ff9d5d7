"""The progress bar."""

import sys

from tqdm import tqdm

from clew.train.objective import ACCURACY
from clew.train.position import Position

__all__ = ["Bar"]


class Bar:
    """A bar over all steps of a run, on stderr, with the means of the epoch so far.

    They are of the loss and of what is measured beside it.

    Args:
        position: where the run starts.
        steps: how many steps there are at most; none where nobody knows.
        epochs: how many epochs there are at most.
        measure: what is measured beside the loss.
        shown: where there is a terminal; false for never.
    """

    def __init__(self, position: Position, steps: int | None, epochs: int, measure: str, shown: bool) -> None:
        self._epochs, self._measure = epochs, measure
        self._bar = tqdm(
            total=steps,
            initial=position.step,
            unit="step",
            dynamic_ncols=True,
            # None is tqdm's word for "unless stderr is no terminal".
            disable=None if shown else True,
        )

    def show(self, position: Position) -> None:
        """Move to ``position``."""
        self._bar.set_description(
            f"epoch {min(position.epoch + 1, self._epochs)}/{self._epochs}", refresh=False
        )
        if position.count:
            measured = position.measured / position.count
            self._bar.set_postfix(
                {
                    "loss": f"{position.loss / position.count:.4f}",
                    self._measure: f"{measured:.1%}" if self._measure == ACCURACY else f"{measured:.4g}",
                },
                refresh=False,
            )
        self._bar.update(position.step - self._bar.n)

    def say(self, text: str) -> None:
        """Write ``text`` above the bar, where there is one."""
        if not self._bar.disable:
            self._bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
