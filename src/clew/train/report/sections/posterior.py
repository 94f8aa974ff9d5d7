"""The section with the posterior in a stream."""

from collections.abc import Sequence

from clew.models import Classifier
from clew.train.report.figures.posterior import draw_posterior
from clew.train.report.material import Material
from clew.train.report.measure.sample import MOST_SAMPLES, sample_batch, sample_split
from clew.train.report.measure.stream import Trace, traces
from clew.train.report.section import Picture, Section
from clew.train.report.words import count

__all__ = ["posterior"]

TITLE = "The answer sharpens in a stream"

STREAMED = 64
"""So many sequences are streamed to choose from."""


def posterior(run: Material) -> Section:
    """What the model believes sample by sample, in a few streams."""
    assert isinstance(run.model, Classifier)
    if run.no_stream:
        return Section("posterior", TITLE, f"Left out: {run.no_stream}.")
    name, split = sample_split(run.dataset)
    per_sample = run.dataset.target == "step"
    shown = traces(run.model, sample_batch(split, STREAMED), most=3 if per_sample else 6)
    which = (
        "the first sequences"
        if per_sample
        else "the sequence whose true class is believed least at its end, and the longest of other classes"
    )
    cut = f" Longer sequences are cut to {MOST_SAMPLES:,} samples." if run.longest > MOST_SAMPLES else ""
    return Section(
        key="posterior",
        title=TITLE,
        reading=(
            "Each column of a picture is one moment of the stream, and the darker a cell the surer the model "
            "is of that class; rings are the true classes, so the dark cells should lie in the rings."
            if per_sample
            else "Each panel is one sequence, given to the model one sample at a time: the thick line is the "
            "probability of the true class and should rise to 100% as evidence comes in."
        ),
        picture=Picture.of(
            lambda theme: draw_posterior(shown, run.dataset.classes, theme),
            _describe(shown, run.dataset.classes, per_sample),
        ),
        method=f"From the {name} split, among its first {min(len(split), STREAMED)} sequences: {which}. Each "
        f"was run by model.step, which carries a state of fixed size from sample to sample.{cut}",
    )


def _describe(shown: Sequence[Trace], classes: Sequence[str], per_sample: bool) -> str:
    """The figure in words."""
    if per_sample:
        right = sum(trace.right for trace in shown)
        return (
            f"Probability of each class after each sample of {count(len(shown), 'sequence')}, with the true "
            f"classes ringed. Every answer is right in {right} of them."
        )
    ends = ", ".join(
        f"{classes[int(trace.target)]} {100 * trace.probabilities[-1, trace.target]:.0f}%" for trace in shown
    )
    return (
        f"Probability of each class against samples seen, for {count(len(shown), 'sequence')}. "
        f"Probability of the true class at the end: {ends}."
    )
