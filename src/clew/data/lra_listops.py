"""The Long Range Arena's own ListOps, from the files of its release."""

from pathlib import Path

import torch

from clew.data.csv_file import rows
from clew.data.dataset import Dataset, Split
from clew.data.generated import one_hot
from clew.data.listops import TOKENS
from clew.data.registry import datasets
from clew.data.splitting import official_or_share

__all__ = ["lra_listops"]

NUMBERS = {token: number for number, token in enumerate(TOKENS)}


@datasets.register("lra-listops")
def lra_listops(
    folder: str, sequences: int | None = None, validation: float | None = None, seed: int = 0
) -> Dataset:
    """ListOps as in ``listops``, the very sequences of the Long Range Arena.

    The round brackets of the files, which say nothing that the others do not, are left out, as in the
    publication's own program. The official splits have 96,000, 2,000 and 2,000 sequences; all of them take
    about 6 GB.

    Args:
        folder: where ``basic_train.tsv``, ``basic_val.tsv`` and ``basic_test.tsv`` are: ``listops-1000`` of
            the release.
        sequences: learn from the first so many alone; from all when not given.
        validation: the official validation split when not given; else this share of it and the training
            sequences together is held out to stop by.
        seed: of the choice of that share.

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: if a line is not as published; the message names it.

    Source: Y. Tay et al., "Long Range Arena: A benchmark for efficient transformers", ICLR 2021;
    https://github.com/google-research/long-range-arena, lra_release.gz.
    """
    place = Path(folder).expanduser().resolve()
    if sequences is not None and sequences < 1:
        raise ValueError(f"'sequences' is at least 1, got {sequences}")
    official, checked, test = (
        _read(place / f"basic_{part}.tsv", sequences if part == "train" else None)
        for part in ("train", "val", "test")
    )
    train, held_out = official_or_share(official, checked, validation, seed=seed, classes=TOKENS[:10])
    return Dataset(
        name="lra-listops",
        options={"folder": str(place), "sequences": sequences, "validation": validation, "seed": seed},
        description="Nested operations on digits, smallest, largest, median and sum modulo 10, by token: "
        "which digit do they come to? The sequences of the Long Range Arena.",
        source="Y. Tay et al. (2021), Long Range Arena, https://arxiv.org/abs/2011.04006; lra_release.gz",
        licence="Apache-2.0, as the repository it is from",
        channels=TOKENS,
        classes=TOKENS[:10],
        target="sequence",
        train=train,
        validation=held_out,
        test=test,
    )


def _read(file: Path, most: int | None) -> Split:
    """The expressions of one file and what they come to."""
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no {file}; the folder is listops-1000 of the Long Range Arena's lra_release.gz"
        )
    lines = rows(file)
    _, head = next(lines)
    if head != ["Source", "Target"]:
        raise ValueError(f"{file}, line 1: the columns are Source and Target, got {', '.join(head)}")
    inputs, targets = [], []
    for number, (source, target) in lines:
        words = [word for word in source.split() if word not in "()"]
        if unknown := [word for word in words if word not in NUMBERS]:
            raise ValueError(f"{file}, line {number}: {unknown[0]!r} is no token of ListOps")
        if not words or target not in TOKENS[:10]:
            raise ValueError(
                f"{file}, line {number}: wanted tokens and a digit, got {source!r} and {target!r}"
            )
        inputs.append(one_hot(torch.tensor([NUMBERS[word] for word in words]), len(TOKENS)))
        targets.append(torch.tensor(int(target)))
        if len(inputs) == most:
            break
    return Split(tuple(inputs), tuple(targets))
