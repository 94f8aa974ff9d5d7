"""The section on how far the views of the model are apart."""

from clew.train.report.figures.views import draw_views
from clew.train.report.material import Material
from clew.train.report.measure.sample import sample_batch, sample_split
from clew.train.report.measure.views import STEPS, agreements
from clew.train.report.section import Picture, Section, Table
from clew.train.report.words import count, small

__all__ = ["views"]

TITLE = "The views agree"
SEQUENCES = 16


def views(run: Material) -> Section:
    """The differences, layer by layer and for the answers."""
    if run.no_stream:
        return Section("views", TITLE, f"Left out: {run.no_stream}.")
    name, split = sample_split(run.dataset)
    batch = sample_batch(split, SEQUENCES)
    found = agreements(run.model, batch)
    answers, modes = found[-1], list(found[-1].differences)
    finding = (
        f"Between any two views the {answers.part} differ by at most {small(answers.largest)}, on values up "
        f"to {answers.scale:.3g}."
    )
    rows = tuple(
        (
            part.part,
            *(small(part.differences[mode]) for mode in modes),
            small(part.largest),
            f"{part.scale:.3g}",
        )
        for part in found
    )
    return Section(
        key="views",
        title=TITLE,
        reading="The same layer, computed over a whole sequence or one sample at a time, should differ by "
        "rounding alone: marks near the dashed line are as close as single precision gets.",
        finding=finding,
        picture=Picture.of(
            lambda theme: draw_views(found, theme),
            f"Largest differences between the views, relative to the largest value, for each layer and the "
            f"{answers.part}. {finding}",
        ),
        table=Table(
            caption=f"Largest |difference| from the view {STEPS}",
            header=("part", *modes, "any two views", "largest |value|"),
            rows=rows,
        ),
        method=f"Over {count(len(batch.lengths), 'sequence')} of the {name} split, "
        f"{int(batch.lengths.sum()):,} samples in all; each layer gets the input that it has in the trained "
        "model.",
    )
