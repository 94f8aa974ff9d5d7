"""``clew evaluate`` of a language model: bits per byte, and what ``xz -9`` takes for the same bytes."""

from pathlib import Path
from typing import TYPE_CHECKING

from clew.cli.table import table

if TYPE_CHECKING:
    from clew.models import LanguageModel

__all__ = ["evaluate_and_keep"]


def evaluate_and_keep(path: Path, model: "LanguageModel", name: str, lanes: int) -> None:
    """Print the result, and write it and the report to the run directory.

    Args:
        path: the run directory.
        model: its model.
        name: ``"test"``, ``"validation"`` or ``"train"``.
        lanes: so many stretches of the text are read side by side.
    """
    from clew.runs import RunDirectory, load_text
    from clew.train import report
    from clew.train.text import evaluate_text, xz

    text = load_text(path)
    split = getattr(text, name)
    result = evaluate_text(model, split, lanes)
    kept = {
        "split": name,
        "bits_per_byte": result.bits_per_byte,
        "loss": result.loss,
        "tokens": result.tokens,
        "bytes": result.n_bytes,
        "lanes": lanes,
    }
    rows = [
        ["part", name],
        ["bits per byte", f"{result.bits_per_byte:.4f}"],
        ["loss", f"{result.loss:.4f} nats a token"],
        ["tokens", f"{result.tokens:,}"],
        ["bytes", f"{result.n_bytes:,}"],
    ]
    compressed = xz(split, None if name == "train" else text.train)
    kept["xz_alone"], kept["xz_after_train"] = compressed.alone, compressed.after
    rows.append(["xz -9, this part alone", f"{compressed.alone:.4f}"])
    if compressed.after is not None:
        rows.append(["xz -9, behind the training part", f"{compressed.after:.4f}"])
    RunDirectory(path).write_evaluation(kept)
    rows.append(["report", str(report.write(path))])
    print(table(rows, "<<"))
