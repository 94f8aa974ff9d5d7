"""From labelled sequences of your own to a data set: what both CSV layouts share."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from clew.data.csv_file import is_number, position
from clew.data.dataset import Dataset, Split
from clew.data.splitting import hold_out

__all__ = ["TEST_SHARE", "build", "chosen_columns", "sorted_classes"]

TEST_SHARE = 0.2
"""The share tested on where nothing else is said."""


def chosen_columns(path: Path, columns: Sequence[str], named: str | None, option: str) -> list[int]:
    """Where the columns that an option names (separated by commas; None: all) stand, in the order named.

    Raises:
        ValueError: for a column that is not there, or named twice.
    """
    if named is None:
        return list(range(len(columns)))
    names = [name.strip() for name in named.split(",")]
    if len(set(names)) < len(names):
        raise ValueError(f"{option}={named} names a column twice")
    return [position(path, columns, name, option) for name in names]


def sorted_classes(labels: Iterable[str]) -> tuple[str, ...]:
    """The different labels, by value if all of them are numbers, else as text.

    >>> sorted_classes(["10", "9", "10"]), sorted_classes(["walk", "10", "9"])
    (('9', '10'), ('10', '9', 'walk'))
    """
    found = set(labels)
    if all(is_number(label) and math.isfinite(float(label)) for label in found):
        return tuple(sorted(found, key=lambda label: (float(label), label)))
    return tuple(sorted(found))


def build(
    name: str,
    path: Path,
    options: dict[str, Any],
    *,
    channels: Sequence[str],
    classes: tuple[str, ...],
    target: Literal["sequence", "step"],
    learn: Split,
    test: Split | None,
    values: tuple[str, ...] = (),
) -> Dataset:
    """The data set read from ``path``, of classes or of values.

    ``options`` has the shares and the seed: ``test`` of ``learn`` is held out unless a test split is given,
    and ``validation`` of what is left.

    Raises:
        ValueError: for a single class, or one that is too rare for these shares.
    """
    if len(classes) < 2 and not values:
        raise ValueError(f"{path}: every label is {classes[0]!r}, at least two classes are needed")
    seed = options["seed"]
    if test is None:
        learn, test = hold_out(learn, options["test"], seed=seed, classes=classes, part="test")
    train, held_out = hold_out(learn, options["validation"], seed=seed, classes=classes)
    asked = f"what is {', '.join(values)} of" if values else f"which of {len(classes)} classes is"
    lengths = torch.cat([learn.lengths, test.lengths])
    return Dataset(
        name=name,
        options=options,
        description=f"{len(lengths)} sequences of {int(lengths.min())} to {int(lengths.max())} frames and "
        f"{len(channels)} channel{'s' * (len(channels) > 1)}, read from {path.name}: "
        f"{asked} each {'sequence' if target == 'sequence' else 'frame'}?",
        source=str(path),
        licence="not stated: the data is your own",
        channels=tuple(channels),
        classes=classes,
        target=target,
        train=train,
        validation=held_out,
        test=test,
        values=values,
    )
