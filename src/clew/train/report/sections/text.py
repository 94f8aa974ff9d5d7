"""The sections on a language model: its learning curve, and what it wrote."""

from clew.train.report.figures.bits import draw_bits
from clew.train.report.section import Picture, Section
from clew.train.report.text_material import TextMaterial
from clew.train.report.words import count, duration

__all__ = ["text_learning", "text_samples"]


def text_learning(run: TextMaterial) -> Section:
    """How bits per byte fell, and which weights were kept."""
    steps, validations = run.lines("train"), run.lines("validation")
    finding = (
        f"Training took {count(len(steps), 'step')} and {duration(steps[-1]['seconds'])}. The weights of "
        f"step {run.best['step']:,} were kept: {run.best['bits_per_byte']:.3f} bits per byte of the "
        "validation part."
    )
    measured = None if run.evaluation is None else run.evaluation
    return Section(
        key="learning",
        title="Learning curve",
        reading="Both curves should fall; where the validation stops falling while the training still does, "
        "the model has begun to learn its text by heart.",
        finding=finding,
        picture=Picture.of(
            lambda theme: draw_bits(steps, validations, measured, theme),
            f"Bits per byte against steps. {finding}",
        ),
        method="Training: the mean over steps, each with the weights before it. Validation: the whole part, "
        f"read in {run.config.training['batch_size']} stretches side by side with the state carried on.",
    )


def text_samples(run: TextMaterial) -> Section:
    """What the model wrote as it learned."""
    samples = run.lines("sample")
    return Section(
        key="samples",
        title="Samples",
        reading="What the model writes after the first words of the validation part, at temperature 0.8."
        if samples
        else "Left out: no sample was asked for.",
        texts=tuple((f"step {line['step']:,}", line["text"]) for line in samples),
    )
