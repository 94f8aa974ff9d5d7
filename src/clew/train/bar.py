"""The progress bar."""

from tqdm import tqdm

from clew.train.position import Position

__all__ = ["Bar"]


class Bar:
    """A bar over all steps of a run, with the loss and accuracy of its epoch so far, on stderr.

    Args:
        position: where the run starts.
        steps: how many steps there are at most.
        epochs: how many epochs there are at most.
        shown: where there is a terminal; false for never.
    """

    def __init__(self, position: Position, steps: int, epochs: int, shown: bool) -> None:
        self._epochs = epochs
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
            self._bar.set_postfix(
                {
                    "loss": f"{position.loss / position.count:.4f}",
                    "accuracy": f"{position.right / position.count:.1%}",
                },
                refresh=False,
            )
        self._bar.update(position.step - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
