"""What the generated data sets share: options in range, draws that last, rows of which no two are alike."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from clew.data.dataset import Dataset, Split
from clew.data.splitting import hold_out

__all__ = ["at_least", "distinct_rows", "generated", "generator", "one_hot", "uniform", "whole_numbers"]

Rows = npt.NDArray[np.int64]


def at_least(options: Mapping[str, Any], least: Mapping[str, int]) -> None:
    """Refuse a number below its least value.

    Args:
        options: by name; others than those in ``least`` are passed over.
        least: the least value that each option may have.

    Raises:
        ValueError: for the first that is below, with its name.

    >>> at_least({"length": 0, "seed": 0}, {"length": 1, "seed": 0})
    Traceback (most recent call last):
    ...
    ValueError: 'length' is at least 1, got 0
    """
    for option, value in least.items():
        if options[option] < value:
            raise ValueError(f"{option!r} is at least {value}, got {options[option]}")


def generator(name: str, seed: int) -> np.random.PCG64:
    """The raw 64-bit draws of the data set ``name``: a stream that numpy promises to keep (NEP 19)."""
    return np.random.PCG64([seed, *name.encode()])


def uniform(draws: np.random.PCG64, *shape: int) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) of the given shape: the upper 53 bits of a draw each."""
    raw = np.asarray(draws.random_raw(int(np.prod(shape))), dtype=np.uint64).reshape(shape)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def whole_numbers(draws: np.random.PCG64, count: int, high: int, width: int) -> Rows:
    """(count, width) whole numbers below ``high``, uniform.

    The remainder of a 64-bit draw is biased by less than high / 2⁶⁴.
    """
    raw = np.asarray(draws.random_raw(count * width), dtype=np.uint64).reshape(count, width)
    return (raw % np.uint64(high)).astype(np.int64)


def one_hot(shown: Rows | Tensor, channels: int) -> Tensor:
    """(…, channel) float32 of numbers of channels (…): 1 in the channel shown, 0 in the others."""
    return torch.eye(channels)[torch.as_tensor(shown)]


def distinct_rows(count: int, draw: Callable[[int], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """``count`` rows of which no two are alike, in the order they were drawn.

    Args:
        count: how many.
        draw: gives so many more rows, (count, …), each time new ones.
    """
    rows = draw(count)
    while True:
        flat = np.ascontiguousarray(rows.reshape(len(rows), math.prod(rows.shape[1:])))
        _, first = np.unique(
            flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))), return_index=True
        )
        rows = rows[np.sort(first)]
        if len(rows) >= count:
            return rows[:count]
        rows = np.concatenate([rows, draw(count)])


def generated(
    name: str,
    options: dict[str, Any],
    learn: Split,
    test: Split,
    *,
    channels: tuple[str, ...],
    target: Literal["sequence", "step"],
    texts: tuple[str, str],
    classes: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
) -> Dataset:
    """The data set that was generated from ``options``.

    Args:
        name: as registered.
        options: all of them; ``validation`` and ``seed`` say what is held out of ``learn``.
        learn: to train on and to validate.
        test: to test on.
        channels: their names.
        target: what a class, or values, are asked for.
        texts: the description and the source.
        classes: their names, where classes are asked for.
        values: their names, where values are.
    """
    train, held_out = hold_out(learn, options["validation"], seed=options["seed"], classes=classes)
    description, source = texts
    return Dataset(
        name=name,
        options=options,
        description=description,
        source=source,
        licence="none needed: generated",
        channels=channels,
        classes=classes,
        target=target,
        train=train,
        validation=held_out,
        test=test,
        values=values,
    )
