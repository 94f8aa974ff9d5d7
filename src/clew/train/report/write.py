"""The report on a finished run, as files."""

from pathlib import Path

from clew.files.atomic import write_bytes
from clew.models import LanguageModelConfig
from clew.runs import RunDirectory
from clew.train.report import sections, text_head
from clew.train.report.material import Material
from clew.train.report.measure.memory import state_bytes
from clew.train.report.page import render
from clew.train.report.section import Section
from clew.train.report.text_material import TextMaterial
from clew.train.report.words import count, duration, in_percent, memory

__all__ = ["write"]


def write(run_directory: str | Path, *, seconds: float = 10.0) -> Path:
    """Write ``report.html`` and the figures of a finished run.

    The page is one file that opens offline; the figures lie beside it as ``figures/*.png``. Each file appears
    whole. The model never sees the test split here: how good it is there comes from ``evaluation.json``
    alone, and the rest is measured on the validation split (the training split where nothing was held out).
    That on a language model has its learning curve in bits per byte and what it wrote as it learned.

    Args:
        run_directory: of a finished run.
        seconds: how long the measuring of time and memory may take, in a process of its own; with 0 that
            section is left out.

    Returns:
        The path of ``report.html``.

    Raises:
        FileNotFoundError: if it is not a run directory, its run is not finished, or its data are gone.
        ValueError: if a file in it is damaged, or the data have changed.
        OSError: if a file cannot be written.
    """
    path = Path(run_directory)
    if isinstance(RunDirectory(path).config.model, LanguageModelConfig):
        return _write_text(TextMaterial.read(path))
    run = Material.read(path)
    parts = [
        sections.learning(run),
        *_answers(run),
        *sections.dynamics(run),
        sections.views(run),
        sections.cost(run, seconds),
    ]
    _write_figures(run.path / "figures", parts)
    report = RunDirectory(run.path).report_file
    write_bytes(report, render(_title(run), _lead(run), _facts(run), parts, _notes(run)).encode())
    return report


def _write_text(run: TextMaterial) -> Path:
    """The report on a language model."""
    parts = [sections.text_learning(run), sections.text_samples(run), *sections.dynamics(run)]
    _write_figures(run.path / "figures", parts)
    report = RunDirectory(run.path).report_file
    head = text_head.title(run), text_head.lead(run), text_head.facts(run)
    write_bytes(report, render(*head, parts, text_head.notes(run)).encode())
    return report


def _answers(run: Material) -> list[Section]:
    """How good the answers are: of classes, or of values."""
    if run.dataset.values:
        return [sections.predicted(run)]
    return [sections.confusion(run), sections.posterior(run)]


def _write_figures(folder: Path, parts: list[Section]) -> None:
    """One PNG for each section that has a picture; none for a section that has lost its own."""
    folder.mkdir(exist_ok=True)
    for part in parts:
        path = folder / f"{part.key}.png"
        if part.picture:
            write_bytes(path, part.picture.light)
        else:
            path.unlink(missing_ok=True)


def _title(run: Material) -> str:
    return f"{run.mixer} on {run.dataset.name}"


def _lead(run: Material) -> str:
    """What the run is, in a few sentences for somebody who has seen none."""
    data, model = run.dataset, run.config.model
    asked = "each sequence" if data.target == "sequence" else "each sample"
    task = f"give {', '.join(data.values)}" if data.values else f"tell the {data.n_classes} classes apart"
    return (
        f"{data.description} A model of {count(model.n_layers, 'layer')} ({run.mixer}, {model.d_model} "
        f"channels) has learned from {count(len(data.train), 'sequence')} to {task}, one "
        f"answer for {asked}."
    )


def _facts(run: Material) -> list[tuple[str, str, str]]:
    """The numbers at the head."""
    curves, config = run.learning, run.config
    trained = "not logged" if curves.seconds is None else duration(curves.seconds)
    processes = "" if config.processes == 1 else f"{config.processes} processes"
    return [
        _judgement(run),
        ("Parameters", f"{run.parameters:,}", f"{count(config.model.n_layers, 'layer')}, {run.mixer}"),
        ("Training", trained, count(len(curves.train.epochs), "epoch")),
        (
            "Learned from",
            count(len(run.dataset.train), "sequence"),
            f"{len(run.dataset.validation):,} more to stop by" if len(run.dataset.validation) else "",
        ),
        ("State of a stream", "none", "reads from both ends")
        if run.no_stream
        else ("State of a stream", memory(state_bytes(run.model)), "whatever its length"),
        ("Seed", str(config.training.get("seed", "–")), ""),
        ("Threads", str(config.threads), processes),
        ("Versions", f"clew {config.clew}", f"torch {config.torch}"),
    ]


def _judgement(run: Material) -> tuple[str, str, str]:
    """How good the answers are, in one number."""
    if run.dataset.values:
        values = run.predicted
        return (
            f"Mean squared error, {values.split}",
            f"{values.mean_squared_error:.4g}",
            f"always the mean: {values.trivial:.4g}",
        )
    found = run.confusion
    right = int(found.counts.trace())
    return (
        f"Accuracy, {found.split}",
        in_percent(found.accuracy),
        f"{right:,} of {int(found.counts.sum()):,} {found.unit}",
    )


def _notes(run: Material) -> list[str]:
    """What stands at the foot: where the data are from, and how to go on."""
    stream = "" if run.no_stream else f"; as a stream: clew stream {run.path}"
    return [
        f"Data: {run.dataset.source}. Licence: {run.dataset.licence}.",
        f"The same model in Python: clew.load({str(run.path)!r}){stream}.",
    ]
