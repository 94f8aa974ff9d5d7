"""The Long Range Arena's task "retrieval": two papers, byte by byte, from the files of its release."""

from pathlib import Path

import torch

from clew.data.byte_sequences import BYTES, ByteSequences
from clew.data.dataset import Dataset, Split
from clew.data.generated import at_least
from clew.data.registry import datasets
from clew.data.splitting import official_or_share

__all__ = ["lra_retrieval"]

CLASSES = ("unrelated", "related")
LABELS = {b"0": 0, b"0.0": 0, b"1": 1, b"1.0": 1}
SEPARATOR = b"\t"
"""Between the two papers, as in the files: the one byte that no text in them can hold."""


@datasets.register("lra-retrieval")
def lra_retrieval(
    folder: str,
    length: int = 4000,
    sequences: int | None = None,
    validation: float | None = None,
    seed: int = 0,
) -> Dataset:
    """Does one of two papers cite the other, from the bytes of both?

    Pairs of papers of the ACL Anthology Network, in the official splits. A sequence is the first paper, a
    tab, which is in no paper, and the second; a frame is a byte, one-hot. **The publication differs**: its
    models read each paper on its own and compare what they make of the two, where this is one sequence of up
    to 8,001 frames, and the model has to remember the first paper while it reads the second. Accuracies are
    not those of the same task. All pairs are kept as bytes. Guessing gives 50%.

    The texts are read as they stand in the files, as the publication's own program does.

    Args:
        folder: where ``new_aan_pairs.train.tsv``, ``new_aan_pairs.eval.tsv`` and ``new_aan_pairs.test.tsv``
            are: ``tsv_data`` of the release. A line has the label, 0.0 or 1.0, two names and two texts.
        length: of a longer paper the first so many bytes; two of them and the tab are a sequence.
        sequences: learn from the first so many alone; from all when not given.
        validation: the official validation split when not given; else this share of it and the training
            sequences together is held out to stop by.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: if a line is not as above, the message names it; or an option is out of range.

    Source: Y. Tay et al., "Long Range Arena: A benchmark for efficient transformers", ICLR 2021, section 2.2;
    https://github.com/google-research/long-range-arena, lra_release.gz; D. R. Radev et al., "The ACL
    Anthology Network corpus", Language Resources and Evaluation 47, 2013, doi 10.1007/s10579-012-9211-2.
    """
    at_least({"length": length}, {"length": 1})
    if sequences is not None and sequences < 1:
        raise ValueError(f"'sequences' is at least 1, got {sequences}")
    place = Path(folder).expanduser().resolve()
    official, checked, test = (
        _read(place / f"new_aan_pairs.{part}.tsv", length, sequences if part == "train" else None)
        for part in ("train", "eval", "test")
    )
    train, held_out = official_or_share(official, checked, validation, seed=seed, classes=CLASSES)
    return Dataset(
        name="lra-retrieval",
        options={
            "folder": str(place),
            "length": length,
            "sequences": sequences,
            "validation": validation,
            "seed": seed,
        },
        description=f"Two papers, byte by byte, the first {length} at most of each, one after the other with "
        "a tab between: does one cite the other? The pairs of the Long Range Arena.",
        source="Y. Tay et al. (2021), Long Range Arena, https://arxiv.org/abs/2011.04006, lra_release.gz; "
        "D. R. Radev et al. (2013), The ACL Anthology Network corpus, "
        "https://doi.org/10.1007/s10579-012-9211-2",
        licence="the papers'; none stated for the pairs",
        channels=BYTES,
        classes=CLASSES,
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )


def _read(file: Path, length: int, most: int | None) -> Split:
    """The pairs of one file, line by line, each cut as it is read."""
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no {file}; the folder is tsv_data of the Long Range Arena's lra_release.gz"
        )
    texts, targets = [], []
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            cells = line.rstrip(b"\r\n").split(SEPARATOR)
            if len(cells) != 5:
                raise ValueError(
                    f"{file}, line {number}: wanted a label, two names and two texts between tabs, got "
                    f"{len(cells)} cells"
                )
            label, _, _, one, two = cells
            if label not in LABELS:
                raise ValueError(
                    f"{file}, line {number}: wanted the label 0.0 or 1.0, got "
                    f"{label[:20].decode(errors='replace')!r}"
                )
            if not one or not two:
                raise ValueError(f"{file}, line {number}: a text is empty")
            texts.append(one[:length] + SEPARATOR + two[:length])
            targets.append(torch.tensor(LABELS[label]))
            if len(texts) == most:
                break
    if not texts:
        raise ValueError(f"{file}: the file is empty")
    return Split(ByteSequences(tuple(texts)), tuple(targets))
