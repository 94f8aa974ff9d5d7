"""The section with predicted against true values."""

from clew.train.report.figures.predicted import MOST_PANELS, draw_predicted
from clew.train.report.material import Material
from clew.train.report.section import Picture, Section
from clew.train.report.words import in_percent

__all__ = ["predicted"]


def predicted(run: Material) -> Section:
    """How far the values are from the true ones, on the split that its title names."""
    found = run.predicted
    finding = (
        f"The mean squared error over {found.count:,} values is {found.mean_squared_error:.4g}; always "
        f"answering the mean of the training targets has {found.trivial:.4g}. "
        f"{in_percent(found.explained)} of the variance is explained (R²)."
    )
    if found.split != "test":
        finding += " The test split has not been looked at."
    drawn = [f"the first {len(found.targets):,} targets"] if found.targets.size < found.count else []
    drawn += [f"the first {MOST_PANELS} of {len(found.values)} values"] * (len(found.values) > MOST_PANELS)
    return Section(
        key="predicted",
        title=f"Predicted against true, {found.split} split",
        reading="Each dot is one target, the further right the larger it is and the higher the larger the "
        "answer: on the dashed line the answer is right, and a model that has learned nothing draws a level "
        "line at the mean.",
        finding=finding,
        picture=Picture.of(
            lambda theme: draw_predicted(found, theme), f"Predicted against true values. {finding}"
        ),
        method=f"Drawn are {' and '.join(drawn)}." if drawn else "",
    )
