"""The section with the confusion matrix."""

import numpy as np

from clew.train.report.figures.confusion import draw_confusion
from clew.train.report.material import Material
from clew.train.report.section import Picture, Section
from clew.train.report.words import in_percent

__all__ = ["confusion"]


def confusion(run: Material) -> Section:
    """Which class was taken for which, on the split that its title names."""
    found = run.confusion
    total = int(found.counts.sum())
    finding = f"{in_percent(found.accuracy)} of the {total:,} {found.split} {found.unit} are right."
    mistakes = found.counts - np.diag(np.diag(found.counts))
    if mistakes.max() > 1:
        row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
        finding += (
            f" The commonest mistake: {found.classes[row]} taken for {found.classes[column]}, "
            f"{_times(int(mistakes[row, column]))}."
        )
    elif mistakes.any():
        finding += " No mistake was made twice."
    if found.split != "test":
        finding += " The test split has not been looked at."
    return Section(
        key="confusion",
        title=f"Confusion matrix, {found.split} split",
        reading="Each row is a true class and each column an answer: on the diagonal the answer is right, a "
        "number beside it counts the sequences or samples that were taken for something else.",
        finding=finding,
        picture=Picture.of(lambda theme: draw_confusion(found, theme), f"Confusion matrix. {finding}"),
    )


def _times(number: int) -> str:
    """How often.

    >>> _times(2), _times(3)
    ('twice', '3 times')
    """
    return "twice" if number == 2 else f"{number:,} times"
