"""The head and the foot of the report on a language model."""

from clew.train.report.measure.memory import state_bytes
from clew.train.report.text_material import TextMaterial
from clew.train.report.words import count, duration, memory

__all__ = ["facts", "lead", "notes", "title"]


def title(run: TextMaterial) -> str:
    """Such as "MAMBA2 on shakespeare"."""
    return f"{run.config.model.mixer.upper()} on {run.data.name}"


def lead(run: TextMaterial) -> str:
    """What the run is, in a few sentences for somebody who has seen none."""
    config, train = run.config.model, run.data.n_bytes[0]
    each = "a byte" if run.data.tokenizer == "bytes" else f"one of {run.data.n_tokens:,} learned pieces"
    return (
        f"A model of {count(config.n_layers, 'layer')} ({config.mixer}, {config.d_model} channels) has "
        f"learned from {train:,} bytes of text to say what comes next, {each} at a time. How well it does is "
        "told in bits per byte: what a compressor that asked it would need, where the text itself has 8."
    )


def facts(run: TextMaterial) -> list[tuple[str, str, str]]:
    """The numbers at the head."""
    steps, config = run.lines("train"), run.config
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    found = [
        ("Bits per byte, validation", f"{run.best['bits_per_byte']:.3f}", f"at step {run.best['step']:,}")
    ]
    if run.evaluation is not None:
        kept, behind = run.evaluation, run.evaluation["xz_after_train"]
        xz = f"xz -9: {kept['xz_alone']:.3f}" + (
            "" if behind is None else f", behind the training part {behind:.3f}"
        )
        found.insert(0, (f"Bits per byte, {kept['split']}", f"{kept['bits_per_byte']:.3f}", xz))
    carried = "state carried on" if config.training["carry_state"] else "each from the zero state"
    return [
        *found,
        ("Parameters", f"{parameters:,}", f"{count(config.model.n_layers, 'layer')}, {config.model.mixer}"),
        ("Training", duration(steps[-1]["seconds"]), count(len(steps), "step")),
        (
            "Rows",
            f"{config.training['batch_size']} × {config.training['length']}",
            f"tokens a step, {carried}",
        ),
        ("State of a stream", memory(state_bytes(run.model)), "whatever its length"),
        ("Seed", str(config.training["seed"]), ""),
        ("Threads", str(config.threads), "" if config.processes == 1 else f"{config.processes} processes"),
        ("Versions", f"clew {config.clew}", f"torch {config.torch}"),
    ]


def notes(run: TextMaterial) -> list[str]:
    """What stands at the foot: where the text is from, and how to go on."""
    return [
        f"Text: {', '.join(run.data.files)}.",
        f"The same model in Python: clew.load({str(run.path)!r}).",
    ]
