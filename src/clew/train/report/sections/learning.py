"""The section with the learning curves."""

from clew.train.objective import ACCURACY, in_words
from clew.train.report.figures.learning import draw_learning
from clew.train.report.material import Material
from clew.train.report.section import Picture, Section
from clew.train.report.words import count, duration

__all__ = ["learning"]


def learning(run: Material) -> Section:
    """How the loss and what is measured beside it went, and which weights were kept."""
    curves = run.learning
    time = "" if curves.seconds is None else f" and {duration(curves.seconds)}"
    finding = f"Training took {count(len(curves.train.epochs), 'epoch')}{time}."
    if curves.best is not None:
        kept = curves.validation
        finding += (
            f" The weights of epoch {kept.epochs[curves.best]:.0f} were kept: validation loss "
            f"{kept.loss[curves.best]:.3f}, {in_words({curves.measure: kept.measured[curves.best]})}."
        )
    drawn = "Loss and accuracy" if curves.measure == ACCURACY else "Mean squared error and variance explained"
    return Section(
        key="learning",
        title="Learning curves",
        reading="Both losses should fall together; where the validation loss rises while the training loss "
        "still falls, the model has begun to learn the training data by heart.",
        finding=finding,
        picture=Picture.of(lambda theme: draw_learning(curves, theme), f"{drawn} against epochs. {finding}"),
    )
